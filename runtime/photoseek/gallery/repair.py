"""Verification of a gallery, and repair of everything that can be rebuilt from its database."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryDamaged, GalleryError
from photoseek.gallery.database.bundles import list_bundles
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.sentences import Sentences
from photoseek.gallery.indexing.encode import encode_sentences
from photoseek.gallery.snapshot.build import build_snapshot, check_matches_database, expected_state
from photoseek.gallery.snapshot.current import current_id
from photoseek.gallery.snapshot.row_checks import delete_rows, find_bad_rows
from photoseek.gallery.snapshot.snapshot import open_current
from photoseek.gallery.snapshot.stale import remove_stale_files


@dataclass(frozen=True)
class Repaired:
    """Results of a repair.

    Attributes:
        deleted: Counts of deleted database rows as text; empty if there were none.
        encoded: Captions that were encoded again.
        removed: Stale files and folders of interrupted runs.
        generation: Snapshots that were rebuilt; None if all were valid.
        encoding_skipped: Why captions were not encoded, and approximate search was tuned without sample queries.
    """

    deleted: str = ""
    encoded: int = 0
    removed: tuple[str, ...] = ()
    generation: str | None = None
    encoding_skipped: str | None = None

    def lines(self) -> list[str]:
        """Return a line for each action."""
        sentences = {
            f"deleted from the database: {self.deleted}; encode them again with: photoseek index PHOTOS": self.deleted,
            f"encoded {self.encoded:,} captions again": self.encoded,
            f"removed stale files of an interrupted run: {', '.join(self.removed)}": self.removed,
            f"rebuilt generation {self.generation} from the database": self.generation,
            f"repaired without the bundle: {self.encoding_skipped}": self.encoding_skipped,
        }
        return [sentence for sentence, done in sentences.items() if done]


def verify_gallery(gallery: Path, database: Database) -> None:
    """Verify every row and every file.

    Raises:
        GalleryDamaged: The first problem found, and how to repair it.
    """
    database.verify()
    snapshots = []
    for record in list_bundles(database):
        if current_id(record.folder(gallery)) is not None:
            snapshots.append(open_current(record.folder(gallery)))
            check_matches_database(snapshots[-1], database)
            snapshots[-1].verify()
    if (problems := find_bad_rows(database, snapshots)).is_fatal:
        raise GalleryDamaged(
            f"{database.path}: damaged: {problems}; run `photoseek verify GALLERY --repair`, or restore a backup"
        )


def repair_gallery(gallery: Path, database: Database, bundles: Mapping[str, Bundle | str]) -> Repaired:
    """Delete invalid rows, remove stale files, and rebuild snapshots that are damaged or missing; no photo is encoded.

    The caller holds the gallery's lock.

    Args:
        gallery: Its folder.
        database: Its database.
        bundles: By fingerprint, each bundle, or why it cannot be loaded. They encode captions and sample queries.

    Raises:
        GalleryDamaged: The database itself cannot be read.
    """
    _rebuild_indexes(database)
    records = list_bundles(database)
    for record in records:
        with suppress(GalleryError):
            open_current(record.folder(gallery)).verify()  # reads every file: the checks below skip unchanged ones
    snapshots = [expected_state(record.folder(gallery), database) for record in records]
    problems = find_bad_rows(database, [snapshot for snapshot in snapshots if snapshot is not None])
    if problems.is_fatal or problems.orphans:
        delete_rows(database, problems)
    removed = tuple(path.relative_to(gallery).as_posix() for path in remove_stale_files(gallery, records))
    encoded, rebuilt, skipped = 0, [], []
    for record in records:
        found = bundles[record.fingerprint]
        bundle = found if isinstance(found, Bundle) else None
        if problems.sentences and bundle is not None:
            encoded += encode_sentences(Sentences(database), bundle)
        if built := build_snapshot(gallery, database, record, bundle):
            name = current_id(record.folder(gallery)) or ""
            rebuilt.append(name if record.is_primary else f"{name} of bundle {record.name!r}")
        if isinstance(found, str) and (built or problems.sentences):
            skipped.append(found)
    return Repaired(str(problems), encoded, removed, ", ".join(rebuilt) or None, "; ".join(skipped) or None)


def _rebuild_indexes(database: Database) -> None:
    """Rebuild the indexes of the database file, if these alone are damaged."""
    try:
        database.verify()
    except GalleryDamaged:
        with suppress(GalleryError), database.writing() as connection:
            connection.execute("REINDEX")
        database.verify()
