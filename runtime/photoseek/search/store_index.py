"""Search in a vector database that ``push`` has filled from the gallery."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.errors import QueryError, StoreEmpty, StoreUnavailable
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.snapshot.build import database_state
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.search.index import Neighbors, PhotoIndex
from photoseek.stores.base import StoreMetadata, default_collection_name
from photoseek.stores.connect import open_store
from photoseek.stores.rows import rows_of
from photoseek.system.fork_safety import ForkAware
from photoseek.vectors import Rows, Vectors

_log = logging.getLogger(__name__)

RETRY_INTERVAL_S = 15.0
"""Seconds between attempts to reach a server that is down, while the gallery's snapshot answers."""

_METADATA_S = 30.0  # the store's metadata is read again after this time


class StoreIndex(ForkAware):
    """The ``PhotoIndex`` over a gallery's collection in a vector database.

    Paths, metadata and scores come from the gallery's database: the server only selects candidates.
    """

    def __init__(
        self,
        gallery: Gallery,
        bundle: Bundle,
        local: PhotoIndex,
        uri: str,
        collection: str | None,
        *,
        fallback: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Parse the URI; the server is contacted by the first query.

        Args:
            gallery: The gallery that was pushed.
            bundle: The bundle whose vectors were pushed.
            local: Index over the gallery's snapshot.
            uri: See ``open_store``.
            collection: See ``push``.
            fallback: Whether ``local`` answers while the server is unavailable; otherwise ``search`` raises.
            clock: Returns seconds.

        Raises:
            QueryError: Invalid store URI or collection name.
            MissingExtra: A package that the store needs is not installed.
        """
        self._database, self._bundle, self._local = gallery.database, bundle, local
        self._fallback, self._clock = fallback, clock
        self._store = open_store(uri, default_collection_name(self._database.meta().get("gallery", ""), collection))
        self._lock = threading.Lock()
        self._metadata: tuple[StoreMetadata, float] | None = None  # and when to read it again
        self._warned = ""
        self._failure = ""
        self._retry_at = 0.0
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread of the parent may have locked."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"StoreIndex({self._store.place!r})"

    @property
    def snapshot(self) -> Snapshot:
        """The gallery's current snapshot; raises as ``PhotoIndex.snapshot``."""
        return self._local.snapshot

    @property
    def damage(self) -> str | None:
        """Why the gallery's snapshot answers instead of the store, or None."""
        return self._failure or None

    def close(self) -> None:
        """Disconnect from the server."""
        self._store.close()

    def find_photo(self, path: str) -> tuple[int, Vectors] | None:
        """Return the id and the vector of the photo at a path, from the gallery's database."""
        return self._database.photo_at(path, self._bundle.fingerprint, self._bundle.dim)

    def search(self, query: Vectors, k: int, where: Filter | None = None) -> Neighbors:
        """Return about ``k`` photos nearest to a unit vector (dim,), see ``PhotoIndex.search``.

        Fewer are returned if photos were removed from the gallery after the last push.

        Raises:
            StoreEmpty: The store has nothing of this gallery.
            StoreIncompatible: The collection belongs to another gallery or bundle.
            StoreUnavailable: The server does not answer, and ``fallback`` is off.
            QueryError: ``k`` exceeds the limit of the store.
        """
        if k > self._store.max_neighbors:
            raise QueryError(f"k: expected at most {self._store.max_neighbors:,} with this store, found {k:,}")
        if self._fallback and self._failure and self._clock() < self._retry_at:
            return self._local.search(query, k, where)
        try:
            ids, _ = self._store.search(query, k, self._current_metadata().effort, where)
        except StoreUnavailable as error:
            if not self._fallback:
                raise
            self._record_failure(str(error))
            return self._local.search(query, k, where)
        self._record_success()
        return self._score(query, ids, truncated=len(ids) == k and 2 * k <= self._store.max_neighbors)

    def _score(self, query: Vectors, ids: Rows, *, truncated: bool) -> Neighbors:
        """Return the photos that are still in the gallery, scored exactly with the gallery's vectors."""
        fingerprint, dim = self._bundle.fingerprint, self._bundle.dim
        rows = list(rows_of(self._database, fingerprint, dim, np.sort(ids).tolist()))
        vectors = np.stack([row.vector for row in rows]) if rows else np.empty((0, dim), dtype=np.float32)
        scores = np.asarray(vectors @ query, dtype=np.float32)
        order = np.argsort(-scores, kind="stable")
        found = np.array([row.id for row in rows], dtype=np.int64)[order]
        photos, folder = self._database.photos_in_folder(found.tolist(), fingerprint)
        return Neighbors(found, scores[order], vectors[order], photos, folder, truncated)

    def _current_metadata(self) -> StoreMetadata:
        """Return the store's metadata, read and checked every ``_METADATA_S`` seconds."""
        with self._lock:
            if self._metadata is None or self._clock() >= self._metadata[1]:
                self._metadata = self._read_metadata(), self._clock() + _METADATA_S
            return self._metadata[0]

    def _read_metadata(self) -> StoreMetadata:
        metadata, expected = self._store.metadata(), database_state(self._database, self._bundle.fingerprint)
        if metadata is None:
            raise StoreEmpty(f"{self._store.place}: no photos of this gallery; run: photoseek push")
        metadata.check_matches(expected, self._store.place)
        if not metadata.complete:
            self._warn("a push is running or was interrupted, some photos may be missing; run: photoseek push")
        elif (metadata.revision, metadata.state) != (expected.revision, expected.state):
            self._warn("the gallery has changed since the last push; run: photoseek push")
        return metadata

    def _warn(self, what: str) -> None:
        if what != self._warned:
            _log.warning("%s: %s", self._store.place, what)
            self._warned = what

    def _record_failure(self, reason: str) -> None:
        if not self._failure:
            _log.warning("falling back to the gallery's snapshot: %s", reason)
        self._failure, self._retry_at = reason, self._clock() + RETRY_INTERVAL_S

    def _record_success(self) -> None:
        if self._failure:
            _log.warning("%s: available again", self._store.place)
            self._failure = ""
