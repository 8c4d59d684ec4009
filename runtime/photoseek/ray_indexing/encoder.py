"""Ray workers that encode photos; each loads its own image tower."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.errors import IndexingError, MissingExtra
from photoseek.gallery.indexing.pipeline import Batch, PhotoEncoder
from photoseek.ray_indexing.arrow_rows import BatchResult, parse_result
from photoseek.ray_indexing.bundle_transfer import files_of
from photoseek.ray_indexing.cluster import INSTALL_HINT, check_address, connected, is_client_address
from photoseek.ray_indexing.coordinator import start_coordinator
from photoseek.sources.base import PhotoEntry
from photoseek.version import __version__

if TYPE_CHECKING:
    from photoseek.ray_indexing.worker import WorkerSpec


class RayBackend:
    """Encodes photos on a Ray cluster: ``gallery.index(backend=RayBackend("auto"))``.

    Only this process scans the photos and writes the gallery. Each photo is committed once, even if it was sent again
    because a machine was lost.
    """

    def __init__(self, address: str = "auto", *, join_timeout_s: float = 60.0) -> None:
        """Create a backend; the first indexing connects.

        Args:
            address: ``auto`` (a cluster on this machine), ``local`` (a new one for each run), ``HOST:PORT`` or
                ``ray://HOST:PORT``.
            join_timeout_s: Seconds to wait for the cluster. On a loaded machine, its first process takes half a minute.

        Raises:
            QueryError: Invalid address.
            MissingExtra: Ray is not installed.
        """
        check_address(address)
        if find_spec("ray") is None:
            raise MissingExtra(INSTALL_HINT)
        self.address = address
        self.join_timeout_s = join_timeout_s

    def __repr__(self) -> str:
        return f"RayBackend({self.address!r})"

    def encode(
        self, work: Sequence[PhotoEntry], photo_encoder: PhotoEncoder, on_batch: Callable[[Batch], None]
    ) -> Generator[Batch]:
        """See ``EncodingBackend.encode``.

        Raises:
            IndexingError: The cluster cannot be reached, has no CPU, or one of its machines cannot encode photos.
        """
        if not work:
            return
        awaited = {photo.path for photo in work}
        with connected(self.address, self.join_timeout_s) as ray:
            try:
                for result in chain.from_iterable(map(parse_result, self._tables(ray, work, photo_encoder))):
                    batch = accept_result(result, awaited, photo_encoder)
                    on_batch(batch)
                    yield batch
            except ray.exceptions.RayError as error:
                raise IndexingError(
                    f"the Ray cluster failed: {_first_line(error)}; encoded photos are saved"
                ) from error
        if awaited:
            raise IndexingError(
                f"{len(awaited):,} photos were not returned, such as {min(awaited)}; run the command again to resume"
            )

    def _tables(self, ray: Any, work: Sequence[PhotoEntry], photo_encoder: PhotoEncoder) -> Generator[Any]:
        from photoseek.ray_indexing.dataset import run_dataset, run_dataset_remote

        workers = int(ray.cluster_resources().get("CPU", 0))
        if workers < 1:
            raise IndexingError(f"{self.address}: the cluster has no CPU to encode with; add a machine to it")
        run = run_dataset_remote if is_client_address(self.address) else run_dataset
        yield from run(work, self._spec(ray, photo_encoder), workers)

    def _spec(self, ray: Any, photo_encoder: PhotoEncoder) -> WorkerSpec:
        from photoseek.ray_indexing.worker import WorkerSpec

        encoder = photo_encoder.encoder
        files = {} if self.address == "local" else files_of(encoder.bundle)
        return WorkerSpec(
            version=__version__,
            folder=photo_encoder.folder,
            bundle=encoder.bundle.reference,
            fingerprint=encoder.bundle.fingerprint,
            precision=encoder.precision,
            coordinator=start_coordinator(ray, frozenset(photo_encoder.known), files),
            max_pixels=photo_encoder.max_pixels,
        )


def accept_result(result: BatchResult, awaited: set[str], photo_encoder: PhotoEncoder) -> Batch:
    """Return the batch of a worker without photos that were received before, and remove its photos from ``awaited``.

    Raises:
        IndexingError: The machine cannot encode photos, or lacks photos that exist here.
    """
    if result.error is not None:
        raise IndexingError(f"{result.host}: {result.error}")
    for path in result.missing & awaited:
        photo = photo_encoder.folder.photo_file(path)
        if isinstance(photo, Path) and photo.exists():
            raise IndexingError(
                f"{result.host}: expected to see {photo}, found no such file; mount the folder there under the same "
                "path, or index photos in object storage: s3://BUCKET/FOLDER"
            )
    batch = result.restrict_to(awaited)
    awaited -= result.paths
    return batch


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(getattr(error, "cause", None) or error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)[:300]
