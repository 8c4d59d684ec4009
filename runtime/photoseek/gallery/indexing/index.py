"""Scan, decode, encode, commit: incremental, pipelined, and safe to interrupt."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import GalleryNotFound
from photoseek.gallery.database.album_rows import follow_photos
from photoseek.gallery.database.bundles import GalleryBundle, list_bundles
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.excluded import excluded_patterns
from photoseek.gallery.database.left_out_files import LeftOutFiles, record_left_out_files
from photoseek.gallery.database.recorded import RecordedPhotos, incomplete_photos
from photoseek.gallery.database.sentences import Sentences
from photoseek.gallery.database.upgrade import upgrade_database
from photoseek.gallery.folder import limit_access
from photoseek.gallery.indexing.encode import Counts, Limits, Previews, encode_photos, encode_sentences
from photoseek.gallery.indexing.pipeline import EncodingBackend
from photoseek.gallery.indexing.report import BundleReport, IndexReport, Progress
from photoseek.gallery.indexing.thread_pool import ThreadBackend
from photoseek.gallery.snapshot.build import build_snapshot
from photoseek.gallery.snapshot.snapshot import current_manifest
from photoseek.gallery.snapshot.stale import remove_stale_files
from photoseek.photos.formats import HEIC, INSTALL_HINT
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps
from photoseek.sources.exclusion import is_chosen
from photoseek.sources.left_out import UnreadKind
from photoseek.sources.local import LocalSource
from photoseek.system.filenames import encode_filename

_MOUNTS = "mounts"  # key in the database: disks that are mounted inside the photo folder


@dataclass(frozen=True)
class _Scan:
    """The photos in the folder, what could not be read, photos that were not found, and those of them to remove.

    ``recorded``: what the database recorded of each photo.
    """

    found: list[PhotoEntry]
    recorded: RecordedPhotos
    gaps: ScanGaps
    missing: set[str]
    removed: set[str]


@dataclass(frozen=True)
class _Run:
    """One indexing run: where photos are read from and their vectors are written to."""

    gallery: Path
    database: Database
    folder: PhotoSource
    progress: Callable[[Progress], None]
    backend: EncodingBackend
    limits: Limits

    def encode(
        self, work: list[PhotoEntry], record: GalleryBundle, bundle: Bundle, previews: Previews | None = None
    ) -> Counts:
        """Encode photos."""
        encoder = ImageEncoder(bundle, record.precision or None, mode="service")
        places = self.database, self.folder
        return encode_photos(work, *places, encoder, self.progress, self.backend, self.limits, previews)

    def previews(self, record: GalleryBundle, bundle: Bundle) -> Previews:
        """Return previews of a bundle's photos."""
        return Previews(lambda: build_snapshot(self.gallery, self.database, record, bundle))

    def build(self, record: GalleryBundle, bundle: Bundle) -> None:
        """Build the snapshot of a bundle."""
        self.progress(Progress("build", 0, 1))
        build_snapshot(self.gallery, self.database, record, bundle)
        self.progress(Progress("build", 1, 1))

    def index_additional(self, scan: _Scan, record: GalleryBundle, bundle: Bundle | str) -> BundleReport:
        """Index photos and captions with an additional bundle."""
        if isinstance(bundle, str):
            return BundleReport(record.name, problem=bundle)
        counts = self.encode(scan.recorded.work(scan.found, bundle.fingerprint), record, bundle)
        scan.gaps.reasons.update(counts.skipped)
        encode_sentences(Sentences(self.database), bundle)
        self.build(record, bundle)
        return BundleReport(record.name, counts.encoded)


