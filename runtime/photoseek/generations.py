"""What answers queries fast: immutable folders derived from the database, one of them current.

A generation is written completely and synced before ``CURRENT`` names it, and never changed afterwards; a reader
that holds the one before goes on with it. All of it can be made again from the database.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from photoseek.errors import GalleryDamaged, GalleryEmpty, MissingExtra, QueryError
from photoseek.files import DRAFT, read_bounded, remove, replace_bytes, replace_json, sha256_of, sync_file, sync_folder
from photoseek.generation_manifest import CHECKS, IDS, MANIFEST, VECTORS, GenerationManifest, read_manifest
from photoseek.manifest import FileRecord
from photoseek.nearest.engine import Search
from photoseek.nearest.engines import file_of, installed, open_engine
from photoseek.nearest.tuning import TARGET_RECALL, sample_queries, tune
from photoseek.stored_arrays import Checks, map_checks, map_ids, map_vectors, write_checks, write_rows
from photoseek.vectors import Rows, Vectors

CURE = "it is derived from the database: rebuild it with photoseek index PHOTOS"

_FOLDER = "generations"
_CURRENT = "CURRENT"
_MOST_POINTER_BYTES = 1_000
_PARTIAL = ".partial"
_NAME = re.compile(r"\d{1,18}", re.ASCII)
_POINTER = re.compile(r"(\d{1,18}) ([0-9a-f]{64})\n", re.ASCII)


@dataclass(frozen=True)
class Shown:
    """What a generation shows of a gallery's database; see :class:`GenerationManifest`."""

    revision: int
    fingerprint: str
    gallery: str
    state: str


@dataclass(frozen=True)
class Generation:
    """A generation, its verified vectors mapped into memory.

    Attributes:
        ids: Photo id of each row, (n,).
        vectors: Unit vectors, (n, dim).
        checks: Of each row, (n,), see :meth:`photoseek.database.StoredPhoto.check`.
    """

    path: Path
    manifest: GenerationManifest
    ids: Rows
    vectors: Vectors
    checks: Checks

    def engine(self, name: str) -> Search:
        """Open an engine over the vectors; ``auto`` is the fastest.

        Raises:
            GalleryDamaged: Its file is missing or not what the manifest says.
            MissingExtra: What it needs is not installed.
            QueryError: It was not installed when the gallery was indexed.
        """
        tuning = self.manifest.tuning
        name = tuning.fastest if name == "auto" else name
        if not installed(name):
            raise MissingExtra(f"engine {name} needs faiss; install it with: pip install 'photoseek[faiss]'")
        if name not in tuning.engines:
            raise QueryError(
                f"{self.path}: no index for engine {name}: it was not installed when this gallery was indexed; make it "
                "with: photoseek index PHOTOS"
            )
        file = file_of(name)
        path = None if file is None else self._verified(file)
        try:
            return open_engine(name, self.vectors, path, tuning.engines[name].parameters)
        except GalleryDamaged as error:
            raise GalleryDamaged(f"{error}; {CURE}") from error

    def damaged(self) -> list[str]:
        """What is wrong with each file that is; reads them all, and opens each engine."""
        wrong: dict[str, str] = {}
        for file in self.manifest.files:
            with _noting(wrong, file):
                self._verified(file)
        for name in self.manifest.tuning.engines:
            file = file_of(name) or VECTORS
            if file not in wrong and installed(name):
                with _noting(wrong, file):
                    self.engine(name)
        return list(wrong.values())

    def verify(self) -> None:
        """Check every file.

        Raises:
            GalleryDamaged: One is missing or not what the manifest says.
        """
        if wrong := self.damaged():
            raise GalleryDamaged(wrong[0])

    def _verified(self, file: str) -> Path:
        _check(self.path / file, self.manifest.files[file])
        return self.path / file


def current_name(gallery: Path) -> str | None:
    """The name of the generation that answers queries; None where there is none yet."""
    current = _read_current(gallery)
    return None if current is None else current[0]


def open_current(gallery: Path) -> Generation:
    """Open the generation that answers queries, its vectors verified before they are mapped.

    Raises:
        GalleryEmpty: There is none yet.
        GalleryDamaged: Its manifest or vectors are missing or not what they should be.
        GalleryIncompatible: Its format is newer than ``FORMAT``.
    """
    current = _read_current(gallery)
    if current is None:
        raise GalleryEmpty(f"{gallery}: nothing indexed yet; run: photoseek index PHOTOS")
    name, checksum = current
    folder = gallery / _FOLDER / name
    manifest = _read_manifest(folder, checksum)
    for file in (IDS, VECTORS, CHECKS):
        _check(folder / file, manifest.files[file])
    with _curable(folder / IDS):
        ids = map_ids(folder / IDS, manifest.count)
    with _curable(folder / VECTORS):
        vectors = map_vectors(folder / VECTORS, manifest.count, manifest.dim)
    with _curable(folder / CHECKS):
        checks = map_checks(folder / CHECKS, manifest.count)
    return Generation(folder, manifest, ids, vectors, checks)


def forget_current(gallery: Path) -> None:
    """Let no generation answer queries, where the database has nothing that could be found."""
    (gallery / _CURRENT).unlink(missing_ok=True)
    sync_folder(gallery)


