"""How much do vectors differ from those of exact pixels if JPEGs are decoded at a fraction of their size?

    python benchmarks/scaled_decoding.py BUNDLE PHOTOS

Enlarges 64 photos of a folder to 1920 pixels, with grain, and saves them as JPEGs. Prints the centered cosine (after
subtracting the mean vector) of the vectors of decoded fractions with those of exact pixels, in the bundle's first
precision.
"""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from photoseek import Bundle
from photoseek.encoders.encoders import ImageEncoder
from photoseek.photos.decode import decode_photo, open_photo
from photoseek.sources.local import scan
from photoseek.vectors import Vectors

_PHOTOS = 64
_SIDE = 1920
_GRAIN = 6.0  # standard deviation, of 255 levels


def main() -> None:
    """Print a line for each fraction."""
    bundle, folder = Bundle.load(sys.argv[1]), Path(sys.argv[2])
    encoder = ImageEncoder(bundle, bundle.precisions[0])
    preprocessing = replace(bundle.preprocessing, exact_resize=True)
    files = [enlarged(photo.under(folder)) for photo, _ in zip(scan(folder), range(_PHOTOS), strict=False)]

    def encode(images: list[Image.Image]) -> Vectors:
        pixels = (preprocessing(image)[None] for image in images)
        return np.concatenate([encoder.encode_pixels(each) for each in pixels])

    exact = encode([decode_photo(file).image for file in files])
    for edge in (240, 480, 960):
        images = [decode_photo(file, edge).image for file in files]
        cosines = centered_cosines(encode(images), exact)
        times = images[0].height / preprocessing.height
        print(f"decoded at {times:.1f} times the input: mean {cosines.mean():.5f}, lowest {cosines.min():.5f}")


def enlarged(path: Path) -> bytes:
    """Return a photo with a shorter side of ``_SIDE`` pixels, as a JPEG."""
    photo = open_photo(path)
    scale = _SIDE / min(photo.size)
    large = np.asarray(
        photo.resize([round(side * scale) for side in photo.size], Image.Resampling.BICUBIC), dtype=float
    )
    large = large + np.random.default_rng(0).normal(0, _GRAIN, large.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(large, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def centered_cosines(ours: Vectors, exact: Vectors) -> Vectors:
    """Return the cosine of each vector with the exact one, after subtracting the mean of these."""
    a, b = ours - exact.mean(axis=0), exact - exact.mean(axis=0)
    return np.einsum("ij,ij->i", a, b) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


if __name__ == "__main__":
    main()
