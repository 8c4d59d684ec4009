"""Which words of one language stand for which of another, learned from captions of the same photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from photoseek_train.progress import ProgressCallback, no_progress

Ids: TypeAlias = npt.NDArray[np.int64]
"""Token ids of all captions of one photo, in any order."""

_ITERATIONS = 12


def train_ibm_model1(
    ours: Sequence[Ids],
    theirs: Sequence[Ids],
    sizes: tuple[int, int],
    iterations: int = _ITERATIONS,
    progress: ProgressCallback = no_progress,
) -> npt.NDArray[np.float32]:
    """How probable each of their tokens is, given one of ours: p(theirs | ours).

    Every one of their tokens of a photo is thought to have come from one of our tokens of that photo, and expectation
    maximisation finds from which: IBM's Model 1 (Brown et al., "The Mathematics of Statistical Machine Translation",
    Computational Linguistics 19(2), 1993, section 4.1), the captions of a photo being the sentence.

    Args:
        ours: For each photo, the tokens of its captions in one language.
        theirs: For the same photos, those in the other.
        sizes: Of the two vocabularies.
        iterations: Of expectation maximisation.
        progress: Called after each.

    Returns:
        One row for each of our tokens, one column for each of theirs: each row adds up to 1, or is zero where the token
        is in no caption.
    """
    seen = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *theirs]))  # a large vocabulary is mostly unused
    photos = [
        (*np.unique(left, return_counts=True), *np.unique(np.searchsorted(seen, right), return_counts=True))
        for left, right in zip(ours, theirs, strict=True)
    ]
    given = np.ones((sizes[0], len(seen)), dtype=np.float32)
    for iteration in range(iterations):
        expected = np.zeros_like(given)
        for left, left_counts, right, right_counts in photos:
            share = given[np.ix_(left, right)] * left_counts[:, None]
            share *= right_counts / np.maximum(share.sum(axis=0), np.finfo(np.float32).tiny)
            expected[np.ix_(left, right)] += share
        given = expected / np.maximum(expected.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        progress("aligning", iteration + 1, iterations)
    aligned = np.zeros(sizes, dtype=np.float32)
    aligned[:, seen] = given
    return aligned
