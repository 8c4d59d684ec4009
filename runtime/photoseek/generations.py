"""What answers queries fast: immutable folders derived from the database, one of them current.

A generation is written completely and synced before ``CURRENT`` names it, and never changed afterwards; a reader
that holds the one before goes on with it. All of it can be made again from the database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from photoseek.errors import GalleryDamaged, GalleryEmpty, MissingExtra, QueryError
from photoseek.files import limit_mode, make_folder, replace_bytes, replace_json, sha256_of, sync_file, sync_folder
from photoseek.gallery_files import (
    CURRENT,
    DRAFT_FILE,
    GENERATION_FILE,
    GENERATION_NAME,
    GENERATIONS,
    PARTIAL,
    POINTER_DRAFT_NAME,
)
from photoseek.generation_manifest import CHECKS, IDS, MANIFEST, VECTORS, GenerationManifest, read_manifest
from photoseek.manifest import FileRecord
from photoseek.nearest.engine import Search
from photoseek.nearest.engines import file_of, installed, open_engine
from photoseek.nearest.tuning import TARGET_RECALL, sample_queries, tune
from photoseek.removal import DRAFT_NAME, is_ours, remove_file, remove_folder
from photoseek.stored_arrays import Checks, map_checks, map_ids, map_vectors, write_checks, write_rows
from photoseek.tagging import expect_file, expect_folder, make_tagged, open_file
from photoseek.vectors import Rows, Vectors

CURE = "it is derived from the database: rebuild it with photoseek index PHOTOS"

_LINK_CURE = "photoseek does not follow links inside a gallery; remove it, and run: photoseek index PHOTOS"
_POINTER = re.compile(r"(\d{1,18}) ([0-9a-f]{64})\n", re.ASCII)
_POINTER_START = re.compile(r"(?:\d{1,18}(?: (?:[0-9a-f]{0,63}|[0-9a-f]{64}\n?))?)?", re.ASCII)
_MOST = 10**11  # no gallery counts that far: a name with a higher number is not followed
_POINTER_BYTES = 84  # of the longest one


@dataclass(frozen=True)
class Shown:
    """What a generation shows of a gallery's database; see :class:`GenerationManifest`."""

    revision: int
    fingerprint: str
    gallery: str = ""
    state: str = ""


@dataclass(frozen=True)
class Generation:
    """A generation, its verified vectors mapped into memory.

    Attributes:
        ids: Photo id of each row, (n,).
        vectors: Unit vectors, (n, dim).
        checks: Of each row, (n,), see :meth:`photoseek.database.StoredPhoto.checks`; None: of an earlier photoseek.
    """

    path: Path
    manifest: GenerationManifest
    ids: Rows
    vectors: Vectors
    checks: Checks | None = None

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
    folder = gallery / GENERATIONS / name
    for each in (folder.parent, folder):
        expect_folder(each, _LINK_CURE)
    manifest = _read_manifest(folder, checksum)
    checked = CHECKS in manifest.files
    for file in (IDS, VECTORS, *([CHECKS] if checked else [])):
        _check(folder / file, manifest.files[file])
    with _curable(folder / IDS):
        ids = map_ids(folder / IDS, manifest.count)
    with _curable(folder / VECTORS):
        vectors = map_vectors(folder / VECTORS, manifest.count, manifest.dim)
    with _curable(folder / CHECKS):
        checks = map_checks(folder / CHECKS, manifest.count) if checked else None
    return Generation(folder, manifest, ids, vectors, checks)


def forget_current(gallery: Path) -> None:
    """Let no generation answer queries, where the database has nothing that could be found."""
    remove_file(gallery / CURRENT)
    sync_folder(gallery)


def _read_current(gallery: Path) -> tuple[str, str] | None:
    """Name and manifest checksum of the current generation, in one read: it may be replaced at any time."""
    path = gallery / CURRENT
    expect_file(path, _LINK_CURE)
    try:
        with os.fdopen(open_file(path, os.O_RDONLY), encoding="ascii") as file:
            found = _POINTER.fullmatch(file.read(_POINTER_BYTES + 1))
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
    parent = gallery / GENERATIONS
    expect_folder(parent, _LINK_CURE)
    expect_file(gallery / CURRENT, _LINK_CURE)
    make_folder(parent)
    name = _next_name(parent)
    partial = parent / f"{name}{PARTIAL}"
    try:
        make_tagged(partial)
        vectors = _write_vectors(partial, rows, count, dim)
        with (partial / CHECKS).open("wb") as file:
            if (written := write_checks(file, checks, count)) != count:
                raise GalleryDamaged(f"expected {count} photos in the database, found {written}; index again")
        tuning = tune(partial, vectors, sample_queries(vectors, texts), target)
        files = {file.name: FileRecord.of(file) for file in sorted(partial.iterdir())}
        facts = (shown.revision, shown.fingerprint, count, dim, tuning, files)
        manifest = GenerationManifest(*facts, gallery=shown.gallery, state=shown.state)
        _publish(gallery, partial, name, manifest)
    except BaseException:
        remove_folder(gallery, *_inner(partial), files=GENERATION_FILE)  # where the disk is full, its place is needed
        raise
    return manifest


