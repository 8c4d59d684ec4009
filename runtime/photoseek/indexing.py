"""Scan, decode, encode, commit: incremental, pipelined, and safe to interrupt."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.bundle import Bundle
from photoseek.cpu import usable_cores
from photoseek.database import ContentRecord, Database, PhotoRecord
from photoseek.deriving import derive
from photoseek.encoders import ImageEncoder, TextEncoder
from photoseek.errors import GalleryNotFound, PhotoError
from photoseek.held import HeldBundle, held_bundles, sweep_all
from photoseek.names import as_name
from photoseek.photos import date_of, decode_photo, read_photo
from photoseek.reading import read_still
from photoseek.scanning import FoundPhoto, Unseen, scan
from photoseek.sentences import Sentences

BATCH = 4  # photos in one run of the image tower: more are no faster on a CPU, and fill its cache
_MOUNTS = "mounts"  # the fact of the database that names further disks inside the photo folder
_DATES = 1_000  # photos that are dated in one transaction
_SENTENCES = 256  # in one batch
_COMMIT_S = 5.0  # a kill loses what was encoded since the last commit
_THREADS = "photoseek-encode"  # their names begin so
_LOOK_S = 2.0  # how often it is looked whether they live
_AHEAD = 4  # batches for each worker that may be under way, so that a slow photo holds up no other


@dataclass(frozen=True)
class Progress:
    """How far indexing has come; ``phase`` is ``encode`` or ``build``. Each bundle of the gallery has its own."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class Beside:
    """What one indexing did for a bundle beside the gallery's own.

    Attributes:
        bundle: Its name.
        encoded: Photos encoded now.
        problem: Why it was left as it is; None where it was not.
    """

    bundle: str
    encoded: int = 0
    problem: str | None = None


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
        kept: Not found, but kept as they were: they lie in what could not be looked into.
        unseen: Path and reason of each folder or file that could not be looked into.
        beside: What was done for each bundle beside the gallery's own, of which the counts above are.
    """

    photos: int
    encoded: int
    reused: int
    unchanged: int
    removed: int
    unreadable: list[tuple[str, str]]
    seconds: float
    kept: int = 0
    unseen: list[tuple[str, str]] = field(default_factory=list)
    beside: list[Beside] = field(default_factory=list)


@dataclass(frozen=True)
class _Decoded:
    """A photo on its way through the tower; ``pixels`` is None where its vector is known or it is unreadable."""

    record: PhotoRecord
    size: tuple[int, int] = (0, 0)
    taken: str = ""
    pixels: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class _Batch:
    """Photos that were read together, of which some may have vanished, and what was encoded of them."""

    size: int
    records: list[PhotoRecord]
    contents: list[ContentRecord]


@dataclass
class _Tally:
    read: int = 0
    encoded: int = 0
    reused: int = 0
    pending: list[PhotoRecord] = field(default_factory=list)
    contents: list[ContentRecord] = field(default_factory=list)
    committed_at: float = field(default_factory=time.monotonic)

    def add(self, batch: _Batch) -> None:
        """Count a batch, and keep it for the next commit."""
        self.read += len(batch.records)
        readable = sum(record.reason is None for record in batch.records)
        self.encoded += len(batch.contents)
        self.reused += readable - len(batch.contents)
        self.pending += batch.records
        self.contents += batch.contents


def index_gallery(
    gallery: Path,
    database: Database,
    root: Path,
    bundle: Bundle,
    further: Mapping[str, Bundle | str],
    progress: Callable[[Progress], None] | None,
    recall: float | None = None,
) -> IndexReport:
    """Bring a gallery up to date; the caller holds its lock. See :meth:`photoseek.gallery.Gallery.index`.

    ``further``: by fingerprint, each bundle beside the gallery's own ``bundle`` that answers by itself, or why it is
    not there.
    """
    started = time.monotonic()
    tell = progress or (lambda _: None)
    unseen = Unseen()
    found = list(scan(root, unseen))
    missing = database.paths() - {photo.path for photo in found}
    _compare_mounts(database, root, found, unseen)
    gone = {path for path in missing if not unseen.hides(path)}
    if gone and not found:
        raise GalleryNotFound(f"{root}: no photo found where {len(missing):,} were; is its disk mounted?")
    held = held_bundles(database)
    work = _work(database, found, bundle)
    tally = _encode_all(work, database, root, _encoder(bundle, held[0]), tell)
    if gone:
        database.forget(gone)
    _date(database, root, bundle.fingerprint)
    tell(Progress("build", 0, 1))
    sweep_all(gallery, held)
    derive(gallery, database, held[0], bundle, recall)
    tell(Progress("build", 1, 1))
    beside = [
        _index_beside(gallery, database, root, found, other, further[other.fingerprint], tell)
        for other in held[1:]
        if other.whole
    ]
    return IndexReport(
        photos=len(found) - len(work) + tally.read,
        encoded=tally.encoded,
        reused=tally.reused,
        unchanged=len(found) - len(work),
        removed=len(gone),
        unreadable=database.unreadable(),
        seconds=time.monotonic() - started,
        kept=len(missing) - len(gone),
        unseen=sorted(unseen.reasons.items()),
        beside=beside,
    )


def _index_beside(
    gallery: Path,
    database: Database,
    root: Path,
    found: list[FoundPhoto],
    held: HeldBundle,
    bundle: Bundle | str,
    tell: Callable[[Progress], None],
) -> Beside:
    """Encode with a further bundle what it has not encoded yet, photos and captions, and derive what answers for it."""
    if isinstance(bundle, str):
        return Beside(held.name, problem=bundle)
    tally = _encode_all(_work(database, found, bundle), database, root, _encoder(bundle, held), tell)
    encode_sentences(Sentences(database), bundle, lambda _: None)
    tell(Progress("build", 0, 1))
    derive(gallery, database, held, bundle)
    tell(Progress("build", 1, 1))
    return Beside(held.name, tally.encoded)


def _work(database: Database, found: list[FoundPhoto], bundle: Bundle) -> list[FoundPhoto]:
    """The photos that a bundle has not encoded as they are now."""
    settled = database.unchanged(bundle.fingerprint)
    return [photo for photo in found if settled.get(photo.path) != (photo.bytes, photo.mtime_ns)]


def _encoder(bundle: Bundle, held: HeldBundle) -> ImageEncoder:
    return ImageEncoder(bundle, held.precision or None, mode="service")


def _compare_mounts(database: Database, root: Path, found: list[FoundPhoto], unseen: Unseen) -> None:
    """Note further disks inside the folder; one whose place is empty now is not mounted, and hides its photos."""
    known = set(json.loads(database.meta().get(_MOUNTS, "[]")))
    for mount in known - unseen.mounts:
        if (root / as_name(mount)).is_dir() and not any(photo.path.startswith(f"{mount}/") for photo in found):
            unseen.reasons[mount] = "not mounted; if its photos are gone for good, remove this empty folder"
            unseen.mounts.add(mount)
    if unseen.mounts != known:
        database.set_meta(**{_MOUNTS: json.dumps(sorted(unseen.mounts))})


def _date(database: Database, root: Path, fingerprint: str) -> None:
    """Ask photos when they were taken, where a gallery is from before that was noted; kept a thousand at a time."""
    undated = list(database.undated(fingerprint).items())
    for start in range(0, len(undated), _DATES):
        part = undated[start : start + _DATES]
        database.put_dates({sha256: date_of(root / as_name(path)) for sha256, path in part})


def _encode_all(
    work: list[FoundPhoto],
    database: Database,
    root: Path,
    encoder: ImageEncoder,
    tell: Callable[[Progress], None],
) -> _Tally:
    """Each worker takes a few photos from their files through the tower, alone on its core.

    Workers that share one run of the tower wait for each other, and a thread that decodes beside it takes a core from
    it. At any time a few batches for each worker are in memory, however many photos there are.
    """
    tally = _Tally()
    known = database.known_contents(encoder.bundle.fingerprint)
    parts = [work[start : start + BATCH] for start in range(0, len(work), BATCH)]
    tell(Progress("encode", 0, len(work)))
    done = 0
    try:
        with closing(_ahead(lambda part: _encode(part, root, known, encoder), parts, tally.add)) as batches:
            for batch in batches:
                done += batch.size
                if time.monotonic() - tally.committed_at > _COMMIT_S:
                    _commit(database, encoder, tally)
                tell(Progress("encode", done, len(work)))
    finally:  # an interruption keeps what was encoded
        _commit(database, encoder, tally)
    return tally


def _encode(part: Sequence[FoundPhoto], root: Path, known: set[str], encoder: ImageEncoder) -> _Batch:
    """Read, decode and encode a few photos. Runs in a worker thread."""
    decoded = [item for photo in part if (item := _decode(photo, root, known, encoder)) is not None]
    fresh = [(item, item.pixels) for item in decoded if item.pixels is not None]
    contents = []
    if fresh:
        vectors = encoder.encode_pixels(np.stack([pixels for _, pixels in fresh]))
        contents = [
            ContentRecord(item.record.sha256 or "", *item.size, vector, item.taken)
            for (item, _), vector in zip(fresh, vectors, strict=True)
        ]
    return _Batch(len(part), [item.record for item in decoded], contents)


def _decode(photo: FoundPhoto, root: Path, known: set[str], encoder: ImageEncoder) -> _Decoded | None:
    """Read one photo; decode it unless its content has been encoded before. None where it has vanished.

    What has vanished is left to the next scan: it may be the disk that went away.
    """
    preprocessing = encoder.bundle.preprocessing
    sha256 = None
    try:
        still = read_still(photo, root, read_photo)
        if still is None:
            return None
        photo, data = still
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in known:
            return _Decoded(PhotoRecord(photo, sha256))
        decoded = decode_photo(data, preprocessing.edge)
        size = (decoded.width, decoded.height)
        return _Decoded(PhotoRecord(photo, sha256), size, decoded.taken, preprocessing(decoded.image))
    except PhotoError as error:
        return _Decoded(PhotoRecord(photo, sha256, reason=str(error)))


def _commit(database: Database, encoder: ImageEncoder, tally: _Tally) -> None:
    if tally.pending:
        with database.transaction():
            database.put_contents(encoder.bundle.fingerprint, tally.contents)
            database.put_photos(sorted(tally.pending, key=lambda record: record.found.path))  # not as they were done
    tally.pending, tally.contents, tally.committed_at = [], [], time.monotonic()


def encode_sentences(sentences: Sentences, bundle: Bundle, tell: Callable[[Progress], None]) -> None:
    """Give each sentence that has none a vector, committed batch by batch; the caller holds the gallery's lock."""
    texts = sorted(sentences.unencoded(bundle.fingerprint), key=len)  # those of like length share a run
    encoder = TextEncoder(bundle)
    for start in range(0, len(texts), _SENTENCES):
        part = texts[start : start + _SENTENCES]
        sentences.put_vectors(bundle.fingerprint, part, encoder.encode(part))
        tell(Progress("encode", start + len(part), len(texts)))


