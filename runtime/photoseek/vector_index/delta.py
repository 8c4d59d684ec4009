"""Search of an index and a few vectors that were added since, without vectors that were removed."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from photoseek.vector_index.base import Index, Matches
from photoseek.vector_index.exact import ExactIndex
from photoseek.vectors import Mask, Rows, Vectors


class DeltaVectors:
    """The rows of a base that were not removed, then the added ones, as one array (n, dim) that is not copied."""

    def __init__(self, base: Vectors, removed: Rows, added: Vectors) -> None:
        """Set the vectors.

        Args:
            base: Vectors of the base, (m, dim).
            removed: Rows of the base that were removed, in order.
            added: Further vectors, (a, dim).
        """
        self.base, self.removed, self.added = base, removed, added
        self.kept = len(base) - len(removed)
        self._before = removed - np.arange(len(removed))  # for each removed row, the number of kept rows before it

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of dimensions."""
        return self.kept + len(self.added), self.base.shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    @overload
    def __getitem__(self, rows: int | np.integer[Any]) -> Vectors: ...
    @overload
    def __getitem__(self, rows: slice | Rows) -> Vectors: ...

    def __getitem__(self, rows: int | np.integer[Any] | slice | Rows) -> Vectors:
        """Return the vector of a row, or an array with those of a slice or an array of rows."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1 and start < stop <= self.kept:  # often without a copy
                first, last = self.base_rows(np.array([start, stop - 1])).tolist()
                if last - first == stop - 1 - start:
                    return self.base[first : last + 1]
            rows = np.arange(start, stop, step)
        wanted = np.asarray(rows)
        wanted = np.flatnonzero(wanted) if wanted.dtype == bool else wanted
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"expected rows from 0 to {len(self) - 1}, found {wanted.min()} to {wanted.max()}")
        found = np.empty((*wanted.shape, self.shape[1]), dtype=np.float32)
        is_base = wanted < self.kept
        found[is_base] = self.base[self.base_rows(wanted[is_base])]
        found[~is_base] = self.added[wanted[~is_base] - self.kept]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Vectors:
        """Return a copy as an array."""
        return np.asarray(self[:], dtype=dtype)

    def base_rows(self, rows: Rows) -> Rows:
        """Return the rows of the base that some rows below ``kept`` are."""
        return rows + np.searchsorted(self._before, rows, side="right")

    def rows_of_base(self, rows: Rows) -> Rows:
        """Return the rows that some rows of the base are, none of them removed."""
        return rows - np.searchsorted(self.removed, rows)


class DeltaIndex:
    """Merges the answers of an engine over the base with exact search of the added vectors.

    The recall is at least that of the engine: added vectors are always found.
    """

    def __init__(self, base: Index, vectors: DeltaVectors) -> None:
        self.name = base.name
        self.base, self.vectors = base, vectors
        self._added = ExactIndex(vectors.added)

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Return the k most similar vectors; see ``Index.search``."""
        return self.merge(*self._search_base(query, k), query, k)

    def merge(
        self, found: Rows, scores: Vectors, query: Vectors, k: int, matches: Matches | None = None
    ) -> tuple[Rows, Vectors]:
        """Return the k best of some rows of the base, none of them removed, and of the added vectors that match."""
        vectors, rows = self.vectors, self.vectors.rows_of_base(found)
        if len(vectors.added):
            added, added_scores = self._added.search(
                query, k, None if matches is None else self._added_matches(matches)
            )
            rows = np.concatenate([rows, added + vectors.kept])
            scores = np.concatenate([scores, added_scores])
            order = np.argsort(-scores, kind="stable")[:k]  # equal scores are already in the order of rows
            rows, scores = rows[order], scores[order]
        return rows, scores

    def base_matches(self, matches: Matches) -> Matches:
        """Return which rows of the base match; removed ones do not."""
        vectors = self.vectors

        def of_base(rows: Rows | slice) -> Mask:
            wanted = np.arange(*rows.indices(len(vectors.base))) if isinstance(rows, slice) else rows
            is_kept = ~np.isin(wanted, vectors.removed)
            found = np.zeros(len(wanted), dtype=bool)
            found[is_kept] = matches(vectors.rows_of_base(wanted[is_kept]))
            return found

        return of_base if len(vectors.removed) else matches

    def _added_matches(self, matches: Matches) -> Matches:
        kept, added = self.vectors.kept, len(self.vectors.added)

        def of_added(rows: Rows | slice) -> Mask:
            return matches(kept + (np.arange(*rows.indices(added)) if isinstance(rows, slice) else rows))

        return of_added

    def _search_base(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Return the k best rows of the base that were not removed."""
        vectors, wanted = self.vectors, k
        while True:
            found, scores = self.base.search(query, wanted)
            is_kept = ~np.isin(found, vectors.removed)
            if is_kept.sum() >= min(k, vectors.kept) or wanted >= len(vectors.base):
                return found[is_kept][:k], scores[is_kept][:k]
            wanted = min(2 * wanted, len(vectors.base))
