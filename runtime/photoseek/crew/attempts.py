"""How often photos were begun and not ended: a photo whose decoding kills its process would be tried for ever."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Attempts:
    """One actor of the cluster, that outlives the members."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def begin(self, name: str) -> int:
        """Note that work begins on something; tells how often it has begun since it last ended."""
        self._begun[name] += 1
        return self._begun[name]

    def end(self, name: str) -> None:
        """Note that it has ended well."""
        self._begun.pop(name, None)

    @classmethod
    def start(cls, ray: Any) -> Any:
        """The actor; it goes with the job, takes no processor, and comes back where its machine is lost."""
        return ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(cls).remote()
