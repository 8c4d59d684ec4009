"""Photos, a few at a time, from the place where they lie through the image tower."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import PhotoError, PhotoUnreachable
from photoseek.gallery.database.database import ContentRecord, PhotoRecord
from photoseek.photos.decode import decode_photo
from photoseek.photos.preprocessing import Preprocessing
from photoseek.sources.base import PhotoEntry, PhotoSource

BATCH = 4  # photos in one run of the image tower: more are no faster on a CPU, and fill its cache


@dataclass(frozen=True)
class Batch:
    """Photos that were read together, and what was encoded of them.

    Attributes:
        size: How many there were, of which some may have vanished.
        records: Of those that were read.
        contents: What was encoded of them.
        unseen: Path and reason of each that could not be reached now.
    """

    size: int
    records: list[PhotoRecord]
    contents: list[ContentRecord]
    unseen: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class PhotoEncoder:
    """An image tower at work; ``known`` are the contents that have their vector already, as SHA-256."""

    folder: PhotoSource
    encoder: ImageEncoder
    known: AbstractSet[str]

    def batch(self, part: Sequence[PhotoEntry]) -> Batch:
        """Read, decode and encode a few photos. Runs in a worker thread, or on another machine."""
        decoded = [item for item in self._decoded(part) if item is not None]
        contents = encode(self.encoder, [item.content for item in decoded if item.content is not None])
        read = [item.record for item in decoded if not item.unreachable]
        unseen = [(item.record.found.path, item.record.reason or "") for item in decoded if item.unreachable]
        return Batch(len(part), read, contents, unseen)

    def _decoded(self, part: Sequence[PhotoEntry]) -> list[_Decoded | None]:
        """Photos of a disk one by one, on the core of this thread; others at once: to fetch them is mostly to wait."""
        if self.folder.read_concurrency < 2:
            return [_decode(photo, self) for photo in part]
        with ThreadPoolExecutor(self.folder.read_concurrency, thread_name_prefix="photoseek-fetch") as pool:
            return list(pool.map(lambda photo: _decode(photo, self), part))


class EncodingBackend(Protocol):
    """Who encodes photos: the threads of this process, unless others are named."""

    def encode(
        self, work: Sequence[PhotoEntry], photo_encoder: PhotoEncoder, keep: Callable[[Batch], None]
    ) -> Generator[Batch]:
        """Encode photos; each batch is handed to ``keep``, once, before it is yielded.

        When the caller stops, what is under way may still be handed to ``keep``.
        """


@dataclass(frozen=True)
class Content:
    """The content of a photo, decoded and preprocessed for an image tower."""

    sha256: str
    size: tuple[int, int]
    taken: str
    pixels: npt.NDArray[np.float32]

    @classmethod
    def of(cls, data: bytes, sha256: str, preprocessing: Preprocessing) -> Content:
        """Decode the bytes of a file, as large as the tower needs.

        Raises:
            PhotoError: They are no photo, or a damaged one.
        """
        photo = decode_photo(data, preprocessing.min_edge)
        return cls(sha256, (photo.width, photo.height), photo.taken, preprocessing(photo.image))


def encode(encoder: ImageEncoder, contents: Sequence[Content]) -> list[ContentRecord]:
    """Return the contents with their vectors, encoded in one run of the tower."""
    if not contents:
        return []
    vectors = encoder.encode_pixels(np.stack([content.pixels for content in contents]))
    return [
        ContentRecord(content.sha256, *content.size, vector, content.taken)
        for content, vector in zip(contents, vectors, strict=True)
    ]


@dataclass(frozen=True)
class _Decoded:
    """A photo that was read; ``content`` is None where its vector is known or it is unreadable.

    If it was ``unreachable``, the record's reason says nothing against the photo.
    """

    record: PhotoRecord
    content: Content | None = None
    unreachable: bool = False


def _decode(photo: PhotoEntry, photo_encoder: PhotoEncoder) -> _Decoded | None:
    """Read one photo; decode it unless its content has been encoded before. None where it has vanished.

    What has vanished is left to the next scan: it may be the disk that went away.
    """
    sha256 = None
    try:
        still = photo_encoder.folder.read_stable(photo)
        if still is None:
            return None
        photo, data = still
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in photo_encoder.known:
            return _Decoded(PhotoRecord(photo, sha256))
        content = Content.of(data, sha256, photo_encoder.encoder.bundle.preprocessing)
        return _Decoded(PhotoRecord(photo, sha256), content)
    except PhotoUnreachable as error:
        return _Decoded(PhotoRecord(photo, reason=str(error)), unreachable=True)
    except PhotoError as error:
        return _Decoded(PhotoRecord(photo, sha256, reason=str(error)))
