"""Word alignment of two languages, learned from captions of the same photos."""

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
    """Return the probability of each of their tokens given one of ours: p(theirs | ours).

    The model assumes that one of our tokens of a photo generated each of their tokens of that photo; expectation
    maximization finds which: IBM Model 1 (Brown et al., "The Mathematics of Statistical Machine Translation",
    Computational Linguistics 19(2), 1993, section 4.1), with the captions of a photo as the sentence.

    Args:
        ours: For each photo, the tokens of its captions in one language.
        theirs: For the same photos, the tokens in the other language.
        sizes: Sizes of the two vocabularies.
        iterations: Iterations of expectation maximization.
        progress: Progress callback.

    Returns:
        One row for each of our tokens, one column for each of theirs: a row sums to 1, or is zero if the token does not
        occur.
    """
    seen = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *theirs]))  # most of a large vocabulary is unused
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
