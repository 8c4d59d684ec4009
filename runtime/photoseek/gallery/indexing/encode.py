"""Encode photos and captions, and commit the vectors every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import PhotoSourceUnreachable
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.pixel_limit import max_pixels
from photoseek.gallery.database.recorded import KnownContents
from photoseek.gallery.database.records import ContentRecord, PhotoRecord
from photoseek.gallery.database.sentences import Sentences
from photoseek.gallery.indexing.pipeline import Batch, EncodingBackend, PhotoEncoder
from photoseek.gallery.indexing.report import Progress
from photoseek.sources.base import PhotoEntry, PhotoSource

_SENTENCES = 256  # in one batch
_FIRST = 24  # photos of the first preview, and between two
_PREVIEW_S = 3.0  # between two previews
_SHARE = 20  # of the time of a preview, until the next one


@dataclass(frozen=True)
class Limits:
    """Limits of a run.

    Attributes:
        commit_s: Seconds between two commits; a kill loses what was encoded since the last one.
        unreachable: Consecutive unreachable photos after which the storage counts as unreachable.
    """

    commit_s: float = 5.0
    unreachable: int = 24


@dataclass
class Previews:
    """Snapshots that answer queries during a run. Writing them takes at most 5% of its time.

    Attributes:
        build: Writes a snapshot of everything that is committed.
    """

    build: Callable[[], object]
    _encoded: int = 0  # photos of this run in the last one
    _next: float = 0.0

    def are_due(self, encoded: int) -> bool:
        """Return whether to commit and to write a snapshot, when this many photos of the run are encoded."""
        return encoded - self._encoded >= _FIRST and time.monotonic() >= self._next

    def write(self, encoded: int) -> None:
        """Write a snapshot of the committed photos."""
        started = time.monotonic()
        self.build()
        ended = time.monotonic()
        self._encoded, self._next = encoded, ended + max(_PREVIEW_S, _SHARE * (ended - started))


@dataclass
class Counts:
    """Counts of one run, and the records of its next commit.

    Attributes:
        before: SHA-256 and reason of each photo before the run, by path.
        read: Photos that were read.
        encoded: Contents that were encoded.
        reused: Photos whose content was encoded before.
        unchanged: Photos that have the same content as before.
        skipped: Reason for each photo that could not be reached, by path.
    """

    before: Mapping[str, tuple[str | None, str | None]]
    read: int = 0
    encoded: int = 0
    reused: int = 0
    unchanged: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    unreachable: int = 0  # in a row
    photos: list[PhotoRecord] = field(default_factory=list)
    contents: list[ContentRecord] = field(default_factory=list)
    committed_at: float = field(default_factory=time.monotonic)

    def add(self, batch: Batch) -> None:
        """Count a batch, and keep its records for the next commit."""
        self.skipped.update(batch.skipped)
        self.unreachable = 0 if batch.records else self.unreachable + len(batch.skipped)
        self.read += len(batch.records)
        fresh = {content.sha256 for content in batch.contents}
        same = [record for record in batch.records if record.sha256 not in fresh and self._is_same(record)]
        readable = sum(record.reason is None for record in batch.records)
        self.encoded += len(batch.contents)
        self.unchanged += len(same)
        self.reused += readable - len(batch.contents) - sum(record.reason is None for record in same)
        self.photos += batch.records
        self.contents += batch.contents

    def commit(self, database: Database, fingerprint: str) -> None:
        """Save the records in one transaction."""
        if self.photos:
            with database.writing():
                database.save_contents(fingerprint, self.contents)
                database.save_photos(sorted(self.photos, key=lambda record: record.found.path))  # ids by path
        self.photos, self.contents, self.committed_at = [], [], time.monotonic()

    def _is_same(self, record: PhotoRecord) -> bool:
        """Return whether a photo has the same content as before."""
        return record.sha256 is not None and self.before.get(record.found.path) == (record.sha256, record.reason)


def encode_photos(
    work: list[PhotoEntry],
    database: Database,
    folder: PhotoSource,
    encoder: ImageEncoder,
    progress: Callable[[Progress], None],
    backend: EncodingBackend,
    limits: Limits,
    previews: Previews | None = None,
) -> Counts:
    """Encode photos with a backend, and commit the results every few seconds.

    Raises:
        PhotoSourceUnreachable: Many photos in a row could not be reached.
    """
    counts = Counts(database.contents([photo.path for photo in work]))
    fingerprint = encoder.bundle.fingerprint
    photo_encoder = PhotoEncoder(folder, encoder, KnownContents(database, fingerprint), max_pixels(database))
    progress(Progress("encode", 0, len(work)))
    done = 0
    try:
        with closing(backend.encode(work, photo_encoder, counts.add)) as batches:
            for batch in batches:
                done += batch.size
                if counts.unreachable >= limits.unreachable:
                    raise PhotoSourceUnreachable(
                        f"{folder.address}: {counts.unreachable} photos in a row could not be read, the last: "
                        f"{batch.skipped[-1][1]}; encoded photos are saved, run the command again to resume"
                    )
                if previews is not None and previews.are_due(counts.encoded + counts.reused):
                    counts.commit(database, fingerprint)
                    previews.write(counts.encoded + counts.reused)
                elif time.monotonic() - counts.committed_at > limits.commit_s:
                    counts.commit(database, fingerprint)
                progress(Progress("encode", done, len(work)))
    finally:  # an interruption keeps what was encoded
        counts.commit(database, fingerprint)
    return counts


def encode_sentences(
    sentences: Sentences, bundle: Bundle, progress: Callable[[Progress], None] = lambda _: None
) -> int:
    """Encode the captions that have no vector, committed batch by batch, and return how many there were.

    The caller holds the gallery's lock.
    """
    texts = sorted(sentences.without_vectors(bundle.fingerprint), key=len)  # less padding in each batch
    encoder = TextEncoder(bundle)
    for start in range(0, len(texts), _SENTENCES):
        part = texts[start : start + _SENTENCES]
        sentences.save_vectors(bundle.fingerprint, part, encoder.encode(part))
        progress(Progress("encode", start + len(part), len(texts)))
    return len(texts)
