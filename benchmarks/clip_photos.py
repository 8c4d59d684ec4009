"""Photos from JPEG files to vectors with CLIP ViT-B/32 at 256 pixels, against rclip's code on the same weights.

    python benchmarks/clip_photos.py

Photos of 1024 x 768 and 4000 x 3000 have camera noise, so that they take as long to decode as real ones. photoseek
encodes as ``photoseek index`` does: one photo per core. rclip loads all photos in its threads, then encodes
batches of 8: rclip itself does both at the same time, so compare processor time, not photos per second. Every
contestant runs in a separate process with all cores. Processor time is that of all threads.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from contest import Contest
from photos import jpegs

import clip_models
from photoseek.system.cpu import available_cores

_SIZES = {"1024": 24, "4000": 16}


def _photoseek(precision: str) -> dict[str, Any]:
    from photoseek import Bundle
    from photoseek.encoders.encoders import ImageEncoder

    encoder = ImageEncoder(Bundle.load(clip_models.BUNDLE), precision, mode="service")

    def encode(paths: Sequence[Path]) -> None:
        parts = [paths[start : start + 4] for start in range(0, len(paths), 4)]
        with ThreadPoolExecutor(available_cores()) as pool:
            list(pool.map(encoder.encode, parts))

    return _costs(encode)


def _rclip() -> dict[str, Any]:
    os.environ["RCLIP_DATADIR"] = str(clip_models.RCLIP)
    from rclip.db import DB
    from rclip.main import RClip
    from rclip.model import Model

    model = Model()
    rclip = RClip(model, DB(":memory:"), indexing_batch_size=8, exclude_dirs=None)

    def encode(paths: Sequence[Path]) -> None:
        items = [(str(path), {"modified_at": 0.0, "size": 0}) for path in paths]
        loaded = [pixels for *_, pixels in rclip._load_images(items)]
        for start in range(0, len(loaded), 8):
            model.compute_preprocessed_image_features(loaded[start : start + 8], for_indexing=True)

    return _costs(encode)


def _costs(encode: Callable[[Sequence[Path]], None]) -> dict[str, Any]:
    encode(jpegs("1024")[:2])  # opens the graph
    found: dict[str, Any] = {}
    for size, count in _SIZES.items():
        paths = jpegs(size)[:count]
        started, processor = time.perf_counter(), time.process_time()
        encode(paths)
        found[f"{size} px, processor_ms"] = round(1000 * (time.process_time() - processor) / len(paths), 1)
        found[f"{size} px, photos/s"] = round(len(paths) / (time.perf_counter() - started), 2)
    return found


CONTEST = Contest(
    "clip_photos",
    "Processor time from a JPEG file to a vector, CLIP ViT-B/32 at 256 pixels",
    {
        "photoseek int8": lambda: _photoseek("int8"),
        "photoseek fp32": lambda: _photoseek("fp32"),
        "rclip": _rclip,
    },
)

if __name__ == "__main__":
    for name in _SIZES:
        jpegs(name)
    CONTEST.main(sys.argv[1:], rounds=3)