def index_gallery(
    gallery: Path,
    database: Database,
    folder: PhotoSource,
    bundle: Bundle,
    additional: Mapping[str, Bundle | str],
    *,
    progress: Callable[[Progress], None] | None = None,
    backend: EncodingBackend | None = None,
    rehash: bool = False,
    limits: Limits | None = None,
    previews: bool = False,
) -> IndexReport:
    """Update a gallery from its photo folder; the caller holds its lock. See ``Gallery.index``.

    ``additional``: by fingerprint, each additional bundle, or why it cannot be loaded.
    """
    started = time.monotonic()
    run = _Run(gallery, database, folder, progress or (lambda _: None), backend or ThreadBackend(), limits or Limits())
    upgrade_database(database)
    scan = _scan(gallery, database, folder)
    primary, *others = records = list_bundles(database)
    work = scan.found if rehash else scan.recorded.work(scan.found, bundle.fingerprint)
    counts = run.encode(work, primary, bundle, run.previews(primary, bundle) if previews else None)
    database.delete_photos(scan.removed)
    follow_photos(database)
    remove_stale_files(gallery, records)
    run.build(primary, bundle)
    if others:
        scan.recorded.refresh([photo.path for photo in work])
    reports = [run.index_additional(scan, record, additional[record.fingerprint]) for record in others]
    unread = len(database.paths() & counts.skipped.keys()) if counts.skipped else 0
    unreadable = database.unreadable()
    left_out = LeftOutFiles(scan.gaps.left_out.left_out(), [*_without_extra(unreadable), *scan.gaps.left_out.unread()])
    record_left_out_files(database, left_out)
    return IndexReport(
        photos=len(scan.found) - len(work) + counts.read,
        encoded=counts.encoded,
        reused=counts.reused,
        unchanged=len(scan.found) - len(work) + counts.unchanged,
        removed=len(scan.removed),
        unreadable=unreadable,
        seconds=time.monotonic() - started,
        kept_missing=len(scan.missing) - len(scan.removed) + unread,
        skipped=sorted({**scan.gaps.reasons, **counts.skipped}.items()),
        incomplete=incomplete_photos(database, bundle.fingerprint),
        additional=reports,
        left_out=left_out.left_out,
        unread=left_out.unread,
        hint=_engine_hint(primary.folder(gallery)),
    )


def _engine_hint(folder: Path) -> str | None:
    """Return which package makes search of a bundle's snapshots faster; None if none does."""
    manifest = current_manifest(folder)
    return None if manifest is None else manifest.tuning.hint(manifest.count)


def _without_extra(unreadable: Sequence[tuple[str, str]]) -> list[UnreadKind]:
    """Return the count of HEIC photos that are unreadable because the extra is not installed."""
    paths = [path for path, reason in unreadable if reason == INSTALL_HINT]
    return [UnreadKind(HEIC.name, len(paths), HEIC.extra, paths[0])] if paths else []


def _scan(gallery: Path, database: Database, folder: PhotoSource) -> _Scan:
    """Scan the photo folder, and limit the permissions of the gallery to those of the photos.

    Raises:
        GalleryNotFound: All photos have disappeared.
    """
    gaps = ScanGaps()
    found = list(folder.scan(gaps, excluded_patterns(database)))
    recorded = RecordedPhotos(database)
    missing = recorded.paths - {photo.path for photo in found}
    limit_access(gallery, gaps.access.for_gallery(gallery))
    if isinstance(folder, LocalSource):
        _check_mounts(database, folder.root, found, gaps)
    removed = {path for path in missing if not gaps.covers(path)}
    chosen = any(is_chosen(each.reason) for each in gaps.left_out.left_out())
    if removed and not found and not chosen:
        question = "is its disk mounted?" if isinstance(folder, LocalSource) else "is the address correct?"
        raise GalleryNotFound(f"{folder.address}: no photo found where {len(missing):,} were; {question}")
    return _Scan(found, recorded, gaps, missing, removed)


def _check_mounts(database: Database, root: Path, found: list[PhotoEntry], gaps: ScanGaps) -> None:
    """Record disks that are mounted inside the folder; photos of an empty mount point are not removed."""
    known = set(json.loads(database.meta().get(_MOUNTS, "[]")))
    for mount in known - gaps.mounts:
        if gaps.left_out.covers(mount):
            continue
        if (root / encode_filename(mount)).is_dir() and not any(photo.path.startswith(f"{mount}/") for photo in found):
            gaps.reasons[mount] = "not mounted; if its photos were deleted, remove this empty folder"
            gaps.mounts.add(mount)
    if gaps.mounts != known:
        database.set_meta(**{_MOUNTS: json.dumps(sorted(gaps.mounts))})
