"""Snapshots that answer queries: immutable folders derived from the database, one of them current.

A snapshot is written completely and synced before ``CURRENT`` names it, and never changed afterward; a reader of the
previous one can continue. All of it can be rebuilt from the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from photoseek.bundle.manifest import FileRecord
from photoseek.errors import GalleryDamaged, GalleryEmpty, MissingExtra, QueryError
from photoseek.gallery.database.records import StoredPhoto
from photoseek.gallery.file_names import (
    CHECKSUMS,
    COLUMNS,
    CURRENT,
    FOLDERS,
    GENERATION_FILE,
    GENERATIONS,
    IDS,
    MANIFEST,
    PARTIAL,
    VECTORS,
)
from photoseek.gallery.snapshot.arrays import (
    Checksums,
    mmap_checksums,
    mmap_ids,
    mmap_vectors,
    release,
    write_rows,
)
from photoseek.gallery.snapshot.columns import Columns, write_columns
from photoseek.gallery.snapshot.current import LINK_HINT, REPAIR_HINT, read_current, write_current
from photoseek.gallery.snapshot.manifest import SnapshotManifest, read_manifest
from photoseek.gallery.snapshot.stale import number_of, remove_stale_snapshots
from photoseek.system.atomic_write import (
    file_sha256,
    fsync_dir,
    fsync_file,
    limit_mode,
    mkdir_durable,
    write_json_atomic,
)
from photoseek.system.folder_tag import expect_file, expect_folder, make_tagged
from photoseek.system.hash_cache import cached_sha256
from photoseek.system.removal import remove_folder
from photoseek.vector_index.base import Index
from photoseek.vector_index.registry import extra_of, index_file, is_available, open_index
from photoseek.vector_index.tuning import FEW, FEW_SAMPLES, SAMPLES, TARGET_RECALL, sample_queries, tune
from photoseek.vectors import Rows, Vectors

_MOST = 10**11  # snapshots have smaller numbers; a folder with a higher one is ignored


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
        ids: Photo id of each row, (n,).
        vectors: Unit vectors, (n, dim).
        checksums: Of each row, (n,), see ``StoredPhoto.checksum``.
        columns: What filters compare.
    """

    path: Path
    manifest: SnapshotManifest
    ids: Rows
    vectors: Vectors
    checksums: Checksums
    columns: Columns

    def engine(self, name: str) -> Index:
        """Open an engine over the vectors; ``auto`` is the fastest.

        Raises:
            GalleryDamaged: Its file is missing, or differs from the manifest.
            MissingExtra: Its library is not installed.
            QueryError: The gallery was indexed without it.
        """
        tuning = self.manifest.tuning
        name = tuning.fastest if name == "auto" else name
        if not is_available(name):
            extra = extra_of(name)
            raise MissingExtra(f"engine {name} needs {extra}; install it with: pip install 'photoseek[{extra}]'")
        if name not in tuning.engines:
            raise QueryError(
                f"{self.path}: no index for engine {name}: this gallery was indexed without it; build it with: "
                "photoseek index PHOTOS"
            )
        file = index_file(name)
        path = None if file is None else self._verified(file)
        try:
            return open_index(name, self.vectors, path, tuning.engines[name].parameters)
        except GalleryDamaged as error:
            raise GalleryDamaged(f"{error}; {REPAIR_HINT}") from error

    def damaged(self, *, reread: bool = False) -> list[str]:
        """Check every file, open each engine, and return the problems.

        Args:
            reread: Also read files that have not changed since they were verified.
        """
        wrong: dict[str, str] = {}
        for file, record in self.manifest.files.items():
            with _record(wrong, file):
                _check(self.path / file, record, reread=reread)
        for name in self.manifest.tuning.engines:
            file = index_file(name) or VECTORS
            if file not in wrong and is_available(name):
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
        release(self.vectors)

    def _verified(self, file: str) -> Path:
        _check(self.path / file, self.manifest.files[file])
        return self.path / file


