"""A gallery's store as a searcher asks it: with the facts of the database, and with what happens while it is away."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

import numpy as np

from photoseek.errors import QueryError, StoreEmpty, StoreUnavailable
from photoseek.gallery.database.database import Database
from photoseek.gallery.filters import Filter
from photoseek.gallery.snapshot.build import database_state
from photoseek.stores.base import StoreMetadata, default_collection_name
from photoseek.stores.connect import open_store
from photoseek.stores.rows import rows_of
from photoseek.system.fork_safety import ForkAware
from photoseek.vectors import Rows, Vectors

_log = logging.getLogger(__name__)

RETRY_INTERVAL_S = 15.0
"""Seconds after which a store that was away is asked again, where the gallery answers meanwhile."""

_STATE_S = 30.0  # for so long a store's notes are believed


@dataclass(frozen=True)
class Neighbors:
    """Photos of the gallery near to a query, best first, equal ones by id.

    Attributes:
        ids: Of the photos, (n,).
        scores: Their exact cosines, (n,).
        vectors: Their unit vectors, (n, dim).
        more: Whether asking for more may find more.
    """

    ids: Rows
    scores: Vectors
    vectors: Vectors
    more: bool


class StoreSearcher(ForkAware):
    """The store of one gallery, for queries of one bundle. May be shared between threads, and used after a fork."""

    def __init__(
        self, database: Database, fingerprint: str, dim: int, uri: str, collection: str | None, *, fallback: bool
    ) -> None:
        """Ask nothing of the server yet.

        Args:
            database: The gallery's.
            fingerprint: Of the bundle.
            dim: Of its vectors.
            uri: See ``open_store``.
            collection: See ``push``.
            fallback: Whether ``search`` gives way, instead of raising, while the server is away.

        Raises:
            QueryError: The URI or the collection names no store.
            MissingExtra: What it needs is not installed.
        """
        self._database, self._fingerprint, self._dim = database, fingerprint, dim
        self._fallback = fallback
        self._store = open_store(uri, default_collection_name(database.meta().get("gallery", ""), collection))
        self._lock = threading.Lock()
        self._state: StoreMetadata | None = None
        self._stated = -_STATE_S
        self._warned = ""
        self._away = ""
        self._again = 0.0
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"StoreSearcher({self._store.place!r})"

    @property
    def damage(self) -> str | None:
        """Why the gallery answers instead; None while the store does."""
        return self._away or None

    def close(self) -> None:
        """Let go of the server."""
        self._store.close()

    def search(self, query: Vectors, k: int, where: Filter | None = None) -> Neighbors | None:
        """About the k photos nearest to a unit vector (dim,); None: the server is away, and the gallery may answer.

        Fewer come back where some have gone from the gallery since the store was brought up to date.

        Raises:
            StoreEmpty: Nothing of this gallery is there.
            StoreIncompatible: Another gallery's vectors are there, or another bundle's.
            StoreUnavailable: The server does not answer, and the gallery must not.
            QueryError: More than the store can be asked for.
        """
        if k > self._store.most_neighbors:
            raise QueryError(f"k: expected at most {self._store.most_neighbors:,} with this store, found {k:,}")
        if self._fallback and self._away and time.monotonic() < self._again:
            return None
        try:
            ids, _ = self._store.search(query, k, self._expected_state().effort, where)
        except StoreUnavailable as error:
            if not self._fallback:
                raise
            self._fall_back(str(error))
            return None
        self._retry()
        more = len(ids) == k and 2 * k <= self._store.most_neighbors
        return self._search_locally(query, ids, more)

    def _expected_state(self) -> StoreMetadata:
        """What the store notes of itself, asked again from time to time."""
        with self._lock:
            if self._state is None or time.monotonic() - self._stated >= _STATE_S:
                self._state = self._connect_and_check()
                self._stated = time.monotonic()
            return self._state

    def _connect_and_check(self) -> StoreMetadata:
        state, shown = self._store.state(), database_state(self._database, self._fingerprint)
        if state is None:
            raise StoreEmpty(f"{self._store.place}: holds nothing of this gallery; send it with: photoseek push")
        state.check_matches(shown, self._store.place)
        if not state.complete:
            self._warn(
                "a push is under way, or was interrupted: some photos may be missing; go on with: photoseek push"
            )
        elif (state.revision, state.state) != (shown.revision, shown.state):
            self._warn("shows an earlier state of the gallery; bring it up to date with: photoseek push")
        return state

    def _warn(self, what: str) -> None:
        if what != self._warned:
            _log.warning("%s: %s", self._store.place, what)
            self._warned = what

    def _fall_back(self, why: str) -> None:
        if not self._away:
            _log.warning("the gallery itself answers: %s", why)
        self._away, self._again = why, time.monotonic() + RETRY_INTERVAL_S

    def _retry(self) -> None:
        if self._away:
            _log.warning("%s: answers again", self._store.place)
            self._away = ""

    def _search_locally(self, query: Vectors, ids: Rows, more: bool) -> Neighbors:
        """Those that are in the gallery still, with their exact scores by the vectors that it has."""
        rows = list(rows_of(self._database, self._fingerprint, self._dim, np.sort(ids).tolist()))
        vectors = np.stack([row.vector for row in rows]) if rows else np.empty((0, self._dim), dtype=np.float32)
        scores = np.asarray(vectors @ query, dtype=np.float32)
        order = np.argsort(-scores, kind="stable")
        kept = np.array([row.id for row in rows], dtype=np.int64)
        return Neighbors(kept[order], scores[order], vectors[order], more)
