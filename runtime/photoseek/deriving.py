"""Making what answers queries fast from the database, where it does not show the database as it is."""

from __future__ import annotations

import logging
from pathlib import Path

from photoseek.bundle import Bundle
from photoseek.database import Database
from photoseek.encoders import TextEncoder
from photoseek.errors import BundleError, GalleryDamaged, GalleryError
from photoseek.everyday import everyday_queries
from photoseek.generations import (
    CURE,
    Generation,
    Shown,
    forget_current,
    open_current,
    sweep,
    write_generation,
)
from photoseek.nearest.tuning import TARGET_RECALL
from photoseek.vectors import Vectors

_log = logging.getLogger(__name__)


def derive(
    gallery: Path,
    database: Database,
    bundle: Bundle | None,
    precision: str | None = None,
    recall: float | None = None,
) -> bool:
    """Write a new generation, unless the current one shows this very state, with the recall and engines, and whole.

    The caller holds the gallery's lock. Tells whether one was written.

    Args:
        gallery: Its folder.
        database: What it is derived from.
        bundle: Encodes typical texts, to tune approximate search with. None: tuned by photos alone.
        precision: Of those towers.
        recall: See :meth:`photoseek.gallery.Gallery.index`.
    """
    sweep(gallery)
    generation = _of(gallery, database)
    if recall is not None:
        database.set_meta(recall=str(recall))
    target = _target(database, generation)
    if generation is not None and _serves(generation, shown_by(database), target):
        return False
    database.give_name()
    shown, dim = shown_by(database), int(database.meta()["dim"])
    if not (count := database.count_searchable(shown.fingerprint)):
        if generation is None:
            forget_current(gallery)
        return False
    rows = database.vectors(shown.fingerprint, dim)
    texts = None if bundle is None else everyday_vectors(bundle, precision)
    write_generation(gallery, rows, count=count, dim=dim, shown=shown, texts=texts, target=target)
    return True


def check_origin(generation: Generation, database: Database) -> None:
    """Make sure that a generation was made from a database, whose ids it speaks of.

    Raises:
        GalleryDamaged: It was made from another one, or from a later state than this, as where a backup was restored.
    """
    made, shown = generation.manifest, shown_by(database)
    if made.gallery not in ("", shown.gallery):
        raise GalleryDamaged(f"{generation.path}: made from another database than {database.path}; {CURE}")
    if made.revision > shown.revision:
        raise GalleryDamaged(f"{generation.path}: shows a later state than {database.path} is in; {CURE}")


def shown_by(database: Database) -> Shown:
    """What a generation made now would show."""
    meta = database.meta()
    return Shown(int(meta["revision"]), meta["fingerprint"], meta.get("gallery", ""), meta.get("state", ""))


def _of(gallery: Path, database: Database) -> Generation | None:
    """The current generation, if it can be opened and is of this database."""
    try:
        generation = open_current(gallery)
        check_origin(generation, database)
    except GalleryError:
        return None
    return generation


def _target(database: Database, generation: Generation | None) -> float:
    """The recall last asked for, which was noted with the generation alone before the database kept it."""
    noted = 0.0 if generation is None else generation.manifest.tuning.target
    try:
        kept = float(database.meta().get("recall", noted))
    except ValueError:
        kept = noted
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