def leftovers(gallery: Path) -> list[Path]:
    """Return what a killed indexing left behind: incomplete files, and generations that no reader uses.

    The one before the current one may still be read, and is none of them.
    """
    pointers = [path for path in gallery.glob(f"{CURRENT}.*{PARTIAL}") if _is_pointer_draft(path)]
    drafts = [path for path in gallery.glob("*") if DRAFT_NAME.fullmatch(path.name)]
    found = [*pointers, *(path for path in drafts if is_ours(gallery, path.name, files=DRAFT_FILE))]
    unread = _unread(gallery)
    return sorted([*found, *(path for path in unread if is_ours(gallery, *_inner(path), files=GENERATION_FILE))])


def sweep(gallery: Path) -> list[Path]:
    """Remove what :func:`leftovers` names, and return it; the caller holds the gallery's lock.

    A folder with the name of a generation that photoseek did not create is left alone, with a warning in the log.
    """
    removed = []
    for path in sorted({*leftovers(gallery), *_unread(gallery)}):
        if path.parent != gallery:
            done = remove_folder(gallery, *_inner(path), files=GENERATION_FILE)
        elif path.is_dir():
            done = remove_folder(path, files=DRAFT_FILE)
        else:
            done = remove_file(path)
        removed += [path] if done else []
    return removed


def _unread(gallery: Path) -> list[Path]:
    """Return each folder with the name of a generation but the current one and the one before; none behind a link."""
    parent = gallery / GENERATIONS
    if parent.is_symlink():
        return []
    folders = [path for path in parent.glob("*") if GENERATION_NAME.fullmatch(path.name) and path.is_dir()]
    partial = [folder for folder in folders if folder.suffix == PARTIAL]
    complete = {_number(folder): folder for folder in folders if folder.suffix != PARTIAL}
    try:
        current = int(current_name(gallery) or "")
    except (GalleryDamaged, ValueError):
        return partial
    earlier = sorted((number for number in complete if number < current), reverse=True)
    ours = (number for number in earlier if is_ours(gallery, *_inner(complete[number]), files=GENERATION_FILE))
    kept = {current, next(ours, current)}
    return [*partial, *(folder for number, folder in complete.items() if number not in kept)]


def _inner(generation: Path) -> tuple[str, str]:
    return generation.parent.name, generation.name


def _is_pointer_draft(path: Path) -> bool:
    """Return whether a file is what a killed process left of a new ``CURRENT``: by its name, and by its content."""
    if not POINTER_DRAFT_NAME.fullmatch(path.name):
        return False
    try:
        with os.fdopen(open_file(path, os.O_RDONLY), encoding="ascii") as file:
            return _POINTER_START.fullmatch(file.read(_POINTER_BYTES + 1)) is not None
    except (OSError, ValueError):
        return False


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
        limit_mode(partial / file)
        sync_file(partial / file)
    sync_folder(partial)
    final = partial.with_name(name)
    partial.rename(final)
    sync_folder(final.parent)
    replace_bytes(gallery / CURRENT, f"{name} {sha256_of(final / MANIFEST)}\n".encode())
    sweep(gallery)


def _next_name(parent: Path) -> str:
    """Return a name that nothing has, complete or not, above that of every generation."""
    taken = set(map(_number, parent.iterdir()))
    number = max((number for number in taken if number < _MOST), default=0) + 1
    while number in taken:
        number += 1
    return f"{number:06d}"


def _number(folder: Path) -> int:
    """Return the number in the name of a generation; 0 for any other name."""
    return int(folder.name.removesuffix(PARTIAL)) if GENERATION_NAME.fullmatch(folder.name) else 0


def _read_manifest(folder: Path, checksum: str) -> GenerationManifest:
    expect_file(folder / MANIFEST, CURE)
    try:
        return read_manifest(folder, checksum)
    except (OSError, ValueError, RecursionError) as error:
        raise GalleryDamaged(f"{folder / MANIFEST}: {error}; {CURE}") from error


def _check(path: Path, record: FileRecord) -> None:
    expect_file(path, CURE)
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
