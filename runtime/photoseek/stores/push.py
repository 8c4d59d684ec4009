"""Brings a store up to date with a gallery: what is new or changed is sent, what is gone is deleted.

Nothing is remembered of what was sent. Each push compares a digest of every row there with that of the gallery, so that
one that was killed at any point is made good by the next, and rows that something else has changed are, too. What the
store shows is noted last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryEmpty, QueryError, StoreUnavailable
from photoseek.gallery.gallery import Gallery, exclusive_writer
from photoseek.gallery.snapshot.build import database_state, sample_query_vectors
from photoseek.gallery.snapshot.snapshot import SourceState
from photoseek.stores.base import INDEX_FROM, Store, StoreMetadata, default_collection_name
from photoseek.stores.connect import open_store
from photoseek.stores.rows import Digests, rows_of
from photoseek.stores.tuning import tune_store
from photoseek.vector_index.tuning import SAMPLES, TARGET_RECALL, EngineStats, Queries, sample_queries
from photoseek.vectors import Rows

BATCH = 1_000
"""Rows that are sent at once."""


@dataclass(frozen=True)
class PushReport:
    """What a push did.

    Attributes:
        place: The store, without a password.
        photos: Rows that it holds now.
        sent: Rows that were new or had changed.
        deleted: Rows of photos that are gone.
        unchanged: Rows that were there already.
        target: The recall that was asked for.
        found: What was measured.
        seconds: All in all.
    """

    place: str
    photos: int
    sent: int
    deleted: int
    unchanged: int
    target: float
    found: EngineStats
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The form that ``push --json`` prints."""
        return asdict(self)


def push(
    gallery: Gallery,
    uri: str,
    *,
    collection: str | None = None,
    bundle: Bundle | None = None,
    recall: float | None = None,
    rebuild: bool = False,
    index_from: int = INDEX_FROM,
    progress: Callable[[int, int], None] | None = None,
) -> PushReport:
    """Bring a store up to date with a gallery, which nothing else writes meanwhile.

    Interrupt it when you like: the next call goes on from there.

    Args:
        gallery: What is sent: its searchable photos.
        uri: See ``StoreUri``.
        collection: The name of its place there. None: it follows from the gallery's id.
        bundle: Whose text towers give queries to measure with. None: ``Gallery.load_bundle``.
        recall: Share of the true ten best, within (0, 1], that searches have to find. None: as before, at first 0.99.
        rebuild: Whether what another bundle or gallery has there is dropped.
        index_from: Photos from which on an index is built.
        progress: Called with the rows sent or deleted and those in all, after each batch.

    Raises:
        QueryError: Invalid recall or store URI.
        MissingExtra: What the store needs is not installed.
        GalleryBusy: Another process is writing this gallery.
        GalleryEmpty: It holds nothing that could be searched.
        StoreIncompatible: The place holds another gallery's vectors, or another bundle's.
        StoreUnavailable: The server does not answer; what was sent is kept.
        StoreError: It refuses.
    """
    if recall is not None and not 0 < recall <= 1:
        raise QueryError(f"recall: expected a share within (0, 1], found {recall}")
    bundle = bundle or gallery.load_bundle()
    gallery.check_bundle(bundle)
    with exclusive_writer(gallery.path):
        shown = database_state(gallery.database, bundle.fingerprint)
        store = open_store(uri, default_collection_name(shown.gallery, collection))
        try:
            return _Push(gallery, bundle, store, shown, index_from, progress or (lambda *_: None)).run(recall, rebuild)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error}; what was sent is kept: the same push goes on from there") from None
        finally:
            store.close()


@dataclass(frozen=True)
class _Push:
    """One push: what it is from and to."""

    gallery: Gallery
    bundle: Bundle
    store: Store
    shown: SourceState
    index_from: int
    progress: Callable[[int, int], None]

    def run(self, recall: float | None, rebuild: bool) -> PushReport:
        started = time.monotonic()
        here = Digests.of((row.id, row.digest) for row in self._rows())
        if not len(here.ids):
            raise GalleryEmpty(f"{self.gallery.path}: nothing to push: index photos first: photoseek index PHOTOS")
        before = self._claim_collection(rebuild)
        there = self.store.digests()
        gone, wanted = there.to_delete(here), here.to_insert(there)
        target = recall or before.target or TARGET_RECALL
        indexed = len(here.ids) >= self.index_from
        if len(gone) or len(wanted) or not self._matches_state(before, target, indexed):
            self.store.set_metadata(replace(before, complete=False, target=target))
            self._sync_rows(gone, wanted)
            self.store.finalize(len(here.ids), indexed=indexed)
            before = self._save_metadata(len(here.ids), target, self._tune(here.ids, target, indexed))
        counts = (len(here.ids), len(wanted), len(gone), len(here.ids) - len(wanted))
        seconds = round(time.monotonic() - started, 3)
        return PushReport(self.store.place, *counts, target, before.found, seconds)

    def _claim_collection(self, rebuild: bool) -> StoreMetadata:
        """What the place shows, if it is this gallery's; it is made this gallery's where it is nobody's."""
        if rebuild:
            self.store.drop()
        state = self.store.metadata() or StoreMetadata(self.shown.gallery, self.shown.fingerprint, self.bundle.dim)
        state.check_matches(self.shown, self.store.place)
        self.store.prepare(self.bundle.dim)
        return state

    def _matches_state(self, state: StoreMetadata, target: float, indexed: bool) -> bool:
        """Whether a store of the right rows also says so, and was measured as is wanted."""
        shows = state.complete and (state.revision, state.state) == (self.shown.revision, self.shown.state)
        return shows and state.target == target and bool(state.effort) == indexed

    def _sync_rows(self, gone: Rows, wanted: Rows) -> None:
        """Batch by batch, each as a whole."""
        done, total = 0, len(gone) + len(wanted)
        for some in _batches(gone):
            self.store.delete(some)
            self.progress(done := done + len(some), total)
        for some in _batches(wanted):
            self.store.put(list(self._rows(some)))
            self.progress(done := done + len(some), total)

    def _tune(self, ids: Rows, target: float, indexed: bool) -> EngineStats:
        vectors = (row.vector for row in self._rows())
        return tune_store(self.store, vectors, self._queries(ids), target, indexed=indexed)

    def _queries(self, ids: Rows) -> Queries:
        """Texts as they come every day, and some of the photos."""
        some = np.random.default_rng(0).permutation(ids)[:SAMPLES]
        photos = np.stack([row.vector for row in self._rows(np.sort(some).tolist())])
        return sample_queries(photos, sample_query_vectors(self.bundle, None))

    def _save_metadata(self, count: int, target: float, found: EngineStats) -> StoreMetadata:
        claimed = StoreMetadata(self.shown.gallery, self.shown.fingerprint, self.bundle.dim)
        state = replace(
            claimed,
            complete=True,
            revision=self.shown.revision,
            state=self.shown.state,
            count=count,
            target=target,
            found=found,
        )
        self.store.set_metadata(state)
        return state

    def _rows(self, ids: list[int] | None = None) -> Iterator[Any]:
        return rows_of(self.gallery.database, self.shown.fingerprint, self.bundle.dim, ids)


def _batches(ids: Rows) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH].tolist()
