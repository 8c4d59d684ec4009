"""Photos of one color for the bundle of ``tiny_bundle``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_color(path: Path, color: tuple[int, int, int], seed: int = 0, size: tuple[int, int] = (48, 36)) -> Path:
    """Write a picture of one color with noise, so that no two are equal."""
    noise = np.random.default_rng(seed).integers(-12, 13, size=(size[1], size[0], 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)).save(path)
    return path


def write_pattern(path: Path, width: int, color: tuple[int, int, int]) -> Path:
    """Write a picture of one color in several shades with the same content at every width."""
    x, y = np.meshgrid(np.arange(width) / width, np.arange(width * 3 // 4) / width)
    shade = 0.85 + 0.15 * np.sin(9 * x + 5 * y * y)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((shade[..., None] * np.array(color)).astype(np.uint8)).save(path)
    return path
