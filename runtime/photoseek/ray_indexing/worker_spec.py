"""The settings of a Ray worker: where the photos are, and which tower encodes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import IndexingError
from photoseek.gallery.indexing.pipeline import PhotoEncoder
from photoseek.ray_indexing.bundle_transfer import fetch_bundle
from photoseek.sources.base import PhotoSource
from photoseek.version import __version__


@dataclass(frozen=True)
class WorkerSpec:
    """Goes to every member; holds no session, which could not be sent.

    Attributes:
        version: Of photoseek, which has to be the same everywhere: preprocessing may change from one to the next.
        folder: Where the photos are.
        bundle: What encodes them: where it lies on the machine of the run, and perhaps on others, or ``demo``.
        fingerprint: Of that bundle.
        precision: Of its image tower.
        desk: An actor, see ``Coordinator``.
    """

    version: str
    folder: PhotoSource
    bundle: str
    fingerprint: str
    precision: str
    coordinator: Any

    def photo_encoder(self) -> PhotoEncoder:
        """Open all of it, on the machine that works: one thread, for each processor has a member.

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
        return PhotoEncoder(self.folder, encoder, ray.get(self.coordinator.known.remote()))
