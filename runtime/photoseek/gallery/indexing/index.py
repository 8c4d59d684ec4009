"""Scan, decode, encode, commit: incremental, pipelined, and safe to interrupt."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import GalleryNotFound, PhotoSourceUnreachable
from photoseek.gallery.database.bundles import GalleryBundle, list_bundles
from photoseek.gallery.database.database import ContentRecord, Database, PhotoRecord
from photoseek.gallery.database.sentences import Sentences
from photoseek.gallery.folder import limit_access
from photoseek.gallery.indexing.pipeline import Batch, EncodingBackend, PhotoEncoder
from photoseek.gallery.indexing.thread_pool import ThreadBackend
from photoseek.gallery.snapshot.build import build_snapshot
from photoseek.gallery.snapshot.stale import remove_stale_files
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps
from photoseek.sources.local import LocalSource
from photoseek.system.filenames import encode_filename

_MOUNTS = "mounts"  # the fact of the database that names further disks inside the photo folder
_SENTENCES = 256  # in one batch
_COMMIT_S = 5.0  # a kill loses what was encoded since the last commit
_UNREACHABLE = 24  # photos in a row that could not be reached: then the whole storage cannot


@dataclass(frozen=True)
class Progress:
    """How far indexing has come; ``phase`` is ``encode`` or ``build``. Each bundle of the gallery has its own."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class SecondaryReport:
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
        reused: New, renamed or replaced, with a content that was encoded before.
        unchanged: With the content that they had; where their metadata had changed, they were read again to find out.
        removed: No longer in the folder.
        unreadable: Path and reason of each that could not be decoded, now or before.
        seconds: Time that it took.
        kept: Not found or not read, but kept as they were: they lie in what could not be looked into.
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
    beside: list[SecondaryReport] = field(default_factory=list)


@dataclass
class _Counter:
    before: Mapping[str, tuple[str | None, str | None]]  # SHA-256 and reason of each photo, by path
    read: int = 0
    encoded: int = 0
    reused: int = 0
    unchanged: int = 0
    pending: list[PhotoRecord] = field(default_factory=list)
    contents: list[ContentRecord] = field(default_factory=list)
    unseen: dict[str, str] = field(default_factory=dict)
    unreachable: int = 0  # in a row
    committed_at: float = field(default_factory=time.monotonic)

    def add(self, batch: Batch) -> None:
        """Count a batch, and keep it for the next commit."""
        self.unseen.update(batch.unseen)
        self.unreachable = 0 if batch.records else self.unreachable + len(batch.unseen)
        self.read += len(batch.records)
        fresh = {content.sha256 for content in batch.contents}
        same = [record for record in batch.records if record.sha256 not in fresh and self._is_same(record)]
        readable = sum(record.reason is None for record in batch.records)
        self.encoded += len(batch.contents)
        self.unchanged += len(same)
        self.reused += readable - len(batch.contents) - sum(record.reason is None for record in same)
        self.pending += batch.records
        self.contents += batch.contents

    def _is_same(self, record: PhotoRecord) -> bool:
        """Whether a photo has the content that it had."""
        return record.sha256 is not None and self.before.get(record.found.path) == (record.sha256, record.reason)


def index_gallery(
    gallery: Path,
    database: Database,
    folder: PhotoSource,
    bundle: Bundle,
    further: Mapping[str, Bundle | str],
    progress: Callable[[Progress], None] | None,
    recall: float | None = None,
    backend: EncodingBackend | None = None,
    *,
    rehash: bool = False,
) -> IndexReport:
    """Bring a gallery up to date; the caller holds its lock. See ``Gallery.index``.

    ``further``: by fingerprint, each additional bundle, or why it cannot be loaded.
    """
    started = time.monotonic()
    tell = progress or (lambda _: None)
    unseen = ScanGaps()
    found = list(folder.scan(unseen))
    missing = database.paths() - {photo.path for photo in found}
    limit_access(gallery, unseen.access.for_gallery(gallery))
    if isinstance(folder, LocalSource):
        _check_mounts(database, folder.root, found, unseen)
    gone = {path for path in missing if not unseen.covers(path)}
    if gone and not found:
        question = "is its disk mounted?" if isinstance(folder, LocalSource) else "is it the right place?"
        raise GalleryNotFound(f"{folder.address}: no photo found where {len(missing):,} were; {question}")
    held = list_bundles(database)
    work = found if rehash else _work(database, found, bundle)
    tally = _encode_all(work, database, folder, _encoder(bundle, held[0]), tell, backend)
    if gone:
        database.forget(gone)
    tell(Progress("build", 0, 1))
    remove_stale_files(gallery, held)
    build_snapshot(gallery, database, held[0], bundle, recall)
    tell(Progress("build", 1, 1))
    beside = [
        _index_secondary(gallery, database, folder, found, unseen, other, further[other.fingerprint], tell, backend)
        for other in held[1:]
    ]
    return IndexReport(
        photos=len(found) - len(work) + tally.read,
        encoded=tally.encoded,
        reused=tally.reused,
        unchanged=len(found) - len(work) + tally.unchanged,
        removed=len(gone),
        unreadable=database.unreadable(),
        seconds=time.monotonic() - started,
        kept=len(missing) - len(gone) + (len(database.paths() & tally.unseen.keys()) if tally.unseen else 0),
        unseen=sorted({**unseen.reasons, **tally.unseen}.items()),
        beside=beside,
    )


