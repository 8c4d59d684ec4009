"""Near-duplicates: shots of one burst, copies at another size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from photoseek.search.hits import Hit
from photoseek.vectors import Rows, VectorRows, Vectors

DUPLICATE_THRESHOLD = 0.98
"""Photos are near-duplicates if the cosine of their vectors is at least this."""


_HEADS, _OTHERS = 512, 16_384  # vectors that are compared at the same time


def find_near_duplicates(
    vectors: VectorRows, pixels: Rows, progress: Callable[[int, int], None] | None = None
) -> list[Rows]:
    """Return the groups of near-duplicates among photos, each as rows of ``vectors``.

    The largest photo that is in no group yet heads a group with every photo near it that is in none, and so on; so no
    chain of similar photos becomes one group. All pairs are compared, in tiles that take 64 MB of memory.

    Args:
        vectors: Unit vectors of the photos, (n, dim).
        pixels: Number of pixels of each photo, (n,).
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
            _claim(ordered, free, start, begin, found)
        if progress is not None:
            left = max(0, count - start - _HEADS) / count
            progress(round(count * (1 - left * left)), count)
    return [order[np.concatenate([[head], *others])] for head, others in sorted(found.items())]


def _claim(ordered: Vectors, free: npt.NDArray[np.bool_], start: int, begin: int, found: dict[int, list[Rows]]) -> None:
    """Add the free photos of a tile to the group of the first head that they are near."""
    heads = start + np.flatnonzero(free[start : start + _HEADS])
    tile = slice(begin, begin + _OTHERS)
    near = ordered[heads] @ ordered[tile].T >= DUPLICATE_THRESHOLD
    near &= free[tile]
    columns = np.arange(begin, begin + near.shape[1])
    near &= columns > heads[:, None]
    for row in np.flatnonzero(near.any(axis=1)):
        head = int(heads[row])
        others = columns[near[row] & free[tile]] if free[head] else columns[:0]
        if len(others):
            free[others] = False
            found.setdefault(head, []).append(others)


def group_near_duplicates(hits: Sequence[Hit], vectors: Vectors) -> list[Hit]:
    """Return the hits with new ranks; near-duplicates of a better hit move to its ``duplicates``.

    Args:
        hits: Best first.
        vectors: Unit vectors of the hits, (n, dim).
    """
    heads, rows, duplicates = np.empty_like(vectors), list[int](), list[list[Hit]]()
    for row, hit in enumerate(hits):
        near = np.flatnonzero(heads[: len(rows)] @ vectors[row] >= DUPLICATE_THRESHOLD)
        if len(near):
            duplicates[near[0]].append(hit)
        else:
            heads[len(rows)] = vectors[row]
            rows.append(row)
            duplicates.append([])
    return [
        replace(hits[row], rank=rank, duplicates=tuple(others))
        for rank, (row, others) in enumerate(zip(rows, duplicates, strict=True), 1)
    ]
