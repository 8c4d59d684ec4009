"""Time of each step from a JPEG file to its vector, on one core.

python benchmarks/photo_steps.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import models
import numpy as np
from contest import write
from photos import SIZES, jpegs

from photoseek import Bundle
from photoseek.encoders.encoders import ImageEncoder
from photoseek.photos.decode import decode_photo, read_photo

_BATCH = 4
_ROUNDS = 3


def main() -> None:
    """Run the benchmark and write the result."""
    encoder = ImageEncoder(Bundle.load(models.bundle()), "int8", threads=1)
    write(
        "photo_steps",
        "Milliseconds of one core from a JPEG file to a vector, int8, by step",
        {f"{size} px": _steps(encoder, jpegs(size)[:32]) for size in SIZES},
        _ROUNDS,
    )


def _steps(encoder: ImageEncoder, paths: list[Path]) -> dict[str, Any]:
    how = encoder.bundle.preprocessing
    steps: dict[str, list[float]] = {"read_ms": [], "decode_ms": [], "preprocess_ms": [], "encode_ms": []}

    def timed(step: str, work: Callable[[], Any], photos: int = 1) -> Any:
        started = time.perf_counter()
        done = work()
        steps[step].append((time.perf_counter() - started) / photos)
        return done

    for _ in range(_ROUNDS):
        pixels = []
        for path in paths:
            data = timed("read_ms", lambda path=path: read_photo(path))
            photo = timed("decode_ms", lambda data=data: decode_photo(data, how.min_edge))
            pixels.append(timed("preprocess_ms", lambda photo=photo: how(photo.image)))
        for start in range(0, len(pixels), _BATCH):
            batch = np.stack(pixels[start : start + _BATCH])
            timed("encode_ms", lambda batch=batch: encoder.encode_pixels(batch), len(batch))
    found = {step: round(1000 * statistics.median(taken), 3) for step, taken in steps.items()}
    return {**found, "all_ms": round(sum(found.values()), 2)}


if __name__ == "__main__":
    main()
