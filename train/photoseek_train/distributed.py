"""One run in several processes, each with its part of every batch: what ``accelerate launch`` starts.

The loss is that of the whole batch: vectors are gathered before it, gradients summed after it. What differs from one
process is batch norm, whose statistics are those of a process's own part, as in PyTorch's DistributedDataParallel.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, nn

from photoseek_train.errors import SettingsError

_Item = TypeVar("_Item")

_WORLD_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")  # torchrun's, and MPI's
_PATIENCE = timedelta(days=1)  # the first may extract features for hours while the others wait


@dataclass(frozen=True)
class Processes:
    """Those of a run, as this one sees them.

    Attributes:
        count: How many there are.
        rank: Which one this is, from 0; the first alone writes files and tells what happens.
    """

    count: int = 1
    rank: int = 0

    @classmethod
    def launched(cls, device: torch.device) -> Processes:
        """Meet those that ``accelerate launch`` has started; a process by itself is the only one.

        Raises:
            SettingsError: They cannot meet: each would think itself alone, and write over the others.
        """
        announced = announced_count()
        if announced == 1:
            return cls()
        from accelerate import PartialState

        state = PartialState(cpu=device.type == "cpu", timeout=_PATIENCE)
        if state.num_processes != announced:
            raise SettingsError(
                f"expected to meet {announced} processes on {device.type}, found {state.num_processes}; "
                "launch one process, or take --device cuda or cpu"
            )
        return cls(state.num_processes, state.process_index)

    def device(self, wanted: torch.device) -> torch.device:
        """Where this process computes: of several GPUs each takes its own."""
        if self.count == 1:
            return wanted
        from accelerate import PartialState

        own: torch.device = PartialState().device
        return own

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.rank == 0

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """The first does the work, and then the others find it done."""
        if self.count == 1:
            yield
            return
        from accelerate import PartialState

        with PartialState().main_process_first():
            yield

    def own(self, items: Sequence[_Item]) -> _Item:
        """This process's one of ``count`` items."""
        return items[self.rank]

    def gather(self, rows: Tensor, counts: Sequence[int]) -> Tensor:
        """The rows of all, in the order of the processes; a gradient flows into this one's rows alone.

        Args:
            rows: (n, dim), with ``counts[rank]`` rows.
            counts: How many each process has.
        """
        if self.count == 1:
            return rows
        from accelerate.utils import gather

        longest = max(counts)
        padded = torch.zeros(longest, rows.shape[1], dtype=rows.dtype, device=rows.device)
        padded[: len(rows)] = rows.detach()
        parts = list(torch.split(gather(padded), longest))
        kept = [part[:count] for part, count in zip(parts, counts, strict=True)]
        kept[self.rank] = rows
        return torch.cat(kept)

    def gather_lists(self, items: list[_Item]) -> list[_Item]:
        """The items of all, in the order of the processes."""
        if self.count == 1:
            return items
        from accelerate.utils import gather_object

        gathered: list[_Item] = gather_object(items)
        return gathered

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Add up each parameter's gradient; one that only some have counts as zero elsewhere."""
        if self.count == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self._reduce([parameter.grad for parameter in parameters if parameter.grad is not None], "sum")

    def average_buffers(self, modules: Iterable[nn.Module]) -> None:
        """Replace the statistics of batch norms by their mean over the processes."""
        self._reduce([buffer for part in modules for buffer in part.buffers() if buffer.is_floating_point()], "mean")

    def _reduce(self, tensors: Sequence[Tensor], reduction: str) -> None:
        """Replace tensors by their sum or mean over the processes, in one exchange."""
        if self.count == 1 or not tensors:
            return
        from accelerate.utils import reduce

        reduced: Tensor = reduce(torch.cat([tensor.flatten() for tensor in tensors]), reduction)
        for tensor, part in zip(tensors, torch.split(reduced, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))


ALONE = Processes()
"""A run in one process."""


def announced_count() -> int:
    """How many processes a launcher says that there are."""
    return max(int(os.environ.get(name, "1")) for name in _WORLD_SIZES)
