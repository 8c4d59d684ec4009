"""What answers queries fast: immutable folders derived from the database, one of them current.

A generation is written completely and synced before ``CURRENT`` names it, and never changed afterwards; a reader
that holds the one before goes on with it. All of it can be made again from the database.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photoseek.errors import GalleryDamaged, GalleryEmpty, GalleryIncompatible, MissingExtra, QueryError
from photoseek.files import replace_bytes, replace_json, sha256_of, sync_file, sync_folder
from photoseek.manifest import FileRecord
from photoseek.nearest.engine import Search
from photoseek.nearest.engines import file_of, installed, open_engine
from photoseek.nearest.tuning import TARGET_RECALL, Measured, Tuning, sample_queries, tune
from photoseek.vectors import Rows, Vectors

FORMAT = 3
"""The format that this version writes. 1: before ``tuning``; 2: Annoy was the only approximate engine. Both are read;
the next indexing makes the first anew, and the second where faiss is installed."""

_FOLDER = "generations"
_CURRENT = "CURRENT"
_MANIFEST = "manifest.json"
_VECTORS = "vectors.npy"
_IDS = "ids.npy"


@dataclass(frozen=True)
class GenerationManifest:
    """What a generation holds, and what each of its files must be.

    Attributes:
        revision: The database's revision that it shows.
        fingerprint: Of the bundle that made the vectors.
        count: Vectors.
        dim: Their length.
        tuning: What each engine was found to do.
        files: What each file must be.
    """

    revision: int
    fingerprint: str
    count: int
    dim: int
    tuning: Tuning
    files: dict[str, FileRecord]
    metric: str = "cosine"
    format: int = FORMAT


@dataclass(frozen=True)
class Generation:
    """A generation, its verified vectors mapped into memory.

    Attributes:
        ids: Photo id of each row, (n,).
        vectors: Unit vectors, (n, dim).
    """

    path: Path
    manifest: GenerationManifest
    ids: Rows
    vectors: Vectors

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
        return open_engine(name, self.vectors, path, tuning.engines[name].parameters)

    def verify(self) -> None:
        """Check every file.

        Raises:
            GalleryDamaged: One is missing or not what the manifest says.
        """
        for file in self.manifest.files:
            self._verified(file)

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
    for file in (_IDS, _VECTORS):
        _check(folder / file, manifest.files[file])
    return Generation(
        path=folder,
        manifest=manifest,
        ids=np.load(folder / _IDS, mmap_mode="r"),
        vectors=np.load(folder / _VECTORS, mmap_mode="r"),
    )


def _read_current(gallery: Path) -> tuple[str, str] | None:
    """Name and manifest checksum of the current generation, in one read: it may be replaced at any time."""
    path = gallery / _CURRENT
    try:
        name, checksum = path.read_text("ascii").split()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise GalleryDamaged(f"{path}: cannot be read: {error}; {_CURE}") from error
    return name, checksum


def write_generation(
    gallery: Path,
    rows: Iterator[tuple[int, Vectors]],
    *,
    count: int,
    dim: int,
    revision: int,
    fingerprint: str,
    texts: Vectors | None = None,
    target: float = TARGET_RECALL,
) -> GenerationManifest:
    """Derive a generation from photo ids and vectors, at least one, and make it current.

    Engines are tuned to the recall ``target`` on queries by photo and, where ``texts`` gives the vectors of typical
    ones, by text.
    """
    parent = gallery / _FOLDER
    parent.mkdir(exist_ok=True)
    name = _next_name(parent)
    partial = parent / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    vectors = _write_vectors(partial, rows, count, dim)
    tuning = tune(partial, vectors, sample_queries(vectors, texts), target)
    files = {file.name: FileRecord.of(file) for file in sorted(partial.iterdir())}
    manifest = GenerationManifest(revision, fingerprint, count, dim, tuning, files)
    _publish(gallery, partial, name, manifest)
    return manifest


def _write_vectors(folder: Path, rows: Iterator[tuple[int, Vectors]], count: int, dim: int) -> Vectors:
    vectors = np.lib.format.open_memmap(folder / _VECTORS, mode="w+", dtype=np.float32, shape=(count, dim))
    ids = np.empty(count, dtype=np.int64)
    written = 0
    for row, (photo, vector) in enumerate(rows):
        ids[row], vectors[row] = photo, vector
        written = row + 1
    if written != count:
        raise GalleryDamaged(f"expected {count} vectors in the database, found {written}; index again")
    vectors.flush()
    np.save(folder / _IDS, ids)
    return vectors


def _publish(gallery: Path, partial: Path, name: str, manifest: GenerationManifest) -> None:
    """Sync everything, then let ``CURRENT`` name it, then drop all but the one before."""
    replace_json(partial / _MANIFEST, asdict(manifest))
    for file in manifest.files:
        sync_file(partial / file)
    sync_folder(partial)
    final = partial.with_name(name)
    kept: set[str | None] = {name}
    partial.replace(final)
    sync_folder(final.parent)
    with suppress(GalleryDamaged):
        kept.add(current_name(gallery))
    replace_bytes(gallery / _CURRENT, f"{name} {sha256_of(final / _MANIFEST)}\n".encode())
    for folder in final.parent.iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _next_name(parent: Path) -> str:
    taken = [int(folder.name) for folder in parent.iterdir() if folder.name.isdigit()]
    return f"{max(taken, default=0) + 1:06d}"


def _read_manifest(folder: Path, checksum: str) -> GenerationManifest:
    path = folder / _MANIFEST
    try:
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != checksum:
            raise ValueError(f"its sha256 is not the one that {_CURRENT} names")
        values: dict[str, Any] = json.loads(raw)
        if values["format"] > FORMAT:
            raise GalleryIncompatible(
                f"{path}: generation format {values['format']}, this photoseek reads up to {FORMAT}; upgrade photoseek"
            )
        files = {name: FileRecord(**record) for name, record in values["files"].items()}
        tuning = _tuning(values)
        return GenerationManifest(**{**values, "tuning": tuning, "files": files, "format": FORMAT})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GalleryDamaged(f"{path}: {error}; {_CURE}") from error


def _tuning(values: dict[str, Any]) -> Tuning:
    """What was measured; format 1 had one kind of query, and no times: its trees count as faster."""
    if values["format"] == 1:
        annoy, exact = Measured(1.0, {"photo": values.pop("recall")}, values.pop("annoy")), 2.0
        target = 0.0
    elif values["format"] == 2:
        old = values["tuning"]
        annoy, exact = Measured(old["annoy_ms"], old["recalls"], old["annoy"]), old["exact_ms"]
        target = old["target"]
    else:
        engines = {name: Measured(**found) for name, found in values["tuning"]["engines"].items()}
        return Tuning(values["tuning"]["target"], engines)
    return Tuning(target, {"exact": Measured(exact, dict.fromkeys(annoy.recalls, 1.0), {}), "annoy": annoy})


def _check(path: Path, record: FileRecord) -> None:
    try:
        size = path.stat().st_size
        found = FileRecord(size, sha256_of(path) if size == record.bytes else "")
    except OSError as error:
        raise GalleryDamaged(f"{path}: {error.strerror or error}; {_CURE}") from error
    if found != record:
        what = f"{record.bytes:,} bytes, found {size:,}" if size != record.bytes else "another content"
        raise GalleryDamaged(f"{path}: expected {what}; {_CURE}")


_CURE = "it is derived from the database: rebuild it with photoseek index PHOTOS"
