"""Near-duplicates: shots of one burst, copies at another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

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
