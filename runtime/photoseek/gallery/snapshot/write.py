"""Write snapshots: of all photos, with the indexes of engines, or of the changes since such a one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from photoseek.bundle.manifest import FileRecord
from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.records import StoredPhoto
from photoseek.gallery.file_names import (
    CURRENT,
    GENERATION_FILE,
    GENERATIONS,
    IDS,
    MANIFEST,
    PARTIAL,
    REMOVED,
    VECTORS,
)
from photoseek.gallery.snapshot.arrays import mmap_ids, mmap_vectors, write_array, write_rows
from photoseek.gallery.snapshot.columns import write_columns
from photoseek.gallery.snapshot.current import LINK_HINT, write_current
from photoseek.gallery.snapshot.manifest import Base, SnapshotManifest
from photoseek.gallery.snapshot.name_words import PhotoNames
from photoseek.gallery.snapshot.names import write_names
from photoseek.gallery.snapshot.snapshot import Snapshot, SourceState
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
from photoseek.system.removal import remove_folder
from photoseek.vector_index.tuning import TARGET_RECALL, Tuning, sample_queries, tune, tune_exact
from photoseek.vectors import Rows, Vectors

_MOST = 10**11  # snapshots have smaller numbers; a folder with a higher one is ignored


def write_snapshot(
    gallery: Path,
    rows: Iterator[tuple[int, Vectors]],
    photos: Iterable[tuple[int, StoredPhoto]],
    names: Iterable[PhotoNames],
    *,
    count: int,
    dim: int,
    state: SourceState,
    texts: Callable[[], Vectors | None] = lambda: None,
    target: float = TARGET_RECALL,
    engines: Collection[str] = (),
) -> SnapshotManifest:
    """Write a base snapshot, and make it current.

    Args:
        gallery: The folder of the bundle's snapshots.
        rows: Photo ids in increasing order, and vectors; at least one.
        photos: Ids and photos of the same database rows.
        names: Their names.
        count: Number of rows.
        dim: Length of the vectors.
        state: Of the database.
        texts: Returns vectors of sample queries, or None: engines are tuned on queries by photo only. Called if an
            engine is built.
        target: Recall to which engines are tuned.
        engines: Engines to build in any case.

    Raises:
        GalleryDamaged: The database has other rows than ``count``, or the disk returns other data than was written.
    """
    with _new_snapshot(gallery) as partial:
        vectors = _write_rows(partial, rows, photos, count, dim)
        write_names(partial, names)
        tuning = tune_exact(vectors, target)
        if not tuning.is_complete(count, engines):
            tuning = tune(partial, vectors, sample_queries(vectors, texts()), target, wanted=engines)
        return _publish(gallery, partial, state, count, dim, tuning)


def write_delta(
    gallery: Path,
    base: Snapshot,
    removed: Rows,
    rows: Iterator[tuple[int, Vectors]],
    photos: Iterable[tuple[int, StoredPhoto]],
    names: Iterable[PhotoNames],
    *,
    added: int,
    state: SourceState,
) -> SnapshotManifest:
    """Write a delta snapshot, and make it current.

    Args:
        gallery: The folder of the bundle's snapshots.
        base: A base snapshot.
        removed: Rows of the base that were removed, in order.
        rows: Added photos: ids above those of the base, in increasing order, and vectors.
        photos: Ids and photos of the same database rows.
        names: Their names.
        added: Number of added photos.
        state: Of the database.

    Raises:
        GalleryDamaged: As ``write_snapshot``.
    """
    with _new_snapshot(gallery) as partial:
        _write_rows(partial, rows, photos, added, base.manifest.dim)
        write_names(partial, names)
        write_array(partial / REMOVED, removed)
        record = Base(base.path.name, file_sha256(base.path / MANIFEST), added, len(removed))
        count = len(base.ids) - len(removed) + added
        return _publish(gallery, partial, state, count, base.manifest.dim, base.manifest.tuning, record)


@contextmanager
def _new_snapshot(gallery: Path) -> Iterator[Path]:
    """Yield the folder of a new snapshot; it is removed if the snapshot is not completed."""
    parent = gallery / GENERATIONS
    expect_folder(parent, LINK_HINT)
    expect_file(gallery / CURRENT, LINK_HINT)
    mkdir_durable(parent)
    partial = parent / f"{_next_name(parent)}{PARTIAL}"
    try:
        make_tagged(partial)
        yield partial
    except BaseException:
        remove_folder(gallery, GENERATIONS, partial.name, files=GENERATION_FILE)  # frees space on a full disk
        raise


def _write_rows(
    folder: Path,
    rows: Iterator[tuple[int, Vectors]],
    photos: Iterable[tuple[int, StoredPhoto]],
    count: int,
    dim: int,
) -> Vectors:
    """Write the arrays of a snapshot, and return its vectors, mapped into memory."""
    vectors = _write_vectors(folder, rows, count, dim)
    if (written := write_columns(folder, photos)) != count:
        raise GalleryDamaged(f"expected {count} photos in the database, found {written}; index again")
    return vectors


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


def _publish(
    gallery: Path,
    partial: Path,
    state: SourceState,
    count: int,
    dim: int,
    tuning: Tuning,
    base: Base | None = None,
) -> SnapshotManifest:
    """Write the manifest, sync everything, then update ``CURRENT``, then remove unused snapshots."""
    files = {file.name: FileRecord.of(file) for file in sorted(partial.iterdir())}
    facts = (state.revision, state.fingerprint, state.gallery, state.state, count, dim, tuning, files, base)
    manifest = SnapshotManifest(*facts)
    write_json_atomic(partial / MANIFEST, asdict(manifest))
    for file in manifest.files:
        limit_mode(partial / file)
        fsync_file(partial / file)
    fsync_dir(partial)
    final = partial.with_name(partial.name.removesuffix(PARTIAL))
    partial.rename(final)
    fsync_dir(final.parent)
    write_current(gallery, final.name, file_sha256(final / MANIFEST))
    remove_stale_snapshots(gallery)
    return manifest


def _next_name(parent: Path) -> str:
    """Return an unused name with a number above that of every snapshot, complete or not."""
    taken = set(map(number_of, parent.iterdir()))
    number = max((number for number in taken if number < _MOST), default=0) + 1
    while number in taken:
        number += 1
    return f"{number:06d}"
