"""Near-duplicates: shots of one burst, copies at another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from photoseek.search.hits import Hit
from photoseek.vectors import Vectors

DUPLICATE_THRESHOLD = 0.98
"""Photos are near-duplicates if the cosine of their vectors is at least this."""


def group_near_duplicates(hits: Sequence[Hit], vectors: Vectors) -> list[Hit]:
    """Return the hits with new ranks; near-duplicates of a better hit move to its ``duplicates``.

    Args:
        hits: Best first.
        vectors: Unit vectors of the hits, (n, dim).
    """
    duplicates: dict[int, list[Hit]] = {}  # by the row of the best of each group
    for row, hit in enumerate(hits):
        best = (other for other in duplicates if float(vectors[other] @ vectors[row]) >= DUPLICATE_THRESHOLD)
        group = next(best, None)
        if group is None:
            duplicates[row] = []
        else:
            duplicates[group].append(hit)
    return [
        replace(hits[row], rank=rank, duplicates=tuple(others))
        for rank, (row, others) in enumerate(duplicates.items(), 1)
    ]
