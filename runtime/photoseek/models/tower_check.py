"""A check of a model before it is installed: both towers run, and return vectors that depend on their input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import BundleError, ModelRefused
from photoseek.vectors import Vectors

TEXTS = ("a red circle on white paper", "two dogs at the beach")


def check_towers(folder: Path, name: str, dim: int | None = None) -> Bundle:
    """Run both towers of a model in every precision, and return its bundle.

    Args:
        folder: Its folder.
        name: Its name in errors.
        dim: Required length of its vectors. None: any.

    Raises:
        ModelRefused: A tower cannot run, or returns vectors of another length, values that are not finite, or the same
            vector for different inputs.
    """
    try:
        bundle = Bundle.load(folder)
        if dim is not None and bundle.dim != dim:
            raise ModelRefused(
                f"model {name}: expected {dim}-d vectors, found {bundle.dim}-d ones; it is not installed"
            )
        for precision in bundle.precisions:
            _expect_different(TextEncoder(bundle, precision).encode(TEXTS), name, f"text tower ({precision})")
            _expect_different(
                ImageEncoder(bundle, precision).encode(drawn_pictures()), name, f"image tower ({precision})"
            )
    except BundleError as error:
        raise ModelRefused(f"model {name} is not installed: {error}") from error
    return bundle


def drawn_pictures() -> list[Image.Image]:
    """Return a red circle on white, and blue and green stripes."""
    circle = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(circle).ellipse((90, 50, 230, 190), fill="red")
    stripes = Image.new("RGB", (320, 240), "blue")
    for left in range(0, 320, 40):
        ImageDraw.Draw(stripes).rectangle((left, 0, left + 19, 239), fill="green")
    return [circle, stripes]


def _expect_different(vectors: Vectors, name: str, tower: str) -> None:
    if np.allclose(vectors[0], vectors[1], atol=1e-6):
        raise ModelRefused(
            f"model {name} is not installed: expected different vectors for different inputs, its {tower} returns the "
            "same one; its outputs may be swapped: choose another revision"
        )