def _index_secondary(
    gallery: Path,
    database: Database,
    folder: PhotoSource,
    found: list[PhotoEntry],
    unseen: ScanGaps,
    held: GalleryBundle,
    bundle: Bundle | str,
    tell: Callable[[Progress], None],
    backend: EncodingBackend | None,
) -> SecondaryReport:
    """Encode with a further bundle what it has not encoded yet, photos and captions, and derive what answers for it."""
    if isinstance(bundle, str):
        return SecondaryReport(held.name, problem=bundle)
    tally = _encode_all(_work(database, found, bundle), database, folder, _encoder(bundle, held), tell, backend)
    unseen.reasons.update(tally.unseen)
    encode_sentences(Sentences(database), bundle, lambda _: None)
    tell(Progress("build", 0, 1))
    build_snapshot(gallery, database, held, bundle)
    tell(Progress("build", 1, 1))
    return SecondaryReport(held.name, tally.encoded)


def _work(database: Database, found: list[PhotoEntry], bundle: Bundle) -> list[PhotoEntry]:
    """The photos that a bundle has not encoded as they are now."""
    settled = database.unchanged(bundle.fingerprint)
    return [photo for photo in found if settled.get(photo.path) != photo]


def _encoder(bundle: Bundle, held: GalleryBundle) -> ImageEncoder:
    return ImageEncoder(bundle, held.precision or None, mode="service")


def _check_mounts(database: Database, root: Path, found: list[PhotoEntry], unseen: ScanGaps) -> None:
    """Note further disks inside the folder; one whose place is empty now is not mounted, and hides its photos."""
    known = set(json.loads(database.meta().get(_MOUNTS, "[]")))
    for mount in known - unseen.mounts:
        if (root / encode_filename(mount)).is_dir() and not any(photo.path.startswith(f"{mount}/") for photo in found):
            unseen.reasons[mount] = "not mounted; if its photos are gone for good, remove this empty folder"
            unseen.mounts.add(mount)
    if unseen.mounts != known:
        database.set_meta(**{_MOUNTS: json.dumps(sorted(unseen.mounts))})


def _encode_all(
    work: list[PhotoEntry],
    database: Database,
    folder: PhotoSource,
    encoder: ImageEncoder,
    tell: Callable[[Progress], None],
    backend: EncodingBackend | None,
) -> _Counter:
    """Encode photos with a backend and commit the results every few seconds."""
    paths = {photo.path for photo in work}
    before = {path: content for path, content in database.contents().items() if path in paths} if work else {}
    tally = _Counter(before)
    photo_encoder = PhotoEncoder(folder, encoder, database.known_contents(encoder.bundle.fingerprint))
    tell(Progress("encode", 0, len(work)))
    done = 0
    try:
        with closing((backend or ThreadBackend()).encode(work, photo_encoder, tally.add)) as batches:
            for batch in batches:
                done += batch.size
                if tally.unreachable >= _UNREACHABLE:
                    raise PhotoSourceUnreachable(
                        f"{folder.address}: {tally.unreachable} photos in a row could not be read, the last: "
                        f"{batch.unseen[-1][1]}; encoded photos are saved, run the command again to resume"
                    )
                if time.monotonic() - tally.committed_at > _COMMIT_S:
                    _commit(database, encoder, tally)
                tell(Progress("encode", done, len(work)))
    finally:  # an interruption keeps what was encoded
        _commit(database, encoder, tally)
    return tally


def _commit(database: Database, encoder: ImageEncoder, tally: _Counter) -> None:
    if tally.pending:
        with database.transaction():
            database.save_contents(encoder.bundle.fingerprint, tally.contents)
            database.save_photos(sorted(tally.pending, key=lambda record: record.found.path))  # not as they were done
    tally.pending, tally.contents, tally.committed_at = [], [], time.monotonic()


def encode_sentences(sentences: Sentences, bundle: Bundle, tell: Callable[[Progress], None]) -> None:
    """Give each sentence that has none a vector, committed batch by batch; the caller holds the gallery's lock."""
    texts = sorted(sentences.without_vectors(bundle.fingerprint), key=len)  # those of like length share a run
    encoder = TextEncoder(bundle)
    for start in range(0, len(texts), _SENTENCES):
        part = texts[start : start + _SENTENCES]
        sentences.save_vectors(bundle.fingerprint, part, encoder.encode(part))
        tell(Progress("encode", start + len(part), len(texts)))
