"""Retrieval quality of a bundle on captioned photos, without PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photoseek.bundle import Bundle
from photoseek.captions import Caption, captions_of, read_caption_file
from photoseek.encoders import ImageEncoder, TextEncoder
from photoseek.errors import CaptionFileError
from photoseek.metrics import RetrievalMetrics, retrieval_metrics
from photoseek.vectors import Vectors

_BATCH = 16


@dataclass(frozen=True)
class Evaluation:
    """Metrics, and the precision of the towers that they belong to."""

    metrics: RetrievalMetrics
    precision: str

    def to_json(self) -> dict[str, Any]:
        """The form that ``evaluate --json`` prints."""
        return {**self.metrics.to_json(), "precision": self.precision}


def evaluate(
    bundle: Bundle,
    images: str | Path,
    captions: str | Path,
    split: str | Path | None = None,
    *,
    precision: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure Recall@K and median rank in both directions, exact search, by the protocol of VSE++.

    Args:
        bundle: What to measure.
        images: Folder of the images.
        captions: Caption file.
        split: A file of the names of the images that count, or a split that the caption file carries. None: all.
        precision: Of the towers. None: the bundle's most exact one.
        progress: Called with images encoded and images in all.

    Raises:
        CaptionFileError: A broken line, or an image of the split without captions or without a file.
        PhotoError: An image cannot be decoded.
    """
    names, chosen = captioned_images(Path(images), captions, split)
    texts = TextEncoder(bundle, precision)
    photos = ImageEncoder(bundle, precision)
    image_vectors = _encode_images(photos, [Path(images, name) for name in names], progress)
    row = {name: index for index, name in enumerate(names)}
    metrics = retrieval_metrics(image_vectors, texts.encode([c.text for c in chosen]), [row[c.image] for c in chosen])
    return Evaluation(metrics, photos.precision)


def captioned_images(images: Path, captions: str | Path, split: str | Path | None) -> tuple[list[str], list[Caption]]:
    """The image names that count, and their captions in the same order.

    Raises:
        CaptionFileError: A broken line, or an image without captions or without a file.
    """
    file = read_caption_file(captions)
    names = file.names(split)
    missing = [name for name in names if not (images / name).is_file()]
    if missing:
        source = captions if split is None else split
        raise CaptionFileError(
            f"{source}: unknown image {missing[0]!r}: no such file in {images} "
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
