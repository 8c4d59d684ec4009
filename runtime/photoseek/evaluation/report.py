"""Evaluate vectors: overall, in folds and by language, each with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from photoseek.captions import Caption
from photoseek.evaluation.bootstrap import Interval, resample
from photoseek.evaluation.metrics import Ranks, RecallMetrics, RetrievalMetrics, RetrievalRanks, retrieval_ranks
from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.languages import detect_language
from photoseek.vectors import Vectors


@dataclass(frozen=True)
class Folds:
    """Mean metrics over folds that are searched separately; images and (mean) captions are those of one fold."""

    metrics: RetrievalMetrics
    each: tuple[RetrievalMetrics, ...]
    interval: Interval | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the mean metrics, and the rsum of each fold."""
        rsums = [round(fold.rsum, 3) for fold in self.each]
        return {"count": len(self.each), **_with_interval(self.metrics, self.interval), "rsums": rsums}


@dataclass(frozen=True)
class EvaluationResult:
    """Metrics of one set of images and captions."""

    metrics: RetrievalMetrics
    interval: Interval | None = None
    folds: Folds | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the metrics, with ``interval`` and ``folds`` if the protocol has them."""
        folds = {} if self.folds is None else {"folds": self.folds.to_json()}
        return {**_with_interval(self.metrics, self.interval), **folds}


@dataclass(frozen=True)
class Evaluation:
    """Metrics of all captions, of each language if there are several, and the precision of the towers."""

    overall: EvaluationResult
    precision: str
    languages: Mapping[str, EvaluationResult] = field(default_factory=dict)

    @property
    def metrics(self) -> RetrievalMetrics:
        """Metrics of all captions."""
        return self.overall.metrics

    def to_json(self) -> dict[str, Any]:
        """Return the output of ``evaluate --json``."""
        languages = {code: result.to_json() for code, result in self.languages.items()}
        return {
            **self.overall.to_json(),
            "precision": self.precision,
            **({"languages": languages} if languages else {}),
        }


def evaluate_vectors(
    images: Vectors,
    texts: Vectors,
    names: Sequence[str],
    captions: Sequence[Caption],
    protocol: EvaluationProtocol | None = None,
    precision: str = "fp32",
) -> Evaluation:
    """Evaluate vectors of images and captions that the protocol has already selected.

    Each language is evaluated on the images with captions in it, and in folds only if it has enough images.

    Args:
        images: Unit vectors of the images, (N, dim).
        texts: Unit vectors of the captions, (M, dim).
        names: Image names.
        captions: Captions of the images.
        protocol: Defaults to ``EvaluationProtocol()``.
        precision: Precision of the towers that encoded the vectors.

    Raises:
        EvaluationError: The folds need more images than there are.
    """
    rules = protocol or EvaluationProtocol()
    row = {name: index for index, name in enumerate(names)}
    owner = np.array([row[caption.image] for caption in captions], dtype=np.int64)
    detected = np.array([detect_language(caption.text) for caption in captions])
    codes = sorted({*detected.tolist()} - {"other"})  # a caption of digits has no language
    languages = {}
    for code in codes if len(codes) > 1 else ():
        subset = _subset(images, texts, owner, np.flatnonzero(detected == code))
        languages[code] = _result(*subset, rules.max_folds(len(subset[0])))
    return Evaluation(_result(images, texts, owner, rules), precision, languages)


def _result(images: Vectors, texts: Vectors, owner: Ranks, protocol: EvaluationProtocol) -> EvaluationResult:
    """Evaluate one set of images and captions; ``owner`` is the image row of each caption."""
    ranks = retrieval_ranks(images, texts, owner)
    folds = [retrieval_ranks(*fold) for fold in _folds(images, texts, owner, protocol)]
    return EvaluationResult(RetrievalMetrics.of(ranks), _interval([ranks], protocol), _mean(folds, protocol))


def _folds(
    images: Vectors, texts: Vectors, owner: Ranks, protocol: EvaluationProtocol
) -> Iterator[tuple[Vectors, Vectors, Ranks]]:
    for rows in protocol.fold_slices(len(images)):
        yield _subset(images, texts, owner, np.flatnonzero((owner >= rows.start) & (owner < rows.stop)))


def _subset(images: Vectors, texts: Vectors, owner: Ranks, captions: Ranks) -> tuple[Vectors, Vectors, Ranks]:
    """Return some captions, their images, and the row of each caption's image among these."""
    rows, position = np.unique(owner[captions], return_inverse=True)
    return images[rows], texts[captions], position


def _mean(folds: Sequence[RetrievalRanks], protocol: EvaluationProtocol) -> Folds | None:
    if not folds:
        return None
    each = tuple(RetrievalMetrics.of(ranks) for ranks in folds)
    mean = RetrievalMetrics(
        RecallMetrics.mean([fold.text_to_image for fold in each]),
        RecallMetrics.mean([fold.image_to_text for fold in each]),
        each[0].images,
        round(sum(fold.captions for fold in each) / len(each)),
    )
    return Folds(mean, each, _interval(folds, protocol))


def _interval(folds: Sequence[RetrievalRanks], protocol: EvaluationProtocol) -> Interval | None:
    """Return the interval of the mean over folds, which are resampled independently."""
    if protocol.resamples == 0:
        return None
    samples = [resample(ranks, protocol.resamples, [protocol.seed, fold]) for fold, ranks in enumerate(folds)]
    return Interval.of(np.mean(samples, axis=0), protocol.seed)


def _with_interval(metrics: RetrievalMetrics, interval: Interval | None) -> dict[str, Any]:
    return {**metrics.to_json(), **({} if interval is None else {"interval": interval.to_json()})}
