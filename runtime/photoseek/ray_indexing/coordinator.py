"""Shared state of the Ray workers: one actor on the machine that started the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Any

Files = dict[str, bytes]


class Coordinator:
    """Holds what is too large to be sent with every member, and counts attempts.

    A photo whose decoding kills its process would else be tried for ever: Ray makes the process anew, and hands it the
    same photos.
    """

    def __init__(self) -> None:
        self._known: AbstractSet[str] = frozenset()
        self._files: Files = {}
        self._begun: Counter[str] = Counter()

    def fill(self, known: AbstractSet[str], files: Files) -> None:
        """Take the contents that have their vector already, and the files of the bundle, if they are sent."""
        self._known, self._files = known, files

    def known(self) -> AbstractSet[str]:
        """The contents that have their vector already."""
        return self._known

    def files(self) -> Files:
        """The files of the bundle, by name; none where they were not sent."""
        return self._files

    def begin(self, name: str) -> int:
        """Note that work begins on something; tells how often it has begun since it last ended."""
        self._begun[name] += 1
        return self._begun[name]

    def end(self, name: str) -> None:
        """Note that it has ended well."""
        self._begun.pop(name, None)


def start_coordinator(ray: Any, known: AbstractSet[str], files: Files) -> Any:
    """The actor, filled: it takes no processor, and lives as long as its handle does.

    It is on the machine that this process is connected to: where that is lost, the run is, too.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    coordinator = ray.remote(num_cpus=0, scheduling_strategy=here)(Coordinator).remote()
    ray.get(coordinator.fill.remote(known, files))  # before anybody asks
    return coordinator
