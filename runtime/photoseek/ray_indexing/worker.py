"""A Ray worker: a process with its own image tower."""

from __future__ import annotations

import socket
from typing import Any

from photoseek.errors import PhotoseekError
from photoseek.gallery.database.records import PhotoRecord
from photoseek.gallery.indexing.pipeline import BATCH, Batch, PhotoEncoder
from photoseek.ray_indexing.arrow_rows import error_table, from_batch, parse_photos
from photoseek.ray_indexing.worker_spec import WorkerSpec
from photoseek.sources.base import PhotoEntry

_RETRY_SINGLY = 2  # attempts from which on photos are taken one by one
_SKIP = 2  # attempts at a single photo, each of which ended with its process
_REASON = "a process ended while it was decoded"


class Worker:
    """What Ray Data makes on each processor, and calls with the photos of a part."""

    def __init__(self, task: WorkerSpec) -> None:
        """Open the tower; what is wrong is told with the first photos, since what is raised here is hard to tell."""
        self._coordinator = task.coordinator
        self._photo_encoder: PhotoEncoder | None = None
        self._trouble = ""
        try:
            self._photo_encoder = task.photo_encoder()
        except PhotoseekError as error:
            self._trouble = str(error)

    def __call__(self, part: Any) -> Any:
        """Encode the photos of a table with rows of ``to_rows``; a table of what
        came of it.
        """
        photos, host = parse_photos(part), socket.gethostname()
        if self._photo_encoder is None:
            return error_table(photos, self._trouble, host)
        try:
            return from_batch(photos, self._encode(photos, self._photo_encoder), host)
        except PhotoseekError as error:
            return error_table(photos, str(error), host)

    def _encode(self, photos: list[PhotoEntry], photo_encoder: PhotoEncoder) -> Batch:
        name = f"part: {photos[0].path}"
        if self._begin(name) < _RETRY_SINGLY:
            batches = [photo_encoder.batch(photos[start : start + BATCH]) for start in range(0, len(photos), BATCH)]
        else:
            batches = [self._encode_one_by_one(photo, photo_encoder) for photo in photos]
        self._coordinator.end.remote(name)
        return Batch(
            len(photos),
            [record for batch in batches for record in batch.records],
            [content for batch in batches for content in batch.contents],
            [path for batch in batches for path in batch.skipped],
        )

    def _encode_one_by_one(self, photo: PhotoEntry, photo_encoder: PhotoEncoder) -> Batch:
        """One photo, noted before and after; one that has ended its process more than once is not tried again."""
        if self._begin(photo.path) > _SKIP:
            return Batch(1, [PhotoRecord(photo, reason=_REASON)], [])
        batch = photo_encoder.batch([photo])
        self._coordinator.end.remote(photo.path)
        return batch

    def _begin(self, name: str) -> int:
        import ray

        return int(ray.get(self._coordinator.begin.remote(name)))
