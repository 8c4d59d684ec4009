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

from photoseek.database import ContentRecord, PhotoRecord
from photoseek.encoders import ImageEncoder
from photoseek.errors import PhotoError, PhotoUnreachable
from photoseek.folders.folder import PhotoFolder
from photoseek.photos import decode_photo
from photoseek.scanning import FoundPhoto

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
class Embedder:
    """An image tower at work; ``known`` are the contents that have their vector already, as SHA-256."""

    folder: PhotoFolder
    encoder: ImageEncoder
    known: AbstractSet[str]

    def batch(self, part: Sequence[FoundPhoto]) -> Batch:
        """Read, decode and encode a few photos. Runs in a worker thread, or on another machine."""
        decoded = [item for item in self._decoded(part) if item is not None]
        fresh = [(item, item.pixels) for item in decoded if item.pixels is not None]
        contents = []
        if fresh:
            vectors = self.encoder.encode_pixels(np.stack([pixels for _, pixels in fresh]))
            contents = [
                ContentRecord(item.record.sha256 or "", *item.size, vector, item.taken)
                for (item, _), vector in zip(fresh, vectors, strict=True)
            ]
        read = [item.record for item in decoded if not item.unreachable]
        unseen = [(item.record.found.path, item.record.reason or "") for item in decoded if item.unreachable]
        return Batch(len(part), read, contents, unseen)

    def _decoded(self, part: Sequence[FoundPhoto]) -> list[_Decoded | None]:
        """Photos of a disk one by one, on the core of this thread; others at once: to fetch them is mostly to wait."""
        if self.folder.readers < 2:
            return [_decode(photo, self) for photo in part]
        with ThreadPoolExecutor(self.folder.readers, thread_name_prefix="photoseek-fetch") as pool:
            return list(pool.map(lambda photo: _decode(photo, self), part))


class Crew(Protocol):
    """Who encodes photos: the threads of this process, unless others are named."""

    def encode(self, work: Sequence[FoundPhoto], embedder: Embedder, keep: Callable[[Batch], None]) -> Generator[Batch]:
        """Encode photos; each batch is handed to ``keep``, once, before it is yielded.

        When the caller stops, what is under way may still be handed to ``keep``.
        """


@dataclass(frozen=True)
class _Decoded:
    """A photo on its way through the tower; ``pixels`` is None where its vector is known or it is unreadable.

    Of one that was ``unreachable``, the record's reason says nothing against the photo.
    """

    record: PhotoRecord
    size: tuple[int, int] = (0, 0)
    taken: str = ""
    pixels: npt.NDArray[np.float32] | None = None
    unreachable: bool = False


def _decode(photo: FoundPhoto, embedder: Embedder) -> _Decoded | None:
    """Read one photo; decode it unless its content has been encoded before. None where it has vanished.

    What has vanished is left to the next scan: it may be the disk that went away.
    """
    preprocessing = embedder.encoder.bundle.preprocessing
    sha256 = None
    try:
        still = embedder.folder.read_still(photo)
        if still is None:
            return None
        photo, data = still
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in embedder.known:
            return _Decoded(PhotoRecord(photo, sha256))
        decoded = decode_photo(data, preprocessing.edge)
        size = (decoded.width, decoded.height)
        return _Decoded(PhotoRecord(photo, sha256), size, decoded.taken, preprocessing(decoded.image))
    except PhotoUnreachable as error:
        return _Decoded(PhotoRecord(photo, reason=str(error)), unreachable=True)
    except PhotoError as error:
        return _Decoded(PhotoRecord(photo, sha256, reason=str(error)))
