"""Scan, decode, encode, commit: incremental, pipelined, and safe to interrupt."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.bundle import Bundle
from photoseek.database import ContentRecord, Database, PhotoRecord
from photoseek.encoders import ImageEncoder
from photoseek.errors import GalleryError, GalleryNotFound, PhotoError
from photoseek.generations import open_current, write_generation
from photoseek.photos import open_photo, read_photo
from photoseek.preprocess import Preprocessing
from photoseek.scanning import FoundPhoto, scan

_BATCH = 16  # photos in one run of the image tower
_COMMIT_S = 5.0  # a kill loses what was encoded since the last commit
_AHEAD = 4 * _BATCH  # photos that may wait, decoded, for the tower


@dataclass(frozen=True)
class Progress:
    """How far indexing has come; ``phase`` is ``encode`` or ``build``."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class IndexReport:
    """What one indexing did.

    Attributes:
        photos: Photos in the folder.
        encoded: Encoded now.
        reused: New or renamed, with a content that was encoded before.
        unchanged: Left as they were.
        removed: No longer in the folder.
        unreadable: Path and reason of each that could not be decoded, now or before.
        seconds: Time that it took.
    """

    photos: int
    encoded: int
    reused: int
    unchanged: int
    removed: int
    unreadable: list[tuple[str, str]]
    seconds: float


@dataclass(frozen=True)
class _Decoded:
    """A photo on its way to the tower; ``pixels`` is None where its vector is known or it is unreadable."""

    record: PhotoRecord
    size: tuple[int, int] = (0, 0)
    pixels: npt.NDArray[np.float32] | None = None


@dataclass
class _Tally:
    encoded: int = 0
    reused: int = 0
    pending: list[PhotoRecord] = field(default_factory=list)
    contents: list[ContentRecord] = field(default_factory=list)
    committed_at: float = field(default_factory=time.monotonic)


def index_gallery(
    gallery: Path,
    database: Database,
    root: Path,
    bundle: Bundle,
    precision: str | None,
    progress: Callable[[Progress], None] | None,
) -> IndexReport:
    """Bring a gallery up to date; the caller holds its lock. See :meth:`photoseek.gallery.Gallery.index`."""
    started = time.monotonic()
    tell = progress or (lambda _: None)
    found = list(scan(root))
    gone = database.paths() - {photo.path for photo in found}
    if gone and not found:
        raise GalleryNotFound(f"{root}: no photo found where {len(gone):,} were; is its disk mounted?")
    settled = database.unchanged(bundle.fingerprint)
    work = [photo for photo in found if settled.get(photo.path) != (photo.bytes, photo.mtime_ns)]
    tally = _encode_all(work, database, root, ImageEncoder(bundle, precision), tell)
    if gone:
        database.forget(gone)
    tell(Progress("build", 0, 1))
    _derive(gallery, database, bundle)
    tell(Progress("build", 1, 1))
    return IndexReport(
        photos=len(found),
        encoded=tally.encoded,
        reused=tally.reused,
        unchanged=len(found) - len(work),
        removed=len(gone),
        unreadable=database.unreadable(),
        seconds=time.monotonic() - started,
    )


def _encode_all(
    work: list[FoundPhoto],
    database: Database,
    root: Path,
    encoder: ImageEncoder,
    tell: Callable[[Progress], None],
) -> _Tally:
    tally = _Tally()
    known = database.known_contents(encoder.bundle.fingerprint)
    preprocessing = encoder.bundle.preprocessing
    tell(Progress("encode", 0, len(work)))
    done = 0
    try:
        decoded = _ahead(lambda photo: _decode(photo, root, known, preprocessing), work)
        for batch in _batches(decoded, _BATCH):
            _encode(batch, encoder, tally)
            done += len(batch)
            if time.monotonic() - tally.committed_at > _COMMIT_S:
                _commit(database, encoder, tally)
            tell(Progress("encode", done, len(work)))
    finally:  # an interruption keeps what was encoded
        _commit(database, encoder, tally)
    return tally


def _decode(photo: FoundPhoto, root: Path, known: set[str], preprocessing: Preprocessing) -> _Decoded:
    """Read one photo; decode it unless its content has been encoded before. Runs in a worker thread."""
    sha256 = None
    try:
        data = read_photo(root / photo.path)
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in known:
            return _Decoded(PhotoRecord(photo, sha256))
        image = open_photo(data)
        return _Decoded(PhotoRecord(photo, sha256), image.size, preprocessing(image))
    except PhotoError as error:
        return _Decoded(PhotoRecord(photo, sha256, reason=str(error)))


def _encode(batch: list[_Decoded], encoder: ImageEncoder, tally: _Tally) -> None:
    fresh = [(item, item.pixels) for item in batch if item.pixels is not None]
    if fresh:
        vectors = encoder.encode_pixels(np.stack([pixels for _, pixels in fresh]))
        for (item, _), vector in zip(fresh, vectors, strict=True):
            tally.contents.append(ContentRecord(item.record.sha256 or "", *item.size, vector))
    tally.encoded += len(fresh)
    tally.reused += sum(item.pixels is None and item.record.reason is None for item in batch)
    tally.pending += [item.record for item in batch]


def _commit(database: Database, encoder: ImageEncoder, tally: _Tally) -> None:
    if tally.pending:
        with database.transaction():
            database.put_contents(encoder.bundle.fingerprint, tally.contents)
            database.put_photos(tally.pending)
    tally.pending, tally.contents, tally.committed_at = [], [], time.monotonic()


def _derive(gallery: Path, database: Database, bundle: Bundle) -> None:
    """Write a new generation, unless the current one shows this very state and is whole."""
    revision, fingerprint = database.revision(), bundle.fingerprint
    try:
        manifest = open_current(gallery).manifest
        if (manifest.revision, manifest.fingerprint) == (revision, fingerprint):
            return
    except GalleryError:
        pass  # none yet, or damaged: it is made anew
    if count := database.count_searchable(fingerprint):
        rows = database.vectors(fingerprint, bundle.dim)
        write_generation(gallery, rows, count=count, dim=bundle.dim, revision=revision, fingerprint=fingerprint)


def _ahead(decode: Callable[[FoundPhoto], _Decoded], work: Iterable[FoundPhoto]) -> Iterator[_Decoded]:
    """Decode in threads, in order, at most ``_AHEAD`` photos before they are asked for."""
    with ThreadPoolExecutor(thread_name_prefix="photoseek-decode") as pool:
        waiting: deque[Future[_Decoded]] = deque()
        try:
            for photo in work:
                waiting.append(pool.submit(decode, photo))
                if len(waiting) >= _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _batches(items: Iterable[_Decoded], size: int) -> Iterator[list[_Decoded]]:
    batch: list[_Decoded] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
