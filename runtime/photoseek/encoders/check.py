"""Verification of a bundle: by checksums, or by running its towers where there are none."""

from __future__ import annotations

from PIL import Image

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder


def verify(bundle: Bundle) -> None:
    """Verify every file of a bundle; without checksums, also encode a text and a photo in each precision.

    Raises:
        BundleError: A file is not what it should be, or cannot be read or run.
    """
    bundle.verify()
    if bundle.has_checksums:
        return
    for precision in bundle.precisions:
        TextEncoder(bundle, precision).encode(["a photo", ""])
        ImageEncoder(bundle, precision).encode([Image.new("RGB", (40, 30))])
