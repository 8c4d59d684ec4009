"""Statistics of a gallery."""

from __future__ import annotations

import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from photoseek.gallery.database.bundles import GalleryBundle, list_bundles
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.excluded import excluded_patterns
from photoseek.gallery.database.recorded import incomplete_photos
from photoseek.gallery.database.sentences import Sentences
from photoseek.gallery.location import recorded_source
from photoseek.gallery.snapshot.build import check_matches_database, database_state
from photoseek.gallery.snapshot.current import current_id
from photoseek.gallery.snapshot.snapshot import open_current
from photoseek.system.filenames import decode_filename
from photoseek.vector_index.tuning import Tuning


@dataclass(frozen=True)
class BundleStatus:
    """What a gallery contains of a bundle.

    Attributes:
        bundle: Its name.
        dim: Length of its vectors.
        searchable: Photos that a query can find.
        recall: Measured recall@10 of the ``auto`` engine against exact search; None before the first indexing.
        generation: The snapshot that answers queries; None before the first indexing.
        fresh: Whether the snapshot contains everything that has been indexed.
        damaged: Problems of files of approximate search; exact search answers instead, until the next indexing.
    """

    bundle: str
    fingerprint: str
    dim: int
    searchable: int
    recall: float | None
    generation: str | None
    fresh: bool
    damaged: list[str]


@dataclass(frozen=True)
class GalleryStatus:
    """What a gallery contains.

    Attributes:
        photos: Photos found, readable or not.
        searchable: As in ``BundleStatus``. This and all attributes not described here are those of the primary bundle.
        unreadable: Photos that cannot be decoded.
        incomplete: Photos whose files end early, of which what can be shown is indexed.
        captions: Captions that can describe photos.
        search: Target recall, the measurements of each engine (milliseconds, recalls by kind of query, parameters), and
            the engine that ``auto`` uses, and as ``hint`` which package makes search faster; None before the first
            indexing.
        bytes: Size of the gallery on disk.
        additional: What it contains of each additional bundle.
        exclude: Patterns of what indexing leaves out.
    """

    path: str
    photos_root: str
    photos: int
    searchable: int
    unreadable: int
    incomplete: int
    captions: int
    bundle: str
    fingerprint: str
    dim: int
    recall: float | None
    search: dict[str, Any] | None
    generation: str | None
    fresh: bool
    damaged: list[str]
    bytes: int
    additional: list[BundleStatus]
    exclude: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``info --json`` prints."""
        return asdict(self)


def gallery_status(gallery: Path, database: Database) -> GalleryStatus:
    """Return the status of a gallery.

    Raises:
        GalleryError: The snapshot of a bundle cannot be opened.
    """
    primary, *others = list_bundles(database)
    status, tuning = _bundle_status(gallery, database, primary)
    return GalleryStatus(
        **vars(status),
        path=decode_filename(str(gallery)),
        photos_root=decode_filename(recorded_source(gallery, database).address),
        photos=database.count(),
        unreadable=len(database.unreadable()),
        incomplete=len(incomplete_photos(database, primary.fingerprint)),
        captions=Sentences(database).count(),
        search={**asdict(tuning), "auto": tuning.fastest, "hint": tuning.hint(status.searchable)} if tuning else None,
        bytes=sum(map(_size, gallery.rglob("*"))),
        additional=[_bundle_status(gallery, database, record)[0] for record in others],
        exclude=excluded_patterns(database),
    )


def _bundle_status(gallery: Path, database: Database, record: GalleryBundle) -> tuple[BundleStatus, Tuning | None]:
    folder = record.folder(gallery)
    name = current_id(folder)
    snapshot = open_current(folder) if name else None
    if snapshot is not None:
        check_matches_database(snapshot, database)
    manifest, now = snapshot.manifest if snapshot else None, database_state(database, record.fingerprint)
    fresh = manifest is not None and (manifest.revision, manifest.state) == (now.revision, now.state)
    status = BundleStatus(
        bundle=record.name,
        fingerprint=record.fingerprint,
        dim=record.dim,
        searchable=manifest.count if manifest and fresh else database.count_searchable(record.fingerprint),
        recall=manifest.tuning.recall_of("auto") if manifest else None,
        generation=name,
        fresh=fresh,
        damaged=snapshot.damaged() if snapshot else [],
    )
    return status, manifest.tuning if manifest else None


def _size(file: Path) -> int:
    """Return the size of a regular file; 0 for anything else, or if it no longer exists."""
    try:
        status = file.lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