def _read_current(gallery: Path) -> tuple[str, str] | None:
    """Name and manifest checksum of the current generation, in one read: it may be replaced at any time."""
    path = gallery / _CURRENT
    try:
        found = _POINTER.fullmatch(read_bounded(path, _MOST_POINTER_BYTES).decode("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise GalleryDamaged(f"{path}: cannot be read: {error}; {CURE}") from error
    if found is None:
        raise GalleryDamaged(f"{path}: cannot be read: expected a number and a sha256; {CURE}")
    return found[1], found[2]


def write_generation(
    gallery: Path,
    rows: Iterator[tuple[int, Vectors]],
    checks: Iterable[int],
    *,
    count: int,
    dim: int,
    shown: Shown,
    texts: Vectors | None = None,
    target: float = TARGET_RECALL,
) -> GenerationManifest:
    """Derive a generation from photo ids and vectors, at least one, and make it current; ``shown`` is what of.

    ``checks`` are the sums of the rows of those photos in the database.

    Engines are tuned to the recall ``target`` on queries by photo and, where ``texts`` gives the vectors of typical
    ones, by text.
    """
    parent = gallery / _FOLDER
    parent.mkdir(exist_ok=True)
    name = _next_name(parent)
    partial = parent / f"{name}{_PARTIAL}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        vectors = _write_vectors(partial, rows, count, dim)
        with (partial / CHECKS).open("wb") as file:
            if (written := write_checks(file, checks, count)) != count:
                raise GalleryDamaged(f"expected {count} photos in the database, found {written}; index again")
        tuning = tune(partial, vectors, sample_queries(vectors, texts), target)
        files = {file.name: FileRecord.of(file) for file in sorted(partial.iterdir())}
        facts = (shown.revision, shown.fingerprint, shown.gallery, shown.state, count, dim, tuning, files)
        manifest = GenerationManifest(*facts)
        _publish(gallery, partial, name, manifest)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)  # where the disk is full, its place is needed
        raise
    return manifest


def leftovers(gallery: Path) -> list[Path]:
    """What a killed indexing left behind: what it had not finished, and generations that serve nobody.

    The one before the current one may still be read, and is none of them.
    """
    found = [*gallery.glob(f"{_CURRENT}.*{_PARTIAL}"), *gallery.glob(f"{DRAFT}*")]
    folders = [folder for folder in (gallery / _FOLDER).glob("*") if folder.is_dir()]
    try:
        current = int(current_name(gallery) or "")
    except (GalleryDamaged, ValueError):
        return sorted([*found, *(folder for folder in folders if folder.suffix == _PARTIAL)])
    before = max((number for number in map(_number, folders) if number < current), default=0) or current
    unread = [folder for folder in folders if _number(folder) not in (current, before)]
    return sorted([*found, *unread])


def sweep(gallery: Path) -> list[Path]:
    """Remove what :func:`leftovers` names, and tell it; the caller holds the gallery's lock."""
    found = leftovers(gallery)
    for path in found:
        remove(path)
    return found


def _write_vectors(folder: Path, rows: Iterator[tuple[int, Vectors]], count: int, dim: int) -> Vectors:
    with (folder / VECTORS).open("wb") as vectors, (folder / IDS).open("wb") as ids:
        written = write_rows(vectors, ids, rows, count, dim)
    if written != count:
        raise GalleryDamaged(f"expected {count} vectors in the database, found {written}; index again")
    try:
        map_ids(folder / IDS, count)
        return map_vectors(folder / VECTORS, count, dim)
    except ValueError as error:
        raise GalleryDamaged(f"{folder}: written, and not found as written: {error}; index again") from error


def _publish(gallery: Path, partial: Path, name: str, manifest: GenerationManifest) -> None:
    """Sync everything, then let ``CURRENT`` name it, then drop all but the one before."""
    replace_json(partial / MANIFEST, asdict(manifest))
    for file in manifest.files:
        sync_file(partial / file)
    sync_folder(partial)
    final = partial.with_name(name)
    kept: set[str | None] = {name}
    partial.replace(final)
    sync_folder(final.parent)
    with suppress(GalleryDamaged):
        kept.add(current_name(gallery))
    replace_bytes(gallery / _CURRENT, f"{name} {sha256_of(final / MANIFEST)}\n".encode())
    for folder in final.parent.iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _next_name(parent: Path) -> str:
    return f"{max(map(_number, parent.iterdir()), default=0) + 1:06d}"


def _number(folder: Path) -> int:
    """That of a finished generation; 0 of anything else."""
    return int(folder.name) if _NAME.fullmatch(folder.name) else 0


def _read_manifest(folder: Path, checksum: str) -> GenerationManifest:
    try:
        return read_manifest(folder, checksum)
    except (OSError, ValueError, RecursionError) as error:
        raise GalleryDamaged(f"{folder / MANIFEST}: {error}; {CURE}") from error


def _check(path: Path, record: FileRecord) -> None:
    try:
        size = path.stat().st_size
        found = FileRecord(size, sha256_of(path) if size == record.bytes else "")
    except OSError as error:
        raise GalleryDamaged(f"{path}: {error.strerror or error}; {CURE}") from error
    if found != record:
        what = f"{record.bytes:,} bytes, found {size:,}" if size != record.bytes else "another content"
        raise GalleryDamaged(f"{path}: expected {what}; {CURE}")


@contextmanager
def _curable(path: Path) -> Iterator[None]:
    """What is wrong with a file, with its cure."""
    try:
        yield
    except ValueError as error:
        raise GalleryDamaged(f"{path}: {error}; {CURE}") from error


@contextmanager
def _noting(wrong: dict[str, str], file: str) -> Iterator[None]:
    try:
        yield
    except GalleryDamaged as error:
        wrong[file] = str(error)
