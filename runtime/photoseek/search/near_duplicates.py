"""Near-duplicates: shots of one burst, copies at another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from photoseek.search.hits import Hit
from photoseek.vectors import Vectors

DUPLICATE_THRESHOLD = 0.98
"""Photos whose vectors have at least this cosine show nearly the same."""


def group_near_duplicates(hits: Sequence[Hit], vectors: Vectors, limit: float = DUPLICATE_THRESHOLD) -> list[Hit]:
    """Put each hit that is nearly the same as a better one behind it, and number the rest anew.

    Args:
        hits: Best first.
        vectors: Their unit vectors, (n, dim).
        limit: The cosine from which two are taken for the same.
    """
    kept: list[int] = []
    behind: dict[int, list[Hit]] = {}
    for row, hit in enumerate(hits):
        near = next((other for other in kept if float(vectors[other] @ vectors[row]) >= limit), None)
        if near is None:
            kept.append(row)
        else:
            behind.setdefault(near, []).append(hit)
    return [
        replace(hits[row], rank=rank, duplicates=tuple(behind.get(row, ()))) for rank, row in enumerate(kept, start=1)
    ]
