"""Updates a store from a gallery: inserts new and changed rows, and deletes rows of removed photos.

Each push compares the digest of every row in the store with the gallery's, without a record of earlier pushes. It thus
completes a push that was interrupted at any point, and repairs rows that other programs have changed. The store's
metadata is written last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryEmpty, QueryError, StoreUnavailable
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.snapshot.build import database_state, sample_query_vectors
from photoseek.gallery.snapshot.snapshot import SourceState
from photoseek.stores.base import INDEX_FROM, Store, StoreMetadata, default_collection_name
from photoseek.stores.connect import open_store
from photoseek.stores.rows import Digests, StoreRow, rows_of
from photoseek.stores.tuning import tune_store
from photoseek.vector_index.tuning import SAMPLES, TARGET_RECALL, EngineStats, sample_queries
from photoseek.vectors import Rows

BATCH = 1_000
"""Rows per request."""


@dataclass(frozen=True)
class PushReport:
    """Result of a push.

    Attributes:
        place: The store, without secrets.
        photos: Rows in the store.
        sent: New and changed rows.
        deleted: Rows of removed photos.
        unchanged: Rows that were up to date.
        target: Target recall.
        stats: Measured recall and speed.
        seconds: Duration of the push.
    """

    place: str
    photos: int
    sent: int
    deleted: int
    unchanged: int
    target: float
    stats: EngineStats
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the output of ``push --json``."""
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
    """Update a store from a gallery, which is locked for other writers during the push.

    After an interruption, the next call continues.

    Args:
        gallery: Gallery whose searchable photos are sent.
        uri: See ``StoreUri``.
        collection: Collection name. Derived from the gallery's id by default.
        bundle: Bundle whose vectors are sent. Defaults to the gallery's primary bundle.
        recall: Target recall of the ten nearest neighbors, in (0, 1]. Defaults to the last one, initially 0.99.
        rebuild: Whether to replace a collection of another bundle or gallery.
        index_from: Number of photos from which an index is built.
        progress: Called after each batch with the rows sent or deleted so far and the total.

    Raises:
        QueryError: Invalid recall or store URI.
        MissingExtra: A package that the store needs is not installed.
        GalleryBusy: Another process is writing this gallery.
        GalleryEmpty: The gallery has no searchable photos.
        StoreIncompatible: The collection belongs to another gallery or bundle.
        StoreUnavailable: The server does not answer. Sent rows are saved.
        StoreError: The server reports an error.
    """
    if recall is not None and not 0 < recall <= 1:
        raise QueryError(f"recall: expected a share within (0, 1], found {recall}")
    bundle = bundle or gallery.bundles.load()
    gallery.bundles.require(bundle)
    with exclusive_writer(gallery.path):
        expected = database_state(gallery.database, bundle.fingerprint)
        store = open_store(uri, default_collection_name(expected.gallery, collection))
        report = progress or (lambda *_: None)
        try:
            return _Push(gallery, bundle, store, expected, index_from, report).run(recall, rebuild)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error}; sent rows are saved, run the command again to resume") from None
        finally:
            store.close()


@dataclass(frozen=True)
class _Push:
    """The source and the target of one push."""

    gallery: Gallery
    bundle: Bundle
    store: Store
    expected: SourceState
    index_from: int
    progress: Callable[[int, int], None]

    def run(self, recall: float | None, rebuild: bool) -> PushReport:
        started = time.monotonic()
        local = Digests.of((row.id, row.digest) for row in self._rows())
        count = len(local.ids)
        if not count:
            raise GalleryEmpty(f"{self.gallery.path}: nothing to push: index photos first: photoseek index PHOTOS")
        metadata = self._claim_collection(rebuild)
        remote = self.store.digests()
        delete, insert = remote.to_delete(local), local.to_insert(remote)
        target = recall or metadata.target or TARGET_RECALL
        indexed = count >= self.index_from
        if len(delete) or len(insert) or not self._matches_state(metadata, target, indexed):
            self.store.set_metadata(replace(metadata, complete=False, target=target))
            self._sync_rows(delete, insert)
            self.store.finalize(count, indexed=indexed)
            metadata = self._save_metadata(count, target, self._tune(local.ids, target, indexed))
        counts = (count, len(insert), len(delete), count - len(insert))
        seconds = round(time.monotonic() - started, 3)
        return PushReport(self.store.place, *counts, target, metadata.stats, seconds)

    def _claim_collection(self, rebuild: bool) -> StoreMetadata:
        """Return the metadata of the collection, which is created if it does not exist."""
        if rebuild:
            self.store.drop()
        metadata = self.store.metadata() or self._empty_metadata()
        metadata.check_matches(self.expected, self.store.place)
        self.store.prepare(self.bundle.dim)
        return metadata

    def _empty_metadata(self) -> StoreMetadata:
        return StoreMetadata(self.expected.gallery, self.expected.fingerprint, self.bundle.dim)

    def _matches_state(self, metadata: StoreMetadata, target: float, indexed: bool) -> bool:
        """Return whether the metadata of a store with matching rows is up to date."""
        state = (metadata.revision, metadata.state)
        is_current = metadata.complete and state == (self.expected.revision, self.expected.state)
        return is_current and metadata.target == target and bool(metadata.effort) == indexed

    def _sync_rows(self, delete: Rows, insert: Rows) -> None:
        """Delete and insert rows in batches."""
        done, total = 0, len(delete) + len(insert)
        for ids in _batches(delete):
            self.store.delete(ids)
            self.progress(done := done + len(ids), total)
        for ids in _batches(insert):
            self.store.put(list(self._rows(ids)))
            self.progress(done := done + len(ids), total)

    def _tune(self, ids: Rows, target: float, indexed: bool) -> EngineStats:
        """Tune the store with sample texts and some of the photos as queries."""
        sample = np.random.default_rng(0).permutation(ids)[:SAMPLES]
        photos = np.stack([row.vector for row in self._rows(np.sort(sample).tolist())])
        queries = sample_queries(photos, sample_query_vectors(self.bundle, None))
        return tune_store(self.store, (row.vector for row in self._rows()), queries, target, indexed=indexed)

    def _save_metadata(self, count: int, target: float, stats: EngineStats) -> StoreMetadata:
        metadata = replace(
            self._empty_metadata(),
            complete=True,
            revision=self.expected.revision,
            state=self.expected.state,
            count=count,
            target=target,
            stats=stats,
        )
        self.store.set_metadata(metadata)
        return metadata

    def _rows(self, ids: list[int] | None = None) -> Iterator[StoreRow]:
        return rows_of(self.gallery.database, self.expected.fingerprint, self.bundle.dim, ids)


def _batches(ids: Rows) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH].tolist()
