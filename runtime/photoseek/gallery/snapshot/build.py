"""Build the snapshot of a bundle from the database, unless the current one is up to date."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleError, GalleryDamaged, GalleryError, QueryError
from photoseek.gallery.database.bases import BaseRecord, base_record, readable_ids, save_base_record
from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.database.database import Database
from photoseek.gallery.snapshot.current import REPAIR_HINT, clear_current
from photoseek.gallery.snapshot.name_words import PhotoNames
from photoseek.gallery.snapshot.sample_queries import sample_queries
from photoseek.gallery.snapshot.snapshot import Snapshot, SourceState, open_current
from photoseek.gallery.snapshot.stale import remove_stale_snapshots
from photoseek.gallery.snapshot.write import write_delta, write_snapshot
from photoseek.vector_index.registry import require_engine
from photoseek.vector_index.tuning import TARGET_RECALL
from photoseek.vectors import Vectors

_log = logging.getLogger(__name__)


MIN_BASE = 2_000
"""Minimum number of photos of the base of a delta: a smaller base is written again within a tenth of a second."""

MAX_DELTA = 10_000
"""Maximum number of added and removed photos in a delta: exact search of more would slow down every query."""

MAX_SHARE = 0.1
"""Maximum number of added and removed photos in a delta, as a share of its base."""


def build_snapshot(gallery: Path, database: Database, record: GalleryBundle, bundle: Bundle | None) -> bool:
    """Write a new snapshot unless the current one is valid, up to date and complete; return whether one was written.

    It is a delta while few photos have changed since a large base, see ``MIN_BASE``, ``MAX_DELTA`` and ``MAX_SHARE``.
    The caller holds the gallery's lock.

    Args:
        gallery: Its folder.
        database: Its database.
        record: The bundle whose vectors it contains.
        bundle: The same, loaded; encodes sample queries to tune approximate search. None: tune with photos only.
    """
    folder = record.folder(gallery)
    remove_stale_snapshots(folder)
    current = expected_state(folder, database)
    target, engines = _target_recall(database), database.meta().get("engines", "").split()
    state = database_state(database, record.fingerprint)
    if current is not None and _is_usable(current, state, target, engines):
        if (current.manifest.revision, current.manifest.state) == (state.revision, state.state):
            return False
        if _write_delta(folder, database, current.base or current, state):
            return True
    if not (count := database.count_searchable(record.fingerprint)):
        if current is None and folder.exists():
            clear_current(folder)
        return False
    record.create_folder(gallery)
    save_base_record(database, record.fingerprint)
    write_snapshot(
        folder,
        database.vectors(record.fingerprint, record.dim),
        database.searchable(record.fingerprint),
        _names(database, record.fingerprint),
        count=count,
        dim=record.dim,
        state=state,
        texts=lambda: None if bundle is None else sample_query_vectors(bundle, record.precision or None),
        target=target,
        engines=engines,
    )
    return True


def _write_delta(folder: Path, database: Database, base: Snapshot, state: SourceState) -> bool:
    """Write a delta snapshot if the changes since its base are known and few; return whether it was written."""
    last, fingerprint = int(base.ids[-1]), state.fingerprint
    if base_record(database, fingerprint) != BaseRecord(base.manifest.state, last):
        return False
    ids = readable_ids(database, last, len(base.ids))
    removed = np.flatnonzero(~np.isin(base.ids, base.ids if ids is None else ids, assume_unique=True))
    added = database.count_searchable(fingerprint, last)
    kept = len(base.ids) - len(removed)
    if (ids is not None and len(ids) != kept) or not kept + added:
        return False
    if len(base.ids) < MIN_BASE or added + len(removed) > min(MAX_DELTA, MAX_SHARE * len(base.ids)):
        return False
    rows, photos = database.vectors(fingerprint, base.manifest.dim, last), database.searchable(fingerprint, last)
    names = _names(database, fingerprint, last)
    write_delta(folder, base, removed, rows, photos, names, added=added, state=state)
    return True


def _names(database: Database, fingerprint: str, after: int = -1) -> Iterator[PhotoNames]:
    """Yield the names of each searchable photo with an id above ``after``."""
    texts = "coalesce(titles, ''), keywords, descriptions" if database.has_metadata else "'', '', ''"
    yield from map(PhotoNames._make, database.rows(f"id, path, {texts}", fingerprint, after))


def check_matches_database(snapshot: Snapshot, database: Database) -> None:
    """Raise unless a snapshot was built from a database.

    Raises:
        GalleryDamaged: It was built from another one, or from a later state of it, as after a restored backup.
    """
    made, now = snapshot.manifest, database_state(database, snapshot.manifest.fingerprint)
    if made.gallery != now.gallery:
        raise GalleryDamaged(f"{snapshot.path}: built from another database than {database.path}; {REPAIR_HINT}")
    if made.revision > now.revision:
        raise GalleryDamaged(f"{snapshot.path}: is newer than {database.path}; {REPAIR_HINT}")


def database_state(database: Database, fingerprint: str) -> SourceState:
    """Return the current state of a bundle's vectors, which a new snapshot would record."""
    meta = database.meta()
    return SourceState(int(meta["revision"]), fingerprint, meta["gallery"], database.index_state(fingerprint))


def expected_state(folder: Path, database: Database) -> Snapshot | None:
    """Return the current snapshot if it can be opened and was built from this database."""
    try:
        snapshot = open_current(folder)
        check_matches_database(snapshot, database)
    except GalleryError:
        return None
    return snapshot


def sample_query_vectors(bundle: Bundle, precision: str | None) -> Vectors | None:
    """Return the vectors of sample queries; None if a text tower is damaged: search by photo still works."""
    try:
        return TextEncoder(bundle, precision).encode(sample_queries(bundle.languages))
    except BundleError as error:
        _log.warning("approximate search is tuned without texts: %s", error)
        return None


def index_settings(recall: float | None, engines: Collection[str] | None) -> dict[str, str]:
    """Return what the database records of the arguments of ``Gallery.index``; None: as before.

    Raises:
        MissingExtra: The library of an engine is not installed.
        QueryError: Invalid recall or engine.
    """
    if recall is not None and not 0 < recall <= 1:
        raise QueryError(f"recall: expected a share within (0, 1], found {recall}")
    for engine in engines or ():
        require_engine(engine)
    settings = {} if recall is None else {"recall": str(recall)}
    return settings if engines is None else {**settings, "engines": " ".join(sorted({*engines} - {"auto"}))}


def _target_recall(database: Database) -> float:
    """Return the target recall that was last set."""
    try:
        target = float(database.meta().get("recall", TARGET_RECALL))
    except ValueError:
        target = TARGET_RECALL
    return target if 0 < target <= 1 else TARGET_RECALL


def _is_usable(snapshot: Snapshot, state: SourceState, target: float, engines: Collection[str]) -> bool:
    """Return whether a snapshot is intact, and a new one of the same photos would have the same indexes."""
    made, base = snapshot.manifest, snapshot.base or snapshot
    same = (made.fingerprint, made.tuning.target) == (state.fingerprint, target)
    return same and made.tuning.is_complete(len(base.ids), engines) and not snapshot.damaged()