def _ahead(
    encode: Callable[[Sequence[FoundPhoto]], _Batch],
    parts: Iterable[Sequence[FoundPhoto]],
    keep: Callable[[_Batch], None],
) -> Generator[_Batch]:
    """Encode in threads, at most ``_AHEAD`` parts for each thread ahead; every part that gets done is kept.

    Parts come as they are done, so that a slow photo holds up no other. When the caller stops, those under way are
    waited for and kept, too; the others are not begun.
    """
    workers = usable_cores()
    with ThreadPoolExecutor(workers, thread_name_prefix=_THREADS) as pool:
        under_way: set[Future[_Batch]] = set()
        seen: set[threading.Thread] = set()
        try:
            for part in parts:
                under_way.add(pool.submit(encode, part))
                seen |= {thread for thread in threading.enumerate() if thread.name.startswith(_THREADS)}
                if len(under_way) >= _AHEAD * workers:
                    yield from _take_done(under_way, seen, keep)
            while under_way:
                yield from _take_done(under_way, seen, keep)
        finally:
            running = {future for future in under_way if not future.cancel()}
            for future in _wait(running, seen, ALL_COMPLETED):
                if future.exception() is None:
                    keep(future.result())


def _take_done(
    under_way: set[Future[_Batch]], threads: set[threading.Thread], keep: Callable[[_Batch], None]
) -> Iterator[_Batch]:
    """Wait for at least one, and keep all that are done before the caller hears of any."""
    done = _wait(under_way, threads, FIRST_COMPLETED)
    if not done:
        raise MemoryError("a thread that encodes photos has ended before its time; is memory short?")
    failed = [future for future in done if future.exception() is not None]
    under_way -= done
    batches = [future.result() for future in done if future not in failed]
    for batch in batches:
        keep(batch)
    for future in failed:
        future.result()
    yield from batches


def _wait(futures: set[Future[_Batch]], threads: set[threading.Thread], until: str) -> set[Future[_Batch]]:
    """Those that are done; fewer than awaited where one of the threads has died, as for want of memory it may."""
    while True:
        found = wait(futures, timeout=_LOOK_S, return_when=until)
        if (found.done and until == FIRST_COMPLETED) or not found.not_done:
            return found.done
        if not all(thread.is_alive() for thread in threads):
            return found.done
