"""The photos of a run through Ray Data: handed out in parts, and back as tables, as they are done."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from photoseek.gallery.indexing.pipeline import BATCH
from photoseek.ray_indexing.arrow_rows import to_rows
from photoseek.ray_indexing.worker import Worker
from photoseek.ray_indexing.worker_spec import WorkerSpec
from photoseek.sources.base import PhotoEntry

_MOST = 64  # photos in a part: their vectors stay below 100 KB, which Ray keeps where the run is, not where it was made
_ROUNDS = 16  # parts for each member, where there are enough photos: a machine that is lost loses one


def run_dataset(work: Sequence[PhotoEntry], task: WorkerSpec, workers: int) -> Generator[Any]:
    """Run a dataset in this process.

    A member that is lost is made again elsewhere, and has its parts again (Ray Data's own retries).

    Args:
        work: The photos.
        task: What each member is told.
        members: How many there may be.
    """
    from ray.data import ActorPoolStrategy, DataContext, from_items

    size = max(BATCH, min(_MOST, len(work) // (workers * _ROUNDS)))
    parts = -(-len(work) // size)
    workers = min(workers, parts)
    context = DataContext.get_current()
    shown, context.enable_progress_bars = context.enable_progress_bars, False
    try:
        dataset = from_items(to_rows(work), override_num_blocks=parts).map_batches(
            Worker,
            fn_constructor_args=(task,),
            batch_size=None,  # a part each
            batch_format="pyarrow",
            compute=ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
            num_cpus=1,
        )
        yield from dataset.iter_batches(batch_size=None, batch_format="pyarrow")
    finally:
        context.enable_progress_bars = shown


def run_dataset_remote(work: Sequence[PhotoEntry], task: WorkerSpec, workers: int) -> Generator[Any]:
    """The same for a process that is no part of the cluster: Ray Data cannot run in such a one, but in an actor."""
    import ray

    actor: Any = ray.remote(num_cpus=0)(_Run)
    run = actor.remote(list(work), task, workers)
    coming = run.next.remote()
    while (table := ray.get(coming)) is not None:
        coming = run.next.remote()  # while the last is being committed
        yield table


class _Run:
    """A dataset that runs in an actor, and is asked for one table after the other."""

    def __init__(self, work: Sequence[PhotoEntry], task: WorkerSpec, workers: int) -> None:
        self._tables = run_dataset(work, task, workers)

    def next(self) -> Any:
        """The next table; None after the last."""
        return next(self._tables, None)
