"""Near-duplicates: among hits by their vectors, in an entire gallery copies of one picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from photoseek.search.hits import Hit
from photoseek.vectors import Mask, Rows, VectorRows, Vectors

DUPLICATE_THRESHOLD = 0.98
"""Hits are near-duplicates if the cosine of their vectors is at least this."""

CANDIDATE_THRESHOLD = 0.92
"""Photos of a gallery are compared by a check if the cosine of their vectors is at least this."""

SameCheck: TypeAlias = Callable[[int, Rows], Mask]
"""Returns which of some photos are copies of one, all as rows of the vectors; see ``SamePicture``."""

_HEADS, _OTHERS = 512, 16_384  # vectors that are compared at the same time


def find_near_duplicates(
    vectors: VectorRows, pixels: Rows, same: SameCheck, progress: Callable[[int, int], None] | None = None
) -> list[Rows]:
    """Return the groups of near-duplicates among photos, each as rows of ``vectors``.

    The largest photo that is in no group yet heads a group with every photo near it that is in none and passes the
    check, and so on; so no chain of similar photos becomes one group. The vectors of all pairs are compared, in tiles
    that take 64 MB of memory.

    Args:
        vectors: Unit vectors of the photos, (n, dim).
        pixels: Number of pixels of each photo, (n,).
        same: Called with a photo and those near it that are in no group.
        progress: Called with a number of photos and their total after each step; may raise to stop.

    Returns:
        Groups of two or more rows, the largest photo of each first, and equally large ones in their order.
    """
    order = np.argsort(-pixels, kind="stable")
    ordered, count = np.asarray(vectors[order]), len(order)
    free = np.ones(count, dtype=bool)
    found: dict[int, list[Rows]] = {}
    for start in range(0, count, _HEADS):
        for begin in range(start, count, _OTHERS):  # the first tile has all of the heads, and shows which are taken
            for head, others in _near(ordered, free, start, begin):
                copies = others[same(int(order[head]), order[others])]
                free[copies] = False
                if len(copies):
                    found.setdefault(head, []).append(copies)
        if progress is not None:
            left = max(0, count - start - _HEADS) / count
            progress(round(count * (1 - left * left)), count)
    return [order[np.concatenate([[head], *others])] for head, others in sorted(found.items())]


def _near(ordered: Vectors, free: npt.NDArray[np.bool_], start: int, begin: int) -> Iterator[tuple[int, Rows]]:
    """Yield each head that is free, and the free photos of a tile near it; both may change ``free`` in between."""
    heads = start + np.flatnonzero(free[start : start + _HEADS])
    tile = slice(begin, begin + _OTHERS)
    near = ordered[heads] @ ordered[tile].T >= CANDIDATE_THRESHOLD
    near &= free[tile]
    columns = np.arange(begin, begin + near.shape[1])
    near &= columns > heads[:, None]
    for row in np.flatnonzero(near.any(axis=1)):
        others = columns[near[row] & free[tile]]
        if free[heads[row]] and len(others):
            yield int(heads[row]), others


def group_near_duplicates(hits: Sequence[Hit], vectors: Vectors) -> list[Hit]:
    """Return the hits with new ranks; near-duplicates move to the ``duplicates`` of one hit, at the rank of the best.

    That hit is the largest photo among those that match as surely as the best one, and the best one of equally large
    ones.

    Args:
        hits: Best first.
        vectors: Unit vectors of the hits, (n, dim).
    """
    heads, groups = np.empty_like(vectors), list[list[Hit]]()
    for row, hit in enumerate(hits):
        near = np.flatnonzero(heads[: len(groups)] @ vectors[row] >= DUPLICATE_THRESHOLD)
        if len(near):
            groups[near[0]].append(hit)
        else:
            heads[len(groups)] = vectors[row]
            groups.append([hit])
    return [_headed(group, rank) for rank, group in enumerate(groups, 1)]


def _headed(group: list[Hit], rank: int) -> Hit:
    best = group[0]
    face = max(
        (hit for hit in group if hit.low_confidence == best.low_confidence), key=lambda hit: hit.width * hit.height
    )
    return replace(face, rank=rank, duplicates=tuple(hit for hit in group if hit is not face))
