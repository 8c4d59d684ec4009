"""What indexing a folder would do: its photos, what is left out, and how long this computer takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder
from photoseek.gallery.indexing.pipeline import BATCH, PhotoEncoder
from photoseek.gallery.indexing.thread_pool import ThreadBackend
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps
from photoseek.sources.left_out import LeftOut, UnreadKind

_SAMPLE = 64  # photos; the most that are encoded to measure the speed
_STEP = 500  # photos between two calls of ``on_count``


@dataclass(frozen=True)
class FolderSurvey:
    """What a scan of a folder finds.

    Attributes:
        photos: Number of photos.
        folders: Number of folders with photos.
        bytes: Size of the photos.
        left_out: Folders and photos that are left out, by reason.
        unread: Files of kinds that are not read, by kind.
        skipped: Path and reason of each folder that cannot be read.
        sample: Photos from everywhere in the folder, to measure the speed with.
    """

    photos: int
    folders: int
    bytes: int
    left_out: list[LeftOut] = field(default_factory=list)
    unread: list[UnreadKind] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    sample: tuple[PhotoEntry, ...] = ()


def survey_folder(
    folder: PhotoSource, exclude: Sequence[str] = (), on_count: Callable[[int], None] = lambda _: None
) -> FolderSurvey:
    """Scan a folder with the rules of indexing; no photo is opened.

    Args:
        folder: The folder.
        exclude: Patterns of what is left out, as for ``Gallery.index``.
        on_count: Called with the number of photos so far; may raise to stop the scan.

    Raises:
        GalleryNotFound: The folder does not exist, or cannot be read.
        GalleryError: Its ignore file cannot be read.
        PhotoSourceUnreachable: The storage cannot be reached.
    """
    gaps, found = ScanGaps(), list[PhotoEntry]()
    for photo in folder.scan(gaps, exclude):
        if len(found) % _STEP == 0:
            on_count(len(found))
        found.append(photo)
    on_count(len(found))
    return FolderSurvey(
        photos=len(found),
        folders=len({photo.path.rpartition("/")[0] for photo in found}),
        bytes=sum(photo.bytes for photo in found),
        left_out=gaps.left_out.left_out(),
        unread=gaps.left_out.unread(),
        skipped=sorted(gaps.reasons.items()),
        sample=tuple(_spread(found, _SAMPLE)),
    )


def measure_speed(
    folder: PhotoSource, sample: Sequence[PhotoEntry], bundle: Bundle, *, seconds: float = 2.0
) -> float | None:
    """Encode photos as indexing does, and return how many per second; None if none can be encoded.

    Args:
        folder: The folder.
        sample: Photos to encode until the time is over; the first ones only load the tower.
        bundle: Encodes the photos.
        seconds: The time.
    """
    encoder = PhotoEncoder(folder, ImageEncoder(bundle, mode="service"), frozenset())
    backend = ThreadBackend()
    warm_up = sample[: min(BATCH, len(sample) // 2)]
    if not any(batch.records for batch in backend.encode(warm_up or sample, encoder, lambda _: None)):
        return None
    started, done = time.monotonic(), 0
    with closing(backend.encode(sample[len(warm_up) :], encoder, lambda _: None)) as batches:
        for batch in batches:
            done += batch.size
            if time.monotonic() - started > seconds:
                break
    took = time.monotonic() - started  # includes the batches that were in progress
    return done / took if done else None


def _spread(photos: Sequence[PhotoEntry], count: int) -> Sequence[PhotoEntry]:
    """Return at most ``count`` photos at equal distances, in an order in which each beginning is spread as well."""
    if not photos:
        return photos
    number = min(count, len(photos))
    rows = sorted(range(number), key=lambda row: f"{row:b}"[::-1].ljust(8, "0"))
    return [photos[row * len(photos) // number] for row in rows]
