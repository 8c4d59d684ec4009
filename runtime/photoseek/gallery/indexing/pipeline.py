"""Read, decode and encode photos, a few at a time."""

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
from photoseek.gallery.database.records import ContentRecord, PhotoRecord
from photoseek.photos.decode import decode_photo, photo_metadata
from photoseek.photos.preprocessing import Preprocessing
from photoseek.sources.base import PhotoEntry, PhotoSource

BATCH = 4  # photos in one run of the image tower; more are not faster on a CPU and exceed its cache


@dataclass(frozen=True)
class Batch:
    """The result of encoding a few photos.

    Attributes:
        size: Number of photos, including those that no longer exist.
        records: Records of the photos that were read.
        contents: Their contents that were encoded.
        skipped: Path and reason of each photo that could not be reached.
    """

    size: int
    records: list[PhotoRecord]
    contents: list[ContentRecord]
    skipped: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class PhotoEncoder:
    """Encodes the photos of a folder.

    Attributes:
        folder: The folder.
        encoder: The image tower.
        known: SHA-256 of contents that already have a vector.
        max_pixels: As for ``decode_photo``.
    """

    folder: PhotoSource
    encoder: ImageEncoder
    known: AbstractSet[str]
    max_pixels: int | None = None

    def batch(self, part: Sequence[PhotoEntry]) -> Batch:
        """Read, decode and encode a few photos. Runs in a worker thread, or on another machine."""
        decoded = [item for item in self._decoded(part) if item is not None]
        contents = self.encode([(item.record.found.path, item.content) for item in decoded if item.content is not None])
        read = [item.record for item in decoded if not item.unreachable]
        skipped = [(item.record.found.path, item.record.reason or "") for item in decoded if item.unreachable]
        return Batch(len(part), read, contents, skipped)

    def encode(self, contents: Sequence[tuple[str, Content]]) -> list[ContentRecord]:
        """Return contents, each with the path of its photo, with their vectors."""
        return encode(self.encoder, [content for _, content in contents])

    def _decoded(self, part: Sequence[PhotoEntry]) -> list[_Decoded | None]:
        """Decode photos: local ones one by one, remote ones concurrently while others are fetched."""
        if self.folder.read_concurrency < 2:
            return [_decode(photo, self) for photo in part]
        with ThreadPoolExecutor(self.folder.read_concurrency, thread_name_prefix="photoseek-fetch") as pool:
            return list(pool.map(lambda photo: _decode(photo, self), part))


class EncodingBackend(Protocol):
    """Encodes photos, in threads of this process or elsewhere."""

    def encode(
        self, work: Sequence[PhotoEntry], photo_encoder: PhotoEncoder, on_batch: Callable[[Batch], None]
    ) -> Generator[Batch]:
        """Encode photos, and pass each batch to ``on_batch`` once before it is yielded.

        After the caller stops iterating, batches that were already started may still be passed to ``on_batch``.
        """


@dataclass(frozen=True)
class Content:
    """The content of a photo, decoded and preprocessed for an image tower."""

    sha256: str
    size: tuple[int, int]
    taken: str
    incomplete: bool
    pixels: npt.NDArray[np.float32]

    @classmethod
    def of(cls, data: bytes, sha256: str, preprocessing: Preprocessing, max_pixels: int | None = None) -> Content:
        """Decode the bytes of a file at the size that the tower needs; ``max_pixels``: as for ``decode_photo``.

        Raises:
            PhotoError: They cannot be decoded.
        """
        limit = {} if max_pixels is None else {"max_pixels": max_pixels}
        photo = decode_photo(data, preprocessing.min_edge, **limit)
        size = (photo.width, photo.height)
        return cls(sha256, size, photo.taken, photo.incomplete, preprocessing(photo.image))


def encode(encoder: ImageEncoder, contents: Sequence[Content]) -> list[ContentRecord]:
    """Encode contents in one run of the tower, and return them with their vectors."""
    if not contents:
        return []
    vectors = encoder.encode_pixels(np.stack([content.pixels for content in contents]))
    return [
        ContentRecord(content.sha256, *content.size, vector, content.taken, content.incomplete)
        for content, vector in zip(contents, vectors, strict=True)
    ]


@dataclass(frozen=True)
class _Decoded:
    """A photo that was read; ``content`` is None if it has a vector already or is unreadable.

    ``unreachable``: the record's reason is about the storage, not about the photo.
    """

    record: PhotoRecord
    content: Content | None = None
    unreachable: bool = False


def _decode(photo: PhotoEntry, photo_encoder: PhotoEncoder) -> _Decoded | None:
    """Read a photo, and decode it unless its content has a vector; None if it no longer exists.

    The next scan handles a missing photo: its disk may have been unmounted.
    """
    sha256 = None
    try:
        stable = photo_encoder.folder.read_stable(photo)
        if stable is None:
            return None
        photo, data = stable
        sha256 = hashlib.sha256(data).hexdigest()
        metadata = photo_metadata(data)
        if photo.sidecar:
            found = photo_encoder.folder.sidecars(photo.path).values()
            metadata = metadata.with_sidecars(document for document in found if document is not None)
        record = PhotoRecord(photo, sha256, metadata=metadata)
        if sha256 in photo_encoder.known:
            return _Decoded(record)
        content = Content.of(data, sha256, photo_encoder.encoder.bundle.preprocessing, photo_encoder.max_pixels)
        return _Decoded(record, content)
    except PhotoUnreachable as error:
        return _Decoded(PhotoRecord(photo, reason=str(error)), unreachable=True)
    except PhotoError as error:
        return _Decoded(PhotoRecord(photo, sha256, reason=str(error)))
