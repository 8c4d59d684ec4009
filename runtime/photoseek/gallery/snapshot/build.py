"""Making what answers queries fast from the database, where it does not show the database as it is."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleError, GalleryDamaged, GalleryError
from photoseek.gallery.database.bundles import HeldBundle
from photoseek.gallery.database.database import Database, StoredPhoto
from photoseek.gallery.snapshot.sample_queries import everyday_queries
from photoseek.gallery.snapshot.snapshot import CURE, Generation, Shown, forget_current, open_current, write_generation
from photoseek.gallery.snapshot.stale import sweep
from photoseek.vector_index.tuning import TARGET_RECALL
from photoseek.vectors import Rows, Vectors

ROWS_CURE = "have it repaired: photoseek verify GALLERY --repair, then: photoseek index PHOTOS"

_AT_ONCE = 10_000  # rows in memory

_log = logging.getLogger(__name__)


def derive(
    gallery: Path,
    database: Database,
    held: HeldBundle,
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
        recall: See :meth:`photoseek.gallery.gallery.Gallery.index`.
    """
    folder = held.folder(gallery)
    sweep(folder)
    generation = made_from(folder, database)
    if recall is not None:
        database.set_meta(recall=str(recall))
    target = _target(database)
    if generation is not None and _serves(generation, shown_by(database, held.fingerprint), target):
        return False
    shown = shown_by(database, held.fingerprint)
    if not (count := database.count_searchable(shown.fingerprint)):
        if generation is None and folder.exists():
            forget_current(folder)
        return False
    held.make_folder(gallery)
    rows = database.vectors(shown.fingerprint, held.dim)
    texts = None if bundle is None else everyday_vectors(bundle, held.precision or None)
    checks = database.checks(shown.fingerprint)
    write_generation(folder, rows, checks, count=count, dim=held.dim, shown=shown, texts=texts, target=target)
    return True


def check_origin(generation: Generation, database: Database) -> None:
    """Make sure that a generation was made from a database, whose ids it speaks of.

    Raises:
        GalleryDamaged: It was made from another one, or from a later state than this, as where a backup was restored.
    """
    made, shown = generation.manifest, shown_by(database, generation.manifest.fingerprint)
    if made.gallery != shown.gallery:
        raise GalleryDamaged(f"{generation.path}: made from another database than {database.path}; {CURE}")
    if made.revision > shown.revision:
        raise GalleryDamaged(f"{generation.path}: shows a later state than {database.path} is in; {CURE}")


def photos_of(generation: Generation, database: Database, rows: Rows) -> dict[int, StoredPhoto]:
    """The photos in some rows of a generation that are still in the database, by id.

    Raises:
        GalleryDamaged: One is not what it was when the generation was made, or is not there, though nothing was
            forgotten since.
    """
    ids, made = generation.ids[rows].tolist(), generation.manifest
    found = database.photos(ids, made.fingerprint)
    for photo, check in zip(ids, generation.checks[rows].tolist(), strict=True):
        if photo in found and check != found[photo].check(photo):
            raise GalleryDamaged(f"{database.path}: the row of photo {photo} is not what was written; {ROWS_CURE}")
    if len(found) < len(ids) and database.state_of(made.fingerprint) == made.state:
        gone = next(photo for photo in ids if photo not in found)
        raise GalleryDamaged(f"{database.path}: photo {gone} is not there any more; {ROWS_CURE}")
    return found


def check_photos(generation: Generation, database: Database) -> None:
    """Make sure of every row as :func:`photos_of` does of some.

    Raises:
        GalleryDamaged: As there.
    """
    for start in range(0, len(generation.ids), _AT_ONCE):
        photos_of(generation, database, np.arange(start, min(start + _AT_ONCE, len(generation.ids))))


def shown_by(database: Database, fingerprint: str) -> Shown:
    """What a generation of a bundle's vectors, made now, would show."""
    meta = database.meta()
    return Shown(int(meta["revision"]), fingerprint, meta["gallery"], database.state_of(fingerprint))


def made_from(folder: Path, database: Database) -> Generation | None:
    """The current generation, if it can be opened and is of this database."""
    try:
        generation = open_current(folder)
        check_origin(generation, database)
    except GalleryError:
        return None
    return generation


def _target(database: Database) -> float:
    """The recall last asked for."""
    try:
        kept = float(database.meta().get("recall", TARGET_RECALL))
    except ValueError:
        kept = TARGET_RECALL
    return kept if 0 < kept <= 1 else TARGET_RECALL


def _serves(generation: Generation, shown: Shown, target: float) -> bool:
    """Whether a generation is what would be made now."""
    made = generation.manifest
    same = (made.revision, made.fingerprint, made.state) == (shown.revision, shown.fingerprint, shown.state)
    return same and made.tuning.target == target and made.tuning.complete and not generation.damaged()


def everyday_vectors(bundle: Bundle, precision: str | None) -> Vectors | None:
    """Vectors of typical texts; None where a text tower is damaged: photos stay searchable by photos all the same."""
    try:
        return TextEncoder(bundle, precision).encode(everyday_queries(bundle.languages))
    except BundleError as error:
        _log.warning("approximate search is tuned without texts: %s", error)
        return None
