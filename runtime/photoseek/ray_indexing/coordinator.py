"""Shared state of the Ray workers: one actor on the machine that started the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Any

Files = dict[str, bytes]


class Coordinator:
    """Data that is too large to send with every worker, and a count of attempts.

    Ray restarts a worker whose process dies, and gives it the same photos, so a photo whose decoding kills the process
    would be tried forever without the count.
    """

    def __init__(self) -> None:
        self._known: AbstractSet[str] = frozenset()
        self._files: Files = {}
        self._started: Counter[str] = Counter()

    def set_context(self, known: AbstractSet[str], files: Files) -> None:
        """Set the SHA-256 of contents that have a vector, and the files of the bundle if they are to be sent."""
        self._known, self._files = known, files

    def known(self) -> AbstractSet[str]:
        """Return the SHA-256 of contents that have a vector."""
        return self._known

    def files(self) -> Files:
        """Return the files of the bundle, by name; none if they are not sent."""
        return self._files

    def start_item(self, name: str) -> int:
        """Count an attempt, and return how many there were since the last one that succeeded."""
        self._started[name] += 1
        return self._started[name]

    def finish_item(self, name: str) -> None:
        """Record that an attempt succeeded."""
        self._started.pop(name, None)


def start_coordinator(ray: Any, known: AbstractSet[str], files: Files) -> Any:
    """Return the handle of a new actor, which uses no CPU and lives as long as the handle.

    It runs on the machine that this process is connected to: if that is lost, the run is lost as well.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    coordinator = ray.remote(num_cpus=0, scheduling_strategy=here)(Coordinator).remote()
    ray.get(coordinator.set_context.remote(known, files))  # complete before a worker reads it
    return coordinator
