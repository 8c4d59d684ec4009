"""Example searches of a report: random ones, and the worst failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photoseek.evaluation.metrics import retrieval_ranks
from photoseek.vectors import Vectors
from photoseek_train.data.dataset import CaptionedPhotos, Rows
from photoseek_train.features.encode import SplitVectors

_BLOCK = 1024  # captions scored per matrix product

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """One of the top answers: the row of a photo or caption, its cosine, and whether it is relevant."""

    row: int
    score: float
    right: bool


@dataclass(frozen=True)
class RetrievalExample:
    """One query and its top answers.

    Attributes:
        row: Row of the query's caption or photo.
        rank: Rank of the first relevant answer, from 1.
        score: Cosine of that answer.
        margin: Score of the best irrelevant answer minus ``score``; negative if the relevant one is first.
        answers: The top answers, best first.
    """

    row: int
    rank: int
    score: float
    margin: float
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class RetrievalExamples:
    """The examples of a split: random captions and photos as queries, and failures of captions."""

    captions: tuple[RetrievalExample, ...]
    photos: tuple[RetrievalExample, ...]
    worst: tuple[RetrievalExample, ...]
    confusions: tuple[RetrievalExample, ...]


@dataclass(frozen=True)
class ExampleCounts:
    """Maximum number of examples of each kind, and of answers per example."""

    captions: int = 10
    photos: int = 6
    failures: int = 12
    answers: int = 5


def select_examples(
    data: CaptionedPhotos, vectors: SplitVectors, amount: ExampleCounts | None = None, seed: int = 0
) -> RetrievalExamples:
    """Select random examples, the captions whose photo ranks worst, and those outscored by the largest margin.

    Each failure is of another photo; confusions are captions with a wrong photo at rank 1.
    """
    counts = amount or ExampleCounts()
    owner = data.image_of_text
    ranks = retrieval_ranks(*vectors, owner)
    margins = _margins(vectors, owner)
    rng = np.random.default_rng(seed)
    some_captions = np.sort(rng.permutation(len(owner))[: counts.captions])
    some_photos = np.sort(rng.permutation(len(data.names))[: counts.photos])
    failed = ranks.text_to_image > 0
    worst = _first_of_each(np.argsort(-ranks.text_to_image, kind="stable"), owner, failed, counts.failures)
    confused = _first_of_each(np.argsort(-margins, kind="stable"), owner, failed, counts.failures)

    def by_caption(rows: Iterable[int]) -> tuple[RetrievalExample, ...]:
        return _searches(rows, vectors.texts, vectors.images, lambda row: owner[[row]], ranks.text_to_image, counts)

    by_photo = _searches(
        some_photos, vectors.images, vectors.texts, data.captions_of_image.__getitem__, ranks.image_to_text, counts
    )
    return RetrievalExamples(by_caption(some_captions), by_photo, by_caption(worst), by_caption(confused))


def _searches(
    rows: Iterable[int],
    queries: Vectors,
    targets: Vectors,
    right: Callable[[int], Rows],
    ranks: Rows,
    amount: ExampleCounts,
) -> tuple[RetrievalExample, ...]:
    def search(row: int) -> RetrievalExample:
        scores = targets @ queries[row]
        relevant = right(row)
        first = np.argsort(-scores, kind="stable")[: amount.answers]
        answers = tuple(Answer(int(found), float(scores[found]), bool(np.isin(found, relevant))) for found in first)
        best = float(scores[relevant].max())
        wrong = float(np.delete(scores, relevant).max(initial=-1.0))
        return RetrievalExample(row, int(ranks[row]) + 1, best, wrong - best, answers)

    return tuple(search(int(row)) for row in rows)


def _margins(vectors: SplitVectors, owner: Rows) -> Scores:
    """Return for each caption the best score of a photo minus the score of its photo; 0 if that is the best."""
    margins = np.empty(len(owner), dtype=np.float32)
    for start in range(0, len(owner), _BLOCK):
        photos = owner[start : start + _BLOCK]
        scores = vectors.texts[start : start + _BLOCK] @ vectors.images.T
        margins[start : start + _BLOCK] = scores.max(axis=1) - scores[np.arange(len(photos)), photos]
    return margins


def _first_of_each(order: Rows, owner: Rows, counts: npt.NDArray[np.bool_], most: int) -> Sequence[int]:
    """Return the first captions of an order, at most one per photo."""
    chosen: dict[int, int] = {}
    for row in order:
        if len(chosen) == most:
            break
        if counts[row]:
            chosen.setdefault(int(owner[row]), int(row))
    return list(chosen.values())
