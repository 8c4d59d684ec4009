"""Photos of a run as a Ray dataset: sent to workers in blocks, and returned in tables when encoded."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from photoseek.gallery.indexing.pipeline import BATCH
from photoseek.ray_indexing.arrow_rows import to_rows
from photoseek.ray_indexing.worker import Worker, WorkerSpec
from photoseek.sources.base import PhotoEntry

_MAX_BLOCK = 64  # photos: their vectors stay below 100 KB, which Ray stores on the machine of the run
_BLOCKS_PER_WORKER = 16  # if there are enough photos: a lost machine loses one block per worker


def run_dataset(work: Sequence[PhotoEntry], spec: WorkerSpec, workers: int) -> Generator[Any]:
    """Run a dataset in this process, and yield its tables.

    Ray Data restarts lost workers elsewhere, and sends them their blocks again.

    Args:
        work: The photos.
        spec: Settings of each worker.
        workers: Maximum number of workers.
    """
    from ray.data import ActorPoolStrategy, DataContext, from_items

    size = max(BATCH, min(_MAX_BLOCK, len(work) // (workers * _BLOCKS_PER_WORKER)))
    blocks = -(-len(work) // size)
    workers = min(workers, blocks)
    context = DataContext.get_current()
    before, context.enable_progress_bars = context.enable_progress_bars, False
    try:
        dataset = from_items(to_rows(work), override_num_blocks=blocks).map_batches(
            Worker,
            fn_constructor_args=(spec,),
            batch_size=None,  # one call per block
            batch_format="pyarrow",
            compute=ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
            num_cpus=1,
        )
        yield from dataset.iter_batches(batch_size=None, batch_format="pyarrow")
    finally:
        context.enable_progress_bars = before


def run_dataset_remote(work: Sequence[PhotoEntry], spec: WorkerSpec, workers: int) -> Generator[Any]:
    """Run a dataset in an actor, and yield its tables: Ray Data cannot run in a process outside the cluster."""
    import ray

    actor: Any = ray.remote(num_cpus=0)(_RemoteRun)
    run = actor.remote(list(work), spec, workers)
    pending = run.next.remote()
    while (table := ray.get(pending)) is not None:
        pending = run.next.remote()  # runs while the last table is being committed
        yield table


class _RemoteRun:
    """A dataset that runs in an actor."""

    def __init__(self, work: Sequence[PhotoEntry], spec: WorkerSpec, workers: int) -> None:
        self._tables = run_dataset(work, spec, workers)

    def next(self) -> Any:
        """Return the next table; None after the last."""
        return next(self._tables, None)
