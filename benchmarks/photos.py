"""Photos per second from JPEG files to vectors, ResNet18 at 224 pixels.

    python benchmarks/photos.py

Photos have three sizes: as drawn (about 224 pixels), 1024 x 768, and 4000 x 3000. The larger ones have camera noise, so
that they take as long to decode as real ones. Every contestant runs in a separate process with all cores.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import models
import numpy as np
from contest import CACHE, Contest
from jpegs import write_large
from PIL import Image

from photoseek.system.cpu import available_cores

SIZES = {"224": (298, 224), "1024": (1024, 768), "4000": (4000, 3000)}
_COUNT = {"224": 96, "1024": 96, "4000": 16}
_BATCH = 16


def jpegs(size: str) -> list[Path]:
    """Return photos of a size, which are generated once."""
    folder = CACHE / f"photos-{size}"
    made = sorted(folder.glob("*.jpg"))
    if len(made) < _COUNT[size]:
        folder.mkdir(parents=True, exist_ok=True)
        sources = sorted(models.scenes().glob("images/*.jpg"))
        for number in range(_COUNT[size]):
            write_large(sources[number % len(sources)], folder / f"{number:04d}.jpg", SIZES[size], number)
        made = sorted(folder.glob("*.jpg"))
    return made


def _photoseek(precision: str) -> dict[str, Any]:
    from photoseek import Bundle
    from photoseek.encoders.encoders import ImageEncoder

    encoder = ImageEncoder(Bundle.load(models.bundle()), precision, mode="service")

    def encode(paths: Sequence[Path]) -> None:
        parts = [paths[start : start + 4] for start in range(0, len(paths), 4)]
        with ThreadPoolExecutor(available_cores()) as pool:
            list(pool.map(encoder.encode, parts))

    return _rates(encode)


def _pytorch() -> dict[str, Any]:
    """Encode with torchvision's transforms, a DataLoader with one worker per core, and an eager ResNet18."""
    import torch
    from extraction import PlainPhotos
    from torch.utils.data import DataLoader

    from photoseek_train.model.checkpoint import load_checkpoint

    model, config, _ = load_checkpoint(models.checkpoint())

    def encode(paths: Sequence[Path]) -> None:
        with torch.inference_mode():
            for batch in DataLoader(
                PlainPhotos(paths, config.preprocessing), batch_size=_BATCH, num_workers=available_cores()
            ):
                model.encode_image(batch)

    return _rates(encode)


def _full_decode() -> dict[str, Any]:
    """Encode as rclip does: decode each photo at full size, resize it with Pillow, and run an fp32 ONNX graph."""
    import onnxruntime as ort

    from photoseek import Bundle

    bundle = Bundle.load(models.bundle())
    how = bundle.preprocessing
    session = ort.InferenceSession(str(bundle.path / "onnx/vision_model.onnx"), providers=["CPUExecutionProvider"])

    def read(path: Path) -> np.ndarray[Any, Any]:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            return how(image.convert("RGB"))

    def encode(paths: Sequence[Path]) -> None:
        for start in range(0, len(paths), _BATCH):
            session.run(None, {"pixel_values": np.stack([read(path) for path in paths[start : start + _BATCH]])})

    return _rates(encode)


def _rates(encode: Callable[[Sequence[Path]], None]) -> dict[str, Any]:
    rates = {}
    encode(jpegs("224")[:_BATCH])
    for size in SIZES:
        paths = jpegs(size)
        started = time.perf_counter()
        encode(paths)
        rates[f"{size} px, photos/s"] = round(len(paths) / (time.perf_counter() - started), 2)
    return rates


CONTEST = Contest(
    "photos",
    "Photos a second from JPEG files to vectors, ResNet18 at 224 pixels",
    {
        "photoseek int8": lambda: _photoseek("int8"),
        "photoseek fp32": lambda: _photoseek("fp32"),
        "torchvision + PyTorch eager": _pytorch,
        "full decode, Pillow, ONNX fp32": _full_decode,
    },
)

if __name__ == "__main__":
    models.bundle()
    for name in SIZES:
        jpegs(name)
    CONTEST.main(sys.argv[1:], rounds=3)
