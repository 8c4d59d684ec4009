"""Photos whose names, titles or keywords contain the words of a query, and their fusion with the nearest photos.

A photo matches if it contains every added word of the query, and not all words of a subtracted term. Matches have
classes, best first: the query is a whole file name, title, keyword or folder name; its words are in the file name, in
titles or captions, in keywords, in folder names; or in several of these together. BM25 is not used: every match has all
of the words, so it would compare lengths only, and SQLite reads every photo that has one of the words to compute it.

Both rankings are combined by reciprocal rank fusion, see ``photoseek.search.rank_fusion``. The best ``SINGLE`` photos
of a whole match, by their vectors, have ranks of their own. All others of a class share its last rank, and ranks beyond
``DEPTH`` do not count: a word in the names of thousands of photos says little about each of them. If no photo shows
confidently what the query says, the matches come first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from photoseek.errors import GalleryError
from photoseek.gallery.database.database import Database
from photoseek.gallery.filters import Filter
from photoseek.gallery.snapshot.row_checks import rows_for
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.search.backend import Candidates
from photoseek.search.hits import Hit
from photoseek.search.index import Neighbors, PhotoIndex
from photoseek.search.name_query import Matched, NameClass, NameQuery
from photoseek.search.rank_fusion import DEPTH, RRF_K
from photoseek.vector_index.exact import ExactIndex
from photoseek.vectors import Rows, Vectors

if TYPE_CHECKING:
    from photoseek.search.query import Query

SINGLE = 10
"""Number of photos of a whole match that have ranks of their own."""

MAX_MATCHES = 2_000
"""Maximum number of photos of a whole match that are read, the oldest first, if the nearest photos are found, too."""

MAX_ONLY = 10_000
"""Maximum number of photos of each class that are read if only names are searched."""

_MOST_READ = 100  # vectors that may stay in memory
_PAGE = 2_000  # photos that are read at once
_MAX_FILTERED = {False: 50_000, True: 1_000_000}  # photos that are read for a filter; True: only names are searched

Nearest = Callable[["Query", int, Filter | None], Candidates]
"""Returns the photos nearest to a query, at least a number of them if there are as many."""


@dataclass(frozen=True)
class _Matches:
    """The photos of a class: their rows in the snapshot, their ids, and their cosines, all (n,); best first."""

    kind: NameClass
    rows: Rows
    ids: Rows
    scores: Vectors

    def sorted(self, places: Mapping[int, int]) -> _Matches:
        """Return them in the order of their places in another ranking, by id, then of their cosines."""
        last = len(places)
        keys = np.array([places.get(photo, last) for photo in self.ids.tolist()], dtype=np.int64)
        order = np.lexsort((-self.scores, keys))
        return replace(self, rows=self.rows[order], ids=self.ids[order], scores=self.scores[order])


class NameSearch:
    """Searches the names in a gallery's snapshot."""

    def __init__(
        self,
        database: Database,
        index: PhotoIndex,
        to_hits: Callable[[Neighbors, Query], tuple[list[Hit], Vectors]],
    ) -> None:
        """Set what is searched.

        Args:
            database: The gallery's.
            index: Its ``snapshot`` has the names.
            to_hits: Returns the hits of photos that are still in the gallery, and their vectors.
        """
        self._database, self._index, self._to_hits = database, index, to_hits

    def candidates(self, query: Query, count: int, where: Filter | None, nearest: Nearest) -> Candidates:
        """Return the best hits of a query by its vector and by names, at least ``count`` if there are as many.

        Args:
            query: The query.
            count: Number of hits.
            where: Only photos that match this filter.
            nearest: Finds the nearest photos.

        Raises:
            GalleryError: Only names are searched, and the gallery has no snapshot, or a damaged one.
        """
        names = query.names
        if names is None:
            return nearest(query, count, where)
        try:
            snapshot = self._index.snapshot
        except GalleryError:  # such as that of a store whose gallery was never indexed here
            if names.only:
                raise
            return nearest(query, count, where)
        found = _find(snapshot, names, query, where)
        if names.only:
            hits, vectors = self._hits(snapshot, [each.sorted({}) for each in found], query, count)
            return Candidates(hits, vectors, sum(len(each.rows) for each in found) <= count)
        if not found:
            return nearest(query, count, where)
        return self._fuse(snapshot, found, nearest(query, max(count, DEPTH), where), query, count)

    def _fuse(
        self, snapshot: Snapshot, classes: list[_Matches], near: Candidates, query: Query, count: int
    ) -> Candidates:
        """Return the best of the nearest photos and those that match, by the sum of their reciprocal ranks."""
        places = {hit.id: place for place, hit in enumerate(near.hits)}
        ranks: dict[int, tuple[int, Matched]] = {}
        further = []
        for each in (found.sorted(places) for found in classes):
            before, last = len(ranks), len(ranks) + len(each.ids)
            single = SINGLE if each.kind.is_whole else 0
            for place, photo in enumerate(each.ids.tolist(), start=1):
                ranks[photo] = (before + place if place <= single else last, each.kind.matched)
            others = [row for row, photo in enumerate(each.ids.tolist()) if photo not in places]
            chosen = np.array([row for row in others if row < single or last <= DEPTH], dtype=np.int64)
            further.append(replace(each, rows=each.rows[chosen], ids=each.ids[chosen], scores=each.scores[chosen]))
        more, vectors = self._hits(snapshot, further, query, None)
        hits, keys = [*near.hits, *more], []
        doubtful = bool(near.hits) and near.hits[0].low_confidence
        for place, hit in enumerate(hits, start=1):
            rank = ranks[hit.id][0] if hit.id in ranks else DEPTH + 1
            counts = rank <= DEPTH
            score = 1 / (RRF_K + rank) if counts else 0.0
            if place <= (min(DEPTH, len(near.hits)) if counts else len(near.hits)):  # the same for any number of hits
                score += 1 / (RRF_K + place)
            keys.append((doubtful and not counts, -score, not counts, -hit.score))
        order = sorted(range(len(hits)), key=keys.__getitem__)[:count]
        ranked = []
        for rank, row in enumerate(order, start=1):
            hit, counts = hits[row], not keys[row][2]
            matched = ranks[hit.id][1] if counts else None
            ranked.append(replace(hit, rank=rank, matched=matched, low_confidence=hit.low_confidence and not counts))
        complete = near.complete and len(hits) <= count
        return Candidates(ranked, np.concatenate([near.vectors, vectors])[order], complete)

    def _hits(
        self, snapshot: Snapshot, classes: list[_Matches], query: Query, count: int | None
    ) -> tuple[list[Hit], Vectors]:
        """Return the first hits of these classes, and their vectors."""
        empty = np.zeros(0, dtype=np.int64)
        rows = np.concatenate([empty, *(each.rows for each in classes)])[:count]
        scores = np.concatenate([np.zeros(0, dtype=np.float32), *(each.scores for each in classes)])[:count]
        photos, folder = rows_for(snapshot, self._database, rows)
        neighbors = Neighbors(snapshot.ids[rows], scores, np.asarray(snapshot.vectors[rows]), photos, folder, False)
        hits, vectors = self._to_hits(neighbors, query)
        field = {photo: each.kind.matched for each in classes for photo in each.ids.tolist()}
        return [replace(hit, matched=field[hit.id], low_confidence=False) for hit in hits], vectors


