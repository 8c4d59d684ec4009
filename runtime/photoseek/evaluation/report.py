"""From vectors to figures: overall, in folds and per language, each with its interval."""

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
    """The mean over folds, each searched apart; images and captions are those of one fold, captions on average."""

    metrics: RetrievalMetrics
    each: tuple[RetrievalMetrics, ...]
    interval: Interval | None = None

    def to_json(self) -> dict[str, Any]:
        """The mean in the form of any metrics, and the rsum of each fold."""
        rsums = [round(fold.rsum, 3) for fold in self.each]
        return {"count": len(self.each), **_bootstrap(self.metrics, self.interval), "rsums": rsums}


@dataclass(frozen=True)
class EvaluationResult:
    """What was measured on one set of images and captions."""

    metrics: RetrievalMetrics
    interval: Interval | None = None
    folds: Folds | None = None

    def to_json(self) -> dict[str, Any]:
        """The metrics, and ``interval`` and ``folds`` where they were asked for."""
        folds = {} if self.folds is None else {"folds": self.folds.to_json()}
        return {**_bootstrap(self.metrics, self.interval), **folds}


@dataclass(frozen=True)
class Evaluation:
    """The figures of all captions, those of each language where there are several, and the towers' precision."""

    overall: EvaluationResult
    precision: str
    languages: Mapping[str, EvaluationResult] = field(default_factory=dict)

    @property
    def metrics(self) -> RetrievalMetrics:
        """Retrieval with all captions."""
        return self.overall.metrics

    def to_json(self) -> dict[str, Any]:
        """The form that ``evaluate --json`` prints."""
        languages = {code: figures.to_json() for code, figures in self.languages.items()}
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
    """Measure retrieval by a protocol that has chosen ``names`` and ``captions`` already.

    A language is measured on the images that have a caption in it, with its captions only; in folds only if it has
    images enough for them.

    Args:
        images: Unit vectors of ``names``, (N, dim).
        texts: Unit vectors of ``captions``, (M, dim).
        names: The images.
        captions: Their captions.
        protocol: The rules. None: the default ones.
        precision: Of the towers that made the vectors.

    Raises:
        EvaluationError: The folds hold more images than there are.
    """
    rules = protocol or EvaluationProtocol()
    row = {name: index for index, name in enumerate(names)}
    owner = np.array([row[caption.image] for caption in captions], dtype=np.int64)
    spoken = np.array([detect_language(caption.text) for caption in captions])
    codes = sorted({*spoken.tolist()} - {"other"})  # a caption of digits is of no language
    parts = {code: _subset(images, texts, owner, np.flatnonzero(spoken == code)) for code in codes}
    return Evaluation(
        figures(images, texts, owner, rules),
        precision,
        {code: figures(*part, rules.max_folds(len(part[0]))) for code, part in parts.items()} if len(codes) > 1 else {},
    )


def figures(images: Vectors, texts: Vectors, owner: Ranks, protocol: EvaluationProtocol) -> EvaluationResult:
    """Measure one set of images and captions; ``owner`` is the image row of each caption."""
    ranks = retrieval_ranks(images, texts, owner)
    folds = [retrieval_ranks(*part) for part in _folds(images, texts, owner, protocol)]
    return EvaluationResult(RetrievalMetrics.of(ranks), _interval([ranks], protocol), _mean(folds, protocol))


def _folds(
    images: Vectors, texts: Vectors, owner: Ranks, protocol: EvaluationProtocol
) -> Iterator[tuple[Vectors, Vectors, Ranks]]:
    for rows in protocol.fold_slices(len(images)):
        yield _subset(images, texts, owner, np.flatnonzero((owner >= rows.start) & (owner < rows.stop)))


def _subset(images: Vectors, texts: Vectors, owner: Ranks, captions: Ranks) -> tuple[Vectors, Vectors, Ranks]:
    """Some captions, their images, and the row of each caption's image among these."""
    kept, position = np.unique(owner[captions], return_inverse=True)
    return images[kept], texts[captions], position


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


def _interval(parts: Sequence[RetrievalRanks], protocol: EvaluationProtocol) -> Interval | None:
    """The interval of the mean over parts, each of which is resampled by itself."""
    if protocol.resamples == 0:
        return None
    samples = [resample(ranks, protocol.resamples, [protocol.seed, part]) for part, ranks in enumerate(parts)]
    return Interval.of(np.mean(samples, axis=0), protocol.seed)


def _bootstrap(metrics: RetrievalMetrics, interval: Interval | None) -> dict[str, Any]:
    return {**metrics.to_json(), **({} if interval is None else {"interval": interval.to_json()})}
