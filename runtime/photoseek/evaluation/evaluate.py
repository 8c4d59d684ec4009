"""Retrieval quality of a bundle on captioned photos, without PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.captions import Caption, captions_of, match_files, read_caption_file, read_caption_files
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import CaptionFileError
from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.evaluation.report import Evaluation, evaluate_vectors
from photoseek.languages import detect_language
from photoseek.vectors import Rows, Vectors

_BATCH = 16


@dataclass(frozen=True)
class EncodedSplit:
    """Captioned images and their vectors.

    Attributes:
        names: Image names.
        captions: Captions, in the order of their images.
        images: Unit vectors of the images, (len(names), dim).
        texts: Unit vectors of the captions, (len(captions), dim).
        precision: Precision of the towers.
        protocol: The protocol that selected the images and captions.
    """

    names: list[str]
    captions: list[Caption]
    images: Vectors
    texts: Vectors
    precision: str
    protocol: EvaluationProtocol = field(default_factory=EvaluationProtocol)

    @cached_property
    def image_of_text(self) -> Rows:
        """The row of each caption's image, (len(captions),)."""
        row_of = {name: row for row, name in enumerate(self.names)}
        return np.array([row_of[caption.image] for caption in self.captions], dtype=np.int64)

    def evaluate(self) -> Evaluation:
        """Measure Recall@K, median and mean rank in both directions, with exact search (the protocol of VSE++)."""
        return evaluate_vectors(self.images, self.texts, self.names, self.captions, self.protocol, self.precision)


def encode_captioned(
    bundle: Bundle,
    images: str | Path,
    captions: str | Path | Sequence[str | Path],
    split: str | Path | None = None,
    *,
    precision: str | None = None,
    protocol: EvaluationProtocol | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EncodedSplit:
    """Encode captioned images and their captions, ready to be evaluated.

    Args:
        bundle: Bundle to measure.
        images: Folder of the images.
        captions: One or more caption files, for example one per language.
        split: File with the names of the images to use, or the name of a split of the caption file. None: all.
        precision: Precision of the towers. Defaults to the fastest on this CPU.
        protocol: Which images and captions to use, and in how many folds. Defaults to all, in one fold.
        progress: Called with the number of encoded images and the total.

    Raises:
        CaptionFileError: A line is invalid, or an image of the split has no captions or no file.
        EvaluationError: There are too few captioned images for the protocol.
        PhotoError: An image cannot be decoded.
    """
    rules = protocol or EvaluationProtocol()
    names, chosen = rules.choose(*images_with_captions(Path(images), captions, split))
    rules.fold_slices(len(names))  # raises before the encoding, not after it
    texts = TextEncoder(bundle, precision)
    photos = ImageEncoder(bundle, precision)
    image_vectors = _encode_images(photos, [Path(images, name) for name in names], progress)
    text_vectors = texts.encode([caption.text for caption in chosen])
    return EncodedSplit(names, chosen, image_vectors, text_vectors, photos.precision, rules)


def text_language(towers: Collection[str], captions: Path) -> str:
    """Return the language, among ``towers``, of most captions of a file, or ``""`` for the main text tower."""
    if not towers:
        return ""
    languages = Counter(detect_language(caption.text) for caption in read_caption_file(captions).captions)
    language = languages.most_common(1)[0][0]
    return language if language in towers else ""


def images_with_captions(
    images: Path, captions: str | Path | Sequence[str | Path], split: str | Path | None
) -> tuple[list[str], list[Caption]]:
    """Return the image names of a split, and their captions in the same order.

    Raises:
        CaptionFileError: A line is invalid, or an image has no captions or no file.
    """
    names, file, missing = match_files(read_caption_files(captions), images, split)
    if missing:
        source = captions if split is None else split
        files = [source] if isinstance(source, str | Path) else source
        raise CaptionFileError(
            f"{', '.join(map(str, files))}: unknown image {missing[0]!r}: no such file in {images} "
            f"({len(missing)} of {len(names)} are missing)"
        )
    return names, captions_of(file.captions, names)


def _encode_images(
    encoder: ImageEncoder, files: Sequence[Path], progress: Callable[[int, int], None] | None
) -> Vectors:
    batches = []
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        batches.append(encoder.encode(batch))
        if progress is not None:
            progress(start + len(batch), len(files))
    return np.concatenate(batches)