def _find(snapshot: Snapshot, names: NameQuery, query: Query, where: Filter | None) -> list[_Matches]:
    """Return the photos of a snapshot that match, by class; none of a class is in a better one."""
    match = names.any
    if not match or not any(index.search(match, 1) for index in snapshot.names):
        return []
    most = MAX_ONLY if names.only else MAX_MATCHES
    seen, read = np.zeros(0, dtype=np.int64), 0
    found = []
    for kind in names.classes():
        if not (kind.is_whole or names.only) and len(seen) >= DEPTH:
            break  # further ranks do not count
        limit = most if kind.is_whole or names.only else DEPTH + 1
        rows = _rows(snapshot, kind.match, limit, where, _MAX_FILTERED[names.only])
        rows = rows[snapshot.ids[rows] != query.exclude_id] if query.exclude_id is not None else rows
        rows = rows[~np.isin(rows, seen, assume_unique=True)]
        seen = np.concatenate([seen, rows])
        if not len(rows):
            continue
        scores = np.asarray(np.asarray(snapshot.vectors[rows]) @ query.vector, dtype=np.float32)
        read += len(rows)
        found.append(_Matches(kind, rows, snapshot.ids[rows], scores))
    if read > _MOST_READ and snapshot.manifest.tuning.fastest != ExactIndex.name:
        snapshot.release()
    return found


def _rows(snapshot: Snapshot, match: str, most: int, where: Filter | None, most_read: int) -> Rows:
    """Return the rows of a snapshot that match a full-text query and a filter, at most ``most``.

    Args:
        snapshot: The snapshot.
        match: The query.
        most: Maximum number of rows.
        where: The filter.
        most_read: Maximum number of photos that match the query and are compared with the filter.
    """
    matches = None if where is None or where.empty else snapshot.columns.matching(where)
    size = min(most, _PAGE) if matches is None else _PAGE
    found, count, read = [np.zeros(0, dtype=np.int64)], 0, 0
    for index in snapshot.names:
        after, page = 0, size
        while count < most and read < most_read and page == size:
            ids = np.array(index.search(match, size, after), dtype=np.int64)
            rows = np.searchsorted(snapshot.ids, ids)
            rows = rows[snapshot.ids[np.minimum(rows, len(snapshot.ids) - 1)] == ids]  # without removed photos
            rows = rows if matches is None else rows[matches(rows)]
            found.append(rows)
            page, count, read = len(ids), count + len(rows), read + len(ids)
            after = int(ids[-1]) if page else 0
    return np.concatenate(found)[:most]
