"""Large photos generated from small ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_large(source: Path, target: Path, size: tuple[int, int], seed: int) -> None:
    """Write a JPEG of (width, height) with camera noise, so that it takes as long to decode as a real one."""
    with Image.open(source) as image:
        large = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    grain = np.random.default_rng(seed).normal(0, 6, large.shape)
    Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(target, quality=85)
