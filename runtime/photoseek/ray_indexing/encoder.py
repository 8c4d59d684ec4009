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
    from photoseek.ray_indexing.worker_spec import WorkerSpec


class RayBackend:
    """Who encodes photos in ``Gallery.index``, with ``backend=RayBackend("auto")``.

    This process scans the photos, hands them out a few at a time, and alone writes the gallery. Each photo is committed
    once, however often a machine that is lost had it handed out anew.
    """

    def __init__(self, address: str = "auto") -> None:
        """``address``: ``auto`` (a cluster on this machine), ``local`` (one of one's own), HOST:PORT or
        ray://HOST:PORT.

        Raises:
            QueryError: Invalid address.
            MissingExtra: Ray is not installed.
        """
        check_address(address)
        if find_spec("ray") is None:
            raise MissingExtra(INSTALL_HINT)
        self.address = address

    def __repr__(self) -> str:
        return f"RayBackend({self.address!r})"

    def encode(
        self, work: Sequence[PhotoEntry], photo_encoder: PhotoEncoder, keep: Callable[[Batch], None]
    ) -> Generator[Batch]:
        """See ``EncodingBackend.encode``.

        Raises:
            IndexingError: The cluster cannot be reached, has no processor, or one of its machines cannot do it.
        """
        if not work:
            return
        awaited = {photo.path for photo in work}
        with connected(self.address) as ray:
            try:
                for found in chain.from_iterable(map(parse_result, self._tables(ray, work, photo_encoder))):
                    batch = _save_batch(found, awaited, photo_encoder)
                    keep(batch)
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
            raise IndexingError(
                f"{self.address}: the cluster has no processor (CPU) to encode with; add a machine to it"
            )
        run = run_dataset_remote if is_client_address(self.address) else run_dataset
        yield from run(work, self._task(ray, photo_encoder), workers)

    def _task(self, ray: Any, photo_encoder: PhotoEncoder) -> WorkerSpec:
        from photoseek.ray_indexing.worker_spec import WorkerSpec

        encoder = photo_encoder.encoder
        files = {} if self.address == "local" else files_of(encoder.bundle)
        return WorkerSpec(
            version=__version__,
            folder=photo_encoder.folder,
            bundle=encoder.bundle.reference,
            fingerprint=encoder.bundle.fingerprint,
            precision=encoder.precision,
            coordinator=start_coordinator(ray, frozenset(photo_encoder.known), files),
        )


def _save_batch(found: BatchResult, awaited: set[str], photo_encoder: PhotoEncoder) -> Batch:
    """What came from a machine, without what has come before: a lost machine's photos may come twice.

    Raises:
        IndexingError: The machine could not do it, or does not see photos that are there.
    """
    if found.error is not None:
        raise IndexingError(f"{found.host}: {found.error}")
    for path in found.gone & awaited:
        photo = photo_encoder.folder.photo_file(path)
        if isinstance(photo, Path) and photo.exists():
            raise IndexingError(
                f"{found.host}: expected to see {photo}, found no such file; mount the folder there under the same "
                "path, or index photos in object storage: s3://BUCKET/FOLDER"
            )
    fresh = found.of(awaited)
    awaited -= found.paths
    return fresh


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(getattr(error, "cause", None) or error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)[:300]
