"""A bundle learns what its cosines are worth, from captioned photos that it has not learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.calibration import Calibration
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.confidence import calibrate, calibrate_short
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleIncompatible
from photoseek.evaluation import Encoded, encode_captioned, reading_tower
from photoseek.phrases import LENGTHS, phrases_of


def calibrate_bundle(
    bundle: Bundle,
    images: str | Path,
    captions: Sequence[str | Path],
    split: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Calibration]:
    """Fit :func:`photoseek.confidence.calibrate` for each precision, and note it in ``photoseek.json``.

    Galleries of the bundle stay as they are: no vector changes.

    Args:
        bundle: Whose folder can be written.
        images: Folder of the images.
        captions: Caption files; each belongs to the text tower of the language that most of it is in.
        split: The images that count, as for :func:`photoseek.evaluation.evaluate`.
        progress: Called with images encoded and images in all, for each precision and file anew.

    Returns:
        By ``precision`` for the main text tower, and by ``precision language`` for further ones.

    Raises:
        CaptionFileError: A broken line, or an image of the split without captions or without a file.
        EvaluationError: Fewer than two images.
        PhotoError: An image cannot be decoded.
        BundleIncompatible: The bundle is a folder of another program.
    """
    if bundle.layout != "photoseek":
        raise BundleIncompatible(
            f"{bundle.path}: a curve is kept in {Layout.MANIFEST}, which a folder of another program does not have; "
            "make a bundle of the model: photoseek-export --from-clip DIR --out BUNDLE"
        )
    manifest, found = Manifest.read(bundle.path), {}
    for file in captions:
        tower = reading_tower(manifest.text_towers, Path(file))
        facts = manifest.text_towers[tower].precisions if tower else manifest.precisions
        for precision in bundle.precisions:
            encoded = encode_captioned(bundle, images, file, split, precision=precision, progress=progress)
            curve = calibrate_captioned(bundle, encoded)
            facts.setdefault(precision, {})["confidence"] = curve.to_json()
            found[f"{precision} {tower}".strip()] = curve
    manifest.write(bundle.path)
    return found


def calibrate_captioned(bundle: Bundle, encoded: Encoded) -> Calibration:
    """Fit the curve of captions, and those of shorter queries, in the precision that they were encoded in.

    The longest of these are nearly captions, and have their curve; only the floor is their own.

    Raises:
        EvaluationError: Fewer than two images.
    """
    texts, short = TextEncoder(bundle, encoded.precision), []
    for lengths in LENGTHS:
        phrases = phrases_of(encoded.captions, encoded.names, lengths)
        if phrases.texts:
            vectors = texts.encode(phrases.texts)
            short.append(calibrate_short(encoded.images, vectors, phrases.shown, max(lengths)))
    curve = calibrate(encoded.images, encoded.texts, encoded.image_of_text)
    if short:
        short[-1] = replace(short[-1], slope=curve.slope, intercept=curve.intercept)
    return replace(curve, short=tuple(short))
