"""A Ray worker: a process with its own image tower."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import IndexingError, PhotoseekError
from photoseek.gallery.database.records import PhotoRecord
from photoseek.gallery.indexing.pipeline import BATCH, Batch, PhotoEncoder
from photoseek.ray_indexing.arrow_rows import error_table, from_batch, parse_photos
from photoseek.ray_indexing.bundle_transfer import fetch_bundle
from photoseek.sources.base import PhotoEntry, PhotoSource
from photoseek.version import __version__

_RETRY_SINGLY = 2  # attempt at a block from which photos are encoded one by one
_MAX_ATTEMPTS = 2  # at a single photo
_REASON = "a process ended while it was decoded"


@dataclass(frozen=True)
class WorkerSpec:
    """Settings that are sent to every worker, since an ONNX session cannot be sent.

    Attributes:
        version: Of photoseek; must be the same everywhere, because preprocessing may change between versions.
        folder: The photo folder.
        bundle: The bundle's path on the machine that started the run, and perhaps on others, or ``demo``.
        fingerprint: Of the bundle.
        precision: Of its image tower.
        coordinator: Handle of the ``Coordinator`` actor.
        max_pixels: As for ``decode_photo``.
    """

    version: str
    folder: PhotoSource
    bundle: str
    fingerprint: str
    precision: str
    coordinator: Any
    max_pixels: int | None = None

    def photo_encoder(self) -> PhotoEncoder:
        """Load the bundle on the worker's machine, with one thread: each CPU has a worker.

        Raises:
            IndexingError: Another version of photoseek is installed there.
            PhotoseekError: The bundle cannot be opened.
        """
        import ray

        if self.version != __version__:
            raise IndexingError(
                f"expected photoseek {self.version}, found {__version__}; install the same version on every machine"
            )
        bundle = fetch_bundle(self.bundle, self.fingerprint, lambda: ray.get(self.coordinator.files.remote()))
        encoder = ImageEncoder(bundle, self.precision, threads=1, mode="service")
        return PhotoEncoder(self.folder, encoder, ray.get(self.coordinator.known.remote()), self.max_pixels)


class Worker:
    """The class that Ray Data instantiates on each CPU, and calls with blocks of photos."""

    def __init__(self, spec: WorkerSpec) -> None:
        """Load the bundle; an error is returned with the first photos, because Ray hides errors of constructors."""
        self._coordinator = spec.coordinator
        self._photo_encoder: PhotoEncoder | None = None
        self._error = ""
        try:
            self._photo_encoder = spec.photo_encoder()
        except PhotoseekError as error:
            self._error = str(error)

    def __call__(self, table: Any) -> Any:
        """Encode the photos of a table, see ``to_rows``, and return a table with the result."""
        photos, host = parse_photos(table), socket.gethostname()
        if self._photo_encoder is None:
            return error_table(photos, self._error, host)
        try:
            return from_batch(photos, self._encode(photos, self._photo_encoder), host)
        except PhotoseekError as error:
            return error_table(photos, str(error), host)

    def _encode(self, photos: list[PhotoEntry], photo_encoder: PhotoEncoder) -> Batch:
        name = f"block: {photos[0].path}"
        if self._start(name) < _RETRY_SINGLY:
            batches = [photo_encoder.batch(photos[start : start + BATCH]) for start in range(0, len(photos), BATCH)]
        else:
            batches = [self._encode_one_by_one(photo, photo_encoder) for photo in photos]
        self._coordinator.finish_item.remote(name)
        return Batch(
            len(photos),
            [record for batch in batches for record in batch.records],
            [content for batch in batches for content in batch.contents],
            [path for batch in batches for path in batch.skipped],
        )

    def _encode_one_by_one(self, photo: PhotoEntry, photo_encoder: PhotoEncoder) -> Batch:
        """Encode one photo unless it has crashed its process ``_MAX_ATTEMPTS`` times."""
        if self._start(photo.path) > _MAX_ATTEMPTS:
            return Batch(1, [PhotoRecord(photo, reason=_REASON)], [])
        batch = photo_encoder.batch([photo])
        self._coordinator.finish_item.remote(photo.path)
        return batch

    def _start(self, name: str) -> int:
        import ray

        return int(ray.get(self._coordinator.start_item.remote(name)))
