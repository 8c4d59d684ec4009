"""Making what answers queries fast from the database, where it does not show the database as it is."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleError, GalleryDamaged, GalleryError
from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.database.database import Database, StoredPhoto
from photoseek.gallery.snapshot.current import REPAIR_HINT, clear_current
from photoseek.gallery.snapshot.sample_queries import sample_queries
from photoseek.gallery.snapshot.snapshot import Snapshot, SourceState, open_current, write_snapshot
from photoseek.gallery.snapshot.stale import remove_stale_snapshots
from photoseek.vector_index.tuning import TARGET_RECALL
from photoseek.vectors import Rows, Vectors

ROWS_REPAIR_HINT = "run `photoseek verify GALLERY --repair`, then `photoseek index PHOTOS`"

_AT_ONCE = 10_000  # rows in memory

_log = logging.getLogger(__name__)


def build_snapshot(
    gallery: Path,
    database: Database,
    held: GalleryBundle,
    bundle: Bundle | None,
    recall: float | None = None,
) -> bool:
    """Write a new generation, unless the current one shows this very state, with the recall and engines, and whole.

    The caller holds the gallery's lock. Tells whether one was written.

    Args:
        gallery: Its folder.
        database: What it is derived from.
        held: Whose vectors.
        bundle: Encodes typical texts, to tune approximate search with. None: tuned by photos alone.
        recall: See ``Gallery.index``.
    """
    folder = held.folder(gallery)
    remove_stale_snapshots(folder)
    generation = expected_state(folder, database)
    if recall is not None:
        database.set_meta(recall=str(recall))
    target = _target_recall(database)
    if generation is not None and _is_current(generation, database_state(database, held.fingerprint), target):
        return False
    shown = database_state(database, held.fingerprint)
    if not (count := database.count_searchable(shown.fingerprint)):
        if generation is None and folder.exists():
            clear_current(folder)
        return False
    held.create_folder(gallery)
    rows = database.vectors(shown.fingerprint, held.dim)
    texts = None if bundle is None else sample_query_vectors(bundle, held.precision or None)
    checks = database.checks(shown.fingerprint)
    write_snapshot(folder, rows, checks, count=count, dim=held.dim, shown=shown, texts=texts, target=target)
    return True


def check_matches_database(generation: Snapshot, database: Database) -> None:
    """Make sure that a generation was made from a database, whose ids it speaks of.

    Raises:
        GalleryDamaged: It was made from another one, or from a later state than this, as where a backup was restored.
    """
    made, shown = generation.manifest, database_state(database, generation.manifest.fingerprint)
    if made.gallery != shown.gallery:
        raise GalleryDamaged(f"{generation.path}: made from another database than {database.path}; {REPAIR_HINT}")
    if made.revision > shown.revision:
        raise GalleryDamaged(f"{generation.path}: shows a later state than {database.path} is in; {REPAIR_HINT}")


def rows_for(generation: Snapshot, database: Database, rows: Rows) -> dict[int, StoredPhoto]:
    """The photos in some rows of a generation that are still in the database, by id.

    Raises:
        GalleryDamaged: One is not what it was when the generation was made, or is not there, though nothing was
            forgotten since.
    """
    ids, made = generation.ids[rows].tolist(), generation.manifest
    found = database.photos(ids, made.fingerprint)
    for photo, check in zip(ids, generation.checks[rows].tolist(), strict=True):
        if photo in found and check != found[photo].check(photo):
            raise GalleryDamaged(f"{database.path}: checksum mismatch in photo row {photo}; {ROWS_REPAIR_HINT}")
    if len(found) < len(ids) and database.index_state(made.fingerprint) == made.state:
        gone = next(photo for photo in ids if photo not in found)
        raise GalleryDamaged(f"{database.path}: expected a row of photo {gone}, found none; {ROWS_REPAIR_HINT}")
    return found


def verify_rows(generation: Snapshot, database: Database) -> None:
    """Make sure of every row as ``rows_for`` does of some.

    Raises:
        GalleryDamaged: As there.
    """
    for start in range(0, len(generation.ids), _AT_ONCE):
        rows_for(generation, database, np.arange(start, min(start + _AT_ONCE, len(generation.ids))))


def database_state(database: Database, fingerprint: str) -> SourceState:
    """What a generation of a bundle's vectors, made now, would show."""
    meta = database.meta()
    return SourceState(int(meta["revision"]), fingerprint, meta["gallery"], database.index_state(fingerprint))


def expected_state(folder: Path, database: Database) -> Snapshot | None:
    """The current generation, if it can be opened and is of this database."""
    try:
        generation = open_current(folder)
        check_matches_database(generation, database)
    except GalleryError:
        return None
    return generation


def _target_recall(database: Database) -> float:
    """The recall last asked for."""
    try:
        kept = float(database.meta().get("recall", TARGET_RECALL))
    except ValueError:
        kept = TARGET_RECALL
    return kept if 0 < kept <= 1 else TARGET_RECALL


def _is_current(generation: Snapshot, shown: SourceState, target: float) -> bool:
    """Whether a generation is what would be made now."""
    made = generation.manifest
    same = (made.revision, made.fingerprint, made.state) == (shown.revision, shown.fingerprint, shown.state)
    return same and made.tuning.target == target and made.tuning.is_complete and not generation.damaged()


def sample_query_vectors(bundle: Bundle, precision: str | None) -> Vectors | None:
    """Vectors of typical texts; None where a text tower is damaged: photos stay searchable by photos all the same."""
    try:
        return TextEncoder(bundle, precision).encode(sample_queries(bundle.languages))
    except BundleError as error:
        _log.warning("approximate search is tuned without texts: %s", error)
        return None
