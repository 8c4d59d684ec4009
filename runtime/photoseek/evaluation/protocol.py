"""Evaluation protocols: which images and captions are used, in how many folds, with which intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from photoseek.captions import Caption
from photoseek.errors import EvaluationError
from photoseek.languages import detect_language


@dataclass(frozen=True)
class EvaluationProtocol:
    """The protocol of an evaluation; by default all images and captions in one fold.

    Attributes:
        sample: Number of images to use, the first ones ("1K"). Defaults to all.
        folds: Number of folds that are also searched separately and averaged: "1K of 5K" of Karpathy and Fei-Fei (CVPR
            2015) is ``folds=5`` on 5,000 images.
        fold_size: Images in a fold, consecutive in the split. Defaults to as many as fit.
        language: Use only captions in this language, and only images that have one.
        resamples: Bootstrap resamples of the intervals, or 0 for no intervals.
        seed: Seed of the bootstrap.
    """

    sample: int | None = None
    folds: int | None = None
    fold_size: int | None = None
    language: str | None = None
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("sample", "folds", "fold_size"):
            _require_min(1, name, getattr(self, name))
        _require_min(0, "resamples", self.resamples)
        _require_min(0, "seed", self.seed)
        if self.fold_size is not None and self.folds is None:
            raise EvaluationError("a fold size was given without a number of folds; give both, for example: --folds 5")

    def choose(self, names: Sequence[str], captions: Sequence[Caption]) -> tuple[list[str], list[Caption]]:
        """Return the images and captions of a split that the protocol uses, in the same order.

        Raises:
            EvaluationError: No caption is in the language, or there are fewer images than ``sample``.
        """
        chosen = self._for_language(captions)
        captioned = {caption.image for caption in chosen}
        images = [name for name in names if name in captioned]
        if self.sample is not None and self.sample > len(images):
            raise EvaluationError(f"expected a sample of at most {len(images)} images, found {self.sample}")
        images = images[: self.sample]
        sampled = frozenset(images)
        return images, [caption for caption in chosen if caption.image in sampled]

    def fold_slices(self, images: int) -> list[range]:
        """Return the image rows of each fold; none without folds.

        Raises:
            EvaluationError: The folds need more images than there are.
        """
        if self.folds is None:
            return []
        size = self.fold_size or images // self.folds
        if size == 0 or size * self.folds > images:
            wanted = f"{self.folds} folds" + (f" of {self.fold_size} images" if self.fold_size else "")
            raise EvaluationError(f"expected folds that fit into {images} images, found {wanted}")
        return [range(start, start + size) for start in range(0, size * self.folds, size)]

    def max_folds(self, images: int) -> EvaluationProtocol:
        """Return this protocol, without folds if there are too few images for them."""
        least = (self.folds or 0) * (self.fold_size or 1)
        return self if least <= images else replace(self, folds=None, fold_size=None)

    def _for_language(self, captions: Sequence[Caption]) -> list[Caption]:
        if self.language is None:
            return list(captions)
        languages = [detect_language(caption.text) for caption in captions]
        if self.language not in languages:
            raise EvaluationError(
                f"expected captions in {self.language!r}, found only: {', '.join(sorted(set(languages)))}"
            )
        pairs = zip(captions, languages, strict=True)
        return [caption for caption, language in pairs if language == self.language]


def _require_min(least: int, name: str, found: int | None) -> None:
    if found is not None and found < least:
        raise EvaluationError(f"{name}: expected at least {least}, found {found}")
