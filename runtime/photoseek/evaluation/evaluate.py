"""Retrieval quality of a bundle on captioned photos, without PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.captions import Caption, captions_of, read_caption_file, read_caption_files
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
        names: Of the images.
        captions: In the order of their images.
        images: Unit vectors, (len(names), dim).
        texts: Unit vectors, (len(captions), dim).
        precision: Of the towers.
    """

    names: list[str]
    captions: list[Caption]
    images: Vectors
    texts: Vectors
    precision: str

    @property
    def image_of_text(self) -> Rows:
        """The row of each caption's image, (len(captions),)."""
        row_of = {name: row for row, name in enumerate(self.names)}
        return np.array([row_of[caption.image] for caption in self.captions], dtype=np.int64)


def evaluate(
    bundle: Bundle,
    images: str | Path,
    captions: str | Path | Sequence[str | Path],
    split: str | Path | None = None,
    *,
    precision: str | None = None,
    protocol: EvaluationProtocol | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure Recall@K, median and mean rank in both directions, exact search, by the protocol of VSE++.

    Args:
        bundle: What to measure.
        images: Folder of the images.
        captions: Caption file, or several, say one for each language.
        split: A file of the names of the images that count, or a split that a caption file carries. None: all.
        precision: Of the towers. None: the one that this CPU runs fastest.
        protocol: Which images and captions count, and in how many folds. None: all, in one.
        progress: Called with images encoded and images in all.

    Raises:
        CaptionFileError: A broken line, or an image of the split without captions or without a file.
        EvaluationError: The captioned images don't allow what the protocol asks for.
        PhotoError: An image cannot be decoded.
    """
    rules = protocol or EvaluationProtocol()
    encoded = encode_captioned(bundle, images, captions, split, precision=precision, protocol=rules, progress=progress)
    return evaluate_vectors(encoded.images, encoded.texts, encoded.names, encoded.captions, rules, encoded.precision)


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
    """The vectors that ``evaluate`` measures; parameters and errors are its own."""
    rules = protocol or EvaluationProtocol()
    names, chosen = rules.choose(*images_with_captions(Path(images), captions, split))
    rules.fold_slices(len(names))  # refused before the work, not after it
    texts = TextEncoder(bundle, precision)
    photos = ImageEncoder(bundle, precision)
    image_vectors = _encode_images(photos, [Path(images, name) for name in names], progress)
    text_vectors = texts.encode([caption.text for caption in chosen])
    return EncodedSplit(names, chosen, image_vectors, text_vectors, photos.precision)


def text_language(towers: Collection[str], captions: Path) -> str:
    """Language of the text tower that reads most captions of a file: one of ``towers``, or ``""`` for the main one."""
    if not towers:
        return ""
    spoken = Counter(detect_language(caption.text) for caption in read_caption_file(captions).captions)
    language = spoken.most_common(1)[0][0]
    return language if language in towers else ""


def images_with_captions(
    images: Path, captions: str | Path | Sequence[str | Path], split: str | Path | None
) -> tuple[list[str], list[Caption]]:
    """The image names that count, and their captions in the same order.

    Raises:
        CaptionFileError: A broken line, or an image without captions or without a file.
    """
    file = read_caption_files(captions)
    names = file.names(split)
    missing = [name for name in names if not (images / name).is_file()]
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
    parts = []
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        parts.append(encoder.encode(batch))
        if progress is not None:
            progress(start + len(batch), len(files))
    return np.concatenate(parts)
