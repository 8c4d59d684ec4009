"""Build the snapshot of a bundle from the database, unless the current one is up to date."""

from __future__ import annotations

import logging
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleError, GalleryDamaged, GalleryError
from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.database.database import Database
from photoseek.gallery.snapshot.current import REPAIR_HINT, clear_current
from photoseek.gallery.snapshot.sample_queries import sample_queries
from photoseek.gallery.snapshot.snapshot import Snapshot, SourceState, open_current, write_snapshot
from photoseek.gallery.snapshot.stale import remove_stale_snapshots
from photoseek.vector_index.tuning import FEW, TARGET_RECALL
from photoseek.vectors import Vectors

_log = logging.getLogger(__name__)


def build_snapshot(
    gallery: Path,
    database: Database,
    record: GalleryBundle,
    bundle: Bundle | None,
    recall: float | None = None,
) -> bool:
    """Write a new snapshot unless the current one is valid, up to date and complete; return whether one was written.

    The caller holds the gallery's lock.

    Args:
        gallery: Its folder.
        database: Its database.
        record: The bundle whose vectors it contains.
        bundle: The same, loaded; encodes sample queries to tune approximate search. None: tune with photos only.
        recall: See ``Gallery.index``.
    """
    folder = record.folder(gallery)
    remove_stale_snapshots(folder)
    current = expected_state(folder, database)
    if recall is not None:
        database.set_meta(recall=str(recall))
    target = _target_recall(database)
    state = database_state(database, record.fingerprint)
    if current is not None and _is_current(current, state, target):
        return False
    if not (count := database.count_searchable(record.fingerprint)):
        if current is None and folder.exists():
            clear_current(folder)
        return False
    record.create_folder(gallery)
    write_snapshot(
        folder,
        database.vectors(record.fingerprint, record.dim),
        database.searchable(record.fingerprint),
        count=count,
        dim=record.dim,
        state=state,
        texts=None if bundle is None or count <= FEW else sample_query_vectors(bundle, record.precision or None),
        target=target,
    )
    return True


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


def _target_recall(database: Database) -> float:
    """Return the target recall that was last set."""
    try:
        target = float(database.meta().get("recall", TARGET_RECALL))
    except ValueError:
        target = TARGET_RECALL
    return target if 0 < target <= 1 else TARGET_RECALL


def _is_current(snapshot: Snapshot, state: SourceState, target: float) -> bool:
    """Return whether a new snapshot would equal an existing one."""
    made = snapshot.manifest
    same = (made.revision, made.fingerprint, made.state) == (state.revision, state.fingerprint, state.state)
    return same and made.tuning.target == target and made.tuning.is_complete and not snapshot.damaged()
