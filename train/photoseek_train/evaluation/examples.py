"""Single searches worth looking at: typical ones, and those that went most wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photoseek.evaluation.metrics import retrieval_ranks
from photoseek.vectors import Vectors
from photoseek_train.data.dataset import CaptionedPhotos, Rows
from photoseek_train.features.encode import SplitVectors

_BLOCK = 1024  # captions scored at once

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """One of the first answers: the row of a photo or caption, its cosine, and whether it is a right one."""

    row: int
    score: float
    right: bool


@dataclass(frozen=True)
class RetrievalExample:
    """One query and its first answers.

    Attributes:
        row: Of the caption or photo that asked.
        rank: Place of the first right answer; 1 is best.
        score: Cosine of that answer.
        margin: How much higher the best wrong answer scores; negative where the right one won.
        answers: The first answers, best first.
    """

    row: int
    rank: int
    score: float
    margin: float
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class RetrievalExamples:
    """What a report shows of one split: searches by caption and by photo, drawn by chance, and failures by caption."""

    captions: tuple[RetrievalExample, ...]
    photos: tuple[RetrievalExample, ...]
    worst: tuple[RetrievalExample, ...]
    confusions: tuple[RetrievalExample, ...]


@dataclass(frozen=True)
class ExampleCounts:
    """How many searches of each kind, at most, and how many answers of each."""

    captions: int = 10
    photos: int = 6
    failures: int = 12
    answers: int = 5


def select_examples(
    data: CaptionedPhotos, vectors: SplitVectors, amount: ExampleCounts | None = None, seed: int = 0
) -> RetrievalExamples:
    """Choose examples by chance, the captions whose photo ranks last, and those whose photo loses by most.

    Failures are of different photos each; among confusions are only captions with a wrong photo at rank 1.
    """
    much = amount or ExampleCounts()
    owner = data.image_of_text
    ranks = retrieval_ranks(*vectors, owner)
    margins = _margins(vectors, owner)
    rng = np.random.default_rng(seed)
    some_captions = np.sort(rng.permutation(len(owner))[: much.captions])
    some_photos = np.sort(rng.permutation(len(data.names))[: much.photos])
    failed = ranks.text_to_image > 0
    worst = _first_of_each(np.argsort(-ranks.text_to_image, kind="stable"), owner, failed, much.failures)
    confused = _first_of_each(np.argsort(-margins, kind="stable"), owner, failed, much.failures)

    def by_caption(rows: Iterable[int]) -> tuple[RetrievalExample, ...]:
        return _searches(rows, vectors.texts, vectors.images, lambda row: owner[[row]], ranks.text_to_image, much)

    by_photo = _searches(
        some_photos, vectors.images, vectors.texts, data.captions_of_image.__getitem__, ranks.image_to_text, much
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
        own = right(row)
        first = np.argsort(-scores, kind="stable")[: amount.answers]
        answers = tuple(Answer(int(found), float(scores[found]), bool(np.isin(found, own))) for found in first)
        best = float(scores[own].max())
        wrong = float(np.delete(scores, own).max(initial=-1.0))
        return RetrievalExample(row, int(ranks[row]) + 1, best, wrong - best, answers)

    return tuple(search(int(row)) for row in rows)


def _margins(vectors: SplitVectors, owner: Rows) -> Scores:
    """For each caption, how much higher the best photo scores than its own; 0 where its own is the best."""
    return np.concatenate([*_margin_blocks(vectors, owner)])


def _margin_blocks(vectors: SplitVectors, owner: Rows) -> Iterator[Scores]:
    for start in range(0, len(owner), _BLOCK):
        own = owner[start : start + _BLOCK]
        scores = vectors.texts[start : start + _BLOCK] @ vectors.images.T
        yield scores.max(axis=1) - scores[np.arange(len(own)), own]


def _first_of_each(order: Rows, owner: Rows, counts: npt.NDArray[np.bool_], most: int) -> Sequence[int]:
    """The first captions of an order, one for each photo."""
    chosen: dict[int, int] = {}
    for row in order:
        if len(chosen) == most:
            break
        if counts[row]:
            chosen.setdefault(int(owner[row]), int(row))
    return list(chosen.values())
