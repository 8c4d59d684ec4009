"""Search in the snapshot of a gallery, by one of the engines."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import get_args

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryDamaged, GalleryIncompatible, QueryError
from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.snapshot.current import REPAIR_HINT, CurrentSnapshot
from photoseek.gallery.snapshot.row_checks import ROWS_REPAIR_HINT, rows_for
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.search.index import Neighbors
from photoseek.system.fork_safety import ForkAware
from photoseek.vector_index.base import Index
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.filtered import search_matching
from photoseek.vector_index.registry import Engine
from photoseek.vectors import Rows, Vectors

_log = logging.getLogger(__name__)

_MOST_READ = 100  # vectors that may stay in memory; the system maps up to 64 KB around each


@dataclass(frozen=True)
class _View:
    """A snapshot and its engine, replaced together so that they always match."""

    snapshot: Snapshot
    engine: Index
    damage: str | None = None


class SnapshotIndex(ForkAware):
    """The ``PhotoIndex`` over the current snapshot of a gallery. After re-indexing, the next query uses the new one.

    A damaged index file is replaced by exact search, see ``damage``.
    """

    def __init__(self, gallery: Gallery, bundle: Bundle, engine: Engine) -> None:
        """Select a bundle and an engine; the snapshot is opened by the first query.

        Raises:
            QueryError: Unknown engine.
            GalleryIncompatible: The gallery does not contain the bundle.
        """
        if engine not in get_args(Engine):
            raise QueryError(f"expected an engine among {', '.join(get_args(Engine))}, found {engine!r}")
        self._gallery, self._bundle, self._engine = gallery, bundle, engine
        self._pointer = CurrentSnapshot(gallery.bundles.require(bundle).folder(gallery.path))
        self._opened: _View | None = None
        self._read = 0  # vectors since their memory was released
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread of the parent may have locked."""
        self._lock = threading.Lock()

    @property
    def snapshot(self) -> Snapshot:
        """The current snapshot; raises as ``PhotoIndex.snapshot``."""
        return self._current().snapshot

    @property
    def damage(self) -> str | None:
        """Why exact search replaces the engine, or None."""
        return self._current().damage

    def search(self, query: Vectors, k: int, where: Filter | None = None) -> Neighbors:
        """Return the ``k`` photos nearest to a unit vector (dim,), see ``PhotoIndex.search``."""
        view = self._current()
        rows, scores = self._rows(view, query, k, where)
        snapshot = view.snapshot
        photos, folder = rows_for(snapshot, self._gallery.database, rows)
        truncated = len(rows) == k and k < len(snapshot.ids)
        neighbors = Neighbors(snapshot.ids[rows], scores, np.asarray(snapshot.vectors[rows]), photos, folder, truncated)
        self._limit_memory(view, len(rows) if where is None else len(snapshot.ids))
        return neighbors

    def find_photo(self, path: str) -> tuple[int, Vectors] | None:
        """Return the id and the vector of the photo at a path, from the snapshot if it is in there."""
        database = self._gallery.database
        found = database.photo_at(path, self._bundle.fingerprint, self._bundle.dim)
        if found is None:
            return None
        photo, _ = found
        snapshot = self._current().snapshot
        row = int(np.searchsorted(snapshot.ids, photo))
        if row == len(snapshot.ids) or snapshot.ids[row] != photo:  # added since
            return found
        stored = rows_for(snapshot, database, np.array([row]))[0].get(photo)
        if stored is not None and stored.path != path:
            raise GalleryDamaged(f"{database.path}: photo {photo} has two paths; {ROWS_REPAIR_HINT}")
        return photo, np.asarray(snapshot.vectors[row])

    def close(self) -> None:
        """Do nothing: there is no connection."""

    @staticmethod
    def _rows(view: _View, query: Vectors, k: int, where: Filter | None) -> tuple[Rows, Vectors]:
        """Return the rows and scores of the k nearest."""
        if where is None or where.empty:
            return view.engine.search(query, k)
        snapshot = view.snapshot
        matches = snapshot.columns.matching(where)
        return search_matching(view.engine, snapshot.vectors, snapshot.manifest.tuning, query, k, matches)

    def _limit_memory(self, view: _View, read: int) -> None:
        """Release the vectors of few hits or of a filter, unless the engine reads all vectors for each query."""
        if view.engine.name != ExactIndex.name:
            self._read += read
            if self._read > _MOST_READ:
                self._read = 0
                view.snapshot.release()

    def _current(self) -> _View:
        """Return the view of the snapshot that ``CURRENT`` names, opened once."""
        with self._lock:
            if self._opened is None or self._opened.snapshot.path.name != self._pointer.name():
                self._opened = self._open()
            return self._opened

    def _open(self) -> _View:
        """Open the current snapshot. Retry if it was replaced in the meantime, since older snapshots are removed."""
        while True:
            bundle = self._gallery.bundles.require(self._bundle)
            self._pointer = CurrentSnapshot(bundle.folder(self._gallery.path))
            name = self._pointer.name()
            try:
                return self._open_snapshot(bundle)
            except GalleryDamaged:
                if self._pointer.name() == name:
                    raise

    def _open_snapshot(self, bundle: GalleryBundle) -> _View:
        snapshot = self._gallery.generation(bundle, self._opened.snapshot if self._opened else None)
        if snapshot.manifest.fingerprint != self._bundle.fingerprint:
            raise GalleryIncompatible(
                f"{self._gallery.path}: re-indexing with bundle {self._bundle.name!r} is not finished; run: "
                f"{self._gallery.reindex_command} --bundle {self._bundle.reference}"
            )
        if snapshot.manifest.dim != self._bundle.dim:
            found = f"found {snapshot.manifest.dim}-d ones"
            raise GalleryDamaged(f"{snapshot.path}: expected {self._bundle.dim}-d vectors, {found}; {REPAIR_HINT}")
        if self._engine == "auto" and snapshot.manifest.tuning.uninstalled is not None:
            _log.warning("%s", snapshot.manifest.tuning.hint(snapshot.manifest.count))
        try:
            return _View(snapshot, snapshot.engine(self._engine))
        except GalleryDamaged as error:  # the vectors are intact
            _log.warning("falling back to exact search: %s", error)
            return _View(snapshot, snapshot.engine("exact"), str(error))
