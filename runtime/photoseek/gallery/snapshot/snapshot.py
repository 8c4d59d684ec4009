"""Snapshots that answer queries: immutable folders derived from the database, one of them current.

A snapshot is written completely and synced before ``CURRENT`` names it, and never changed afterward; a reader of the
previous one can continue. All of it can be rebuilt from the database.

A base snapshot has every photo, and the indexes of engines. A delta snapshot refers to a base, and has only the photos
that were added since, and the rows of the base that were removed; its photos are searched exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photoseek.bundle.manifest import FileRecord
from photoseek.errors import GalleryDamaged, GalleryEmpty, QueryError
from photoseek.gallery.file_names import (
    CAMERAS,
    CHECKSUMS,
    COLUMNS,
    FOLDERS,
    GENERATIONS,
    IDS,
    MANIFEST,
    NAMES,
    REMOVED,
    VECTORS,
)
from photoseek.gallery.snapshot.arrays import (
    Checksums,
    mmap_checksums,
    mmap_ids,
    mmap_removed,
    mmap_vectors,
    release,
)
from photoseek.gallery.snapshot.columns import Columns
from photoseek.gallery.snapshot.current import LINK_HINT, REPAIR_HINT, read_current
from photoseek.gallery.snapshot.manifest import SnapshotManifest, read_manifest
from photoseek.gallery.snapshot.names import NameIndex, has_fts5
from photoseek.system.folder_tag import expect_file, expect_folder
from photoseek.system.hash_cache import cached_sha256
from photoseek.vector_index.base import Index
from photoseek.vector_index.delta import DeltaIndex, DeltaVectors
from photoseek.vector_index.registry import index_file, is_available, open_index, require_engine
from photoseek.vectors import Rows, VectorRows


@dataclass(frozen=True)
class SourceState:
    """The state of the database from which a snapshot was built; see ``SnapshotManifest``."""

    revision: int
    fingerprint: str
    gallery: str
    state: str


@dataclass(frozen=True)
class Snapshot:
    """An open snapshot, its verified vectors mapped into memory.

    Attributes:
        ids: Photo id of each row, (n,), increasing.
        vectors: Unit vectors, (n, dim).
        checksums: Of each row, (n,), see ``StoredPhoto.checksum``.
        columns: What filters compare.
        base: The base of a delta snapshot. Its removed rows are not among those above.
        names: Full-text indexes of disjoint photos, perhaps also removed ones; none in snapshots of older versions.
    """

    path: Path
    manifest: SnapshotManifest
    ids: Rows
    vectors: VectorRows
    checksums: Checksums
    columns: Columns
    base: Snapshot | None = None
    names: tuple[NameIndex, ...] = ()

    def engine(self, name: str) -> Index:
        """Open an engine over the vectors; ``auto`` is the fastest.

        Raises:
            GalleryDamaged: Its file is missing, or differs from the manifest.
            MissingExtra: Its library is not installed.
            QueryError: The gallery was indexed without it.
        """
        tuning = self.manifest.tuning
        name = tuning.fastest if name == "auto" else name
        require_engine(name)
        if name not in tuning.engines:
            raise QueryError(
                f"{self.path}: no index for engine {name}, because `--engine auto` is expected to be faster here; "
                f"build it with: photoseek index PHOTOS --engine {name}"
            )
        if isinstance(self.vectors, DeltaVectors) and self.base is not None:
            return DeltaIndex(self.base.engine(name), self.vectors)
        file = index_file(name)
        path = None if file is None else self._verified(file)
        try:
            return open_index(name, np.asarray(self.vectors), path, tuning.engines[name].parameters)
        except GalleryDamaged as error:
            raise GalleryDamaged(f"{error}; {REPAIR_HINT}") from error

    def damaged(self, *, reread: bool = False) -> list[str]:
        """Check every file, open an engine for each index, and return the problems.

        Args:
            reread: Also read files that have not changed since they were verified.
        """
        if self.base is not None and (damaged := self.base.damaged(reread=reread)):
            return damaged
        wrong: dict[str, str] = {}
        for file, record in self.manifest.files.items():
            with _record(wrong, file):
                _check(self.path / file, record, reread=reread)
        engines = {index_file(name) or VECTORS: name for name in self.manifest.tuning.engines if is_available(name)}
        for file, name in () if self.base else engines.items():  # engines of one file read it alike
            if file not in wrong:
                with _record(wrong, file):
                    self.engine(name)
        return list(wrong.values())

    def verify(self) -> None:
        """Read every file.

        Raises:
            GalleryDamaged: One is missing, or differs from the manifest.
        """
        if wrong := self.damaged(reread=True):
            raise GalleryDamaged(wrong[0])

    def release(self) -> None:
        """Remove the vectors from the memory of this process until they are read again."""
        if self.base is not None:
            self.base.release()
        elif isinstance(self.vectors, np.ndarray):
            release(self.vectors)

    def _verified(self, file: str) -> Path:
        _check(self.path / file, self.manifest.files[file])
        return self.path / file


def open_current(gallery: Path, opened: Snapshot | None = None) -> Snapshot:
    """Open the current snapshot of a folder, its vectors verified before they are mapped.

    Args:
        gallery: The folder of the bundle's snapshots.
        opened: An earlier one; if the current snapshot has the same base, that is not opened again.

    Raises:
        GalleryEmpty: There is none.
        GalleryDamaged: Its manifest or vectors are missing or damaged.
        GalleryIncompatible: Its format is newer than ``FORMAT``.
    """
    current = read_current(gallery)
    if current is None:
        raise GalleryEmpty(f"{gallery}: nothing indexed yet; run: photoseek index PHOTOS")
    expect_folder(gallery / GENERATIONS, LINK_HINT)
    folder, manifest = _open_manifest(gallery, *current)
    if manifest.base is None:
        return _open_rows(folder, manifest)
    base = _open_base(gallery, manifest, opened)
    delta = _open_rows(folder, manifest)
    _check(folder / REMOVED, manifest.files[REMOVED])
    with _with_hint(folder / REMOVED):
        removed = mmap_removed(folder / REMOVED, manifest.base.removed, len(base.ids))
    if len(delta.ids) and delta.ids[0] <= base.ids[-1]:
        raise GalleryDamaged(f"{folder / IDS}: expected ids above those of {base.path}; {REPAIR_HINT}")
    return Snapshot(
        folder,
        manifest,
        np.concatenate([np.delete(base.ids, removed), delta.ids]),
        DeltaVectors(np.asarray(base.vectors), removed, np.asarray(delta.vectors)),
        np.concatenate([np.delete(base.checksums, removed), delta.checksums]),
        base.columns.joined(removed, delta.columns),
        base,
        base.names + delta.names,
    )


def current_manifest(gallery: Path) -> SnapshotManifest | None:
    """Return the manifest of the current snapshot of a folder; None if there is none.

    Raises:
        GalleryDamaged: It is missing or damaged.
        GalleryIncompatible: Its format is newer than ``FORMAT``.
    """
    current = read_current(gallery)
    return None if current is None else _open_manifest(gallery, *current)[1]


def _open_base(gallery: Path, manifest: SnapshotManifest, opened: Snapshot | None) -> Snapshot:
    """Open the base of a delta snapshot, unless ``opened`` has it.

    Raises:
        GalleryDamaged: It is missing or damaged, or not the base of the delta.
    """
    record = manifest.base
    assert record is not None
    folder, found = _open_manifest(gallery, record.name, record.sha256)
    delta, base = manifest, found
    if (delta.fingerprint, delta.gallery, delta.dim, delta.tuning) != (
        base.fingerprint,
        base.gallery,
        base.dim,
        base.tuning,
    ) or base.base is not None:
        raise GalleryDamaged(f"{folder / MANIFEST}: expected the base of another snapshot; {REPAIR_HINT}")
    before = None if opened is None else opened.base or opened
    if before is not None and (before.path, before.manifest) == (folder, found):
        return before
    return _open_rows(folder, found)


def _open_manifest(gallery: Path, name: str, checksum: str) -> tuple[Path, SnapshotManifest]:
    """Return the folder and the manifest of a snapshot."""
    folder = gallery / GENERATIONS / name
    expect_folder(folder, LINK_HINT)
    return folder, _read_manifest(folder, checksum)


def _open_rows(folder: Path, manifest: SnapshotManifest) -> Snapshot:
    """Open the arrays in the folder of a snapshot."""
    count = manifest.rows
    has_cameras = CAMERAS in manifest.files
    for file in (IDS, VECTORS, CHECKSUMS, COLUMNS, FOLDERS, *([CAMERAS] if has_cameras else [])):
        _check(folder / file, manifest.files[file])
    with _with_hint(folder / IDS):
        ids = mmap_ids(folder / IDS, count)
    with _with_hint(folder / VECTORS):
        vectors = mmap_vectors(folder / VECTORS, count, manifest.dim)
    with _with_hint(folder / CHECKSUMS):
        checksums = mmap_checksums(folder / CHECKSUMS, count)
    with _with_hint(folder / COLUMNS):
        columns = Columns.open(folder, count, has_cameras=has_cameras)
    names: tuple[NameIndex, ...] = ()
    if NAMES in manifest.files and has_fts5():
        _check(folder / NAMES, manifest.files[NAMES])
        names = (NameIndex(folder / NAMES),)
    return Snapshot(folder, manifest, ids, vectors, checksums, columns, names=names)


def _read_manifest(folder: Path, checksum: str) -> SnapshotManifest:
    expect_file(folder / MANIFEST, REPAIR_HINT)
    try:
        return read_manifest(folder, checksum)
    except (OSError, ValueError, RecursionError) as error:
        raise GalleryDamaged(f"{folder / MANIFEST}: {error}; {REPAIR_HINT}") from error


def _check(path: Path, record: FileRecord, *, reread: bool = False) -> None:
    expect_file(path, REPAIR_HINT)
    try:
        size = path.stat().st_size
        found = FileRecord(size, cached_sha256(path, reread=reread) if size == record.bytes else "")
    except OSError as error:
        raise GalleryDamaged(f"{path}: {error.strerror or error}; {REPAIR_HINT}") from error
    if found != record:
        what = f"{record.bytes:,} bytes, found {size:,}" if size != record.bytes else "the recorded sha256"
        raise GalleryDamaged(f"{path}: expected {what}; {REPAIR_HINT}")


@contextmanager
def _with_hint(path: Path) -> Iterator[None]:
    """Convert ValueError to GalleryDamaged, with the file and a repair hint."""
    try:
        yield
    except ValueError as error:
        raise GalleryDamaged(f"{path}: {error}; {REPAIR_HINT}") from error


@contextmanager
def _record(wrong: dict[str, str], file: str) -> Iterator[None]:
    try:
        yield
    except GalleryDamaged as error:
        wrong[file] = str(error)