def open_current(gallery: Path) -> Snapshot:
    """Open the current snapshot of a folder, its vectors verified before they are mapped.

    Raises:
        GalleryEmpty: There is none.
        GalleryDamaged: Its manifest or vectors are missing or damaged.
        GalleryIncompatible: Its format is newer than ``FORMAT``.
    """
    current = read_current(gallery)
    if current is None:
        raise GalleryEmpty(f"{gallery}: nothing indexed yet; run: photoseek index PHOTOS")
    name, checksum = current
    folder = gallery / GENERATIONS / name
    for each in (folder.parent, folder):
        expect_folder(each, LINK_HINT)
    manifest = _read_manifest(folder, checksum)
    for file in (IDS, VECTORS, CHECKSUMS, COLUMNS, FOLDERS):
        _check(folder / file, manifest.files[file])
    with _with_hint(folder / IDS):
        ids = mmap_ids(folder / IDS, manifest.count)
    with _with_hint(folder / VECTORS):
        vectors = mmap_vectors(folder / VECTORS, manifest.count, manifest.dim)
    with _with_hint(folder / CHECKSUMS):
        checksums = mmap_checksums(folder / CHECKSUMS, manifest.count)
    with _with_hint(folder / COLUMNS):
        columns = Columns.open(folder, manifest.count)
    return Snapshot(folder, manifest, ids, vectors, checksums, columns)


def write_snapshot(
    gallery: Path,
    rows: Iterator[tuple[int, Vectors]],
    photos: Iterable[tuple[int, StoredPhoto]],
    *,
    count: int,
    dim: int,
    state: SourceState,
    texts: Vectors | None = None,
    target: float = TARGET_RECALL,
) -> SnapshotManifest:
    """Write a snapshot, and make it current.

    Args:
        gallery: The folder of the bundle's snapshots.
        rows: Photo ids in increasing order, and vectors; at least one.
        photos: Ids and photos of the same database rows.
        count: Number of rows.
        dim: Length of the vectors.
        state: Of the database.
        texts: Vectors of sample queries. None: engines are tuned on queries by photo only.
        target: Recall to which engines are tuned.

    Raises:
        GalleryDamaged: The database has other rows than ``count``, or the disk returns other data than was written.
    """
    parent = gallery / GENERATIONS
    expect_folder(parent, LINK_HINT)
    expect_file(gallery / CURRENT, LINK_HINT)
    mkdir_durable(parent)
    name = _next_name(parent)
    partial = parent / f"{name}{PARTIAL}"
    try:
        make_tagged(partial)
        vectors = _write_vectors(partial, rows, count, dim)
        if (written := write_columns(partial, photos)) != count:
            raise GalleryDamaged(f"expected {count} photos in the database, found {written}; index again")
        tuning = tune(
            partial, vectors, sample_queries(vectors, texts, count=FEW_SAMPLES if count <= FEW else SAMPLES), target
        )
        files = {file.name: FileRecord.of(file) for file in sorted(partial.iterdir())}
        facts = (state.revision, state.fingerprint, state.gallery, state.state, count, dim, tuning, files)
        manifest = SnapshotManifest(*facts)
        _publish(gallery, partial, name, manifest)
    except BaseException:
        remove_folder(gallery, GENERATIONS, partial.name, files=GENERATION_FILE)  # frees space on a full disk
        raise
    return manifest


def _write_vectors(folder: Path, rows: Iterator[tuple[int, Vectors]], count: int, dim: int) -> Vectors:
    with (folder / VECTORS).open("wb") as vectors, (folder / IDS).open("wb") as ids:
        written = write_rows(vectors, ids, rows, count, dim)
    if written != count:
        raise GalleryDamaged(f"expected {count} vectors in the database, found {written}; index again")
    try:
        mmap_ids(folder / IDS, count)
        return mmap_vectors(folder / VECTORS, count, dim)
    except ValueError as error:
        raise GalleryDamaged(f"{folder}: read back different data than written: {error}; index again") from error


def _publish(gallery: Path, partial: Path, name: str, manifest: SnapshotManifest) -> None:
    """Sync everything, then update ``CURRENT``, then remove all older snapshots except the previous one."""
    write_json_atomic(partial / MANIFEST, asdict(manifest))
    for file in manifest.files:
        limit_mode(partial / file)
        fsync_file(partial / file)
    fsync_dir(partial)
    final = partial.with_name(name)
    partial.rename(final)
    fsync_dir(final.parent)
    write_current(gallery, name, file_sha256(final / MANIFEST))
    remove_stale_snapshots(gallery)


def _next_name(parent: Path) -> str:
    """Return an unused name with a number above that of every snapshot, complete or not."""
    taken = set(map(number_of, parent.iterdir()))
    number = max((number for number in taken if number < _MOST), default=0) + 1
    while number in taken:
        number += 1
    return f"{number:06d}"


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
