"""Data-parallel training in processes that ``accelerate launch`` starts, each with a shard of every batch.

The loss is that of the full batch: vectors are gathered before it, gradients are summed after it. The one difference
from a single process is batch norm, which uses the statistics of a shard, as in PyTorch's DistributedDataParallel.
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

_WORLD_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")  # torchrun and MPI
_RANKS = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
_TIMEOUT = timedelta(days=1)  # the main process may extract features for hours while the others wait


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a run.

    Attributes:
        count: Number of processes.
        rank: Rank of this process, from 0; only rank 0 writes files and reports progress.
    """

    count: int = 1
    rank: int = 0

    @classmethod
    def from_launcher(cls, device: torch.device) -> ProcessGroup:
        """Join the processes that ``accelerate launch`` started; without a launcher, return a single process.

        Raises:
            SettingsError: The number of processes differs from the launcher's: each would overwrite the others' files.
        """
        expected = env_world_size()
        if expected == 1:
            return cls()
        from accelerate import PartialState

        state = PartialState(cpu=device.type == "cpu", timeout=_TIMEOUT)
        if state.num_processes != expected:
            raise SettingsError(
                f"expected {expected} processes on {device.type}, found {state.num_processes}; "
                "launch one process, or use --device cuda or cpu"
            )
        return cls(state.num_processes, state.process_index)

    def device(self, default: torch.device) -> torch.device:
        """Return the device of this process: its GPU if there are several."""
        if self.count == 1:
            return default
        from accelerate import PartialState

        assigned: torch.device = PartialState().device
        return assigned

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0

    @contextmanager
    def main_process_first(self) -> Iterator[None]:
        """Run the block in the main process, then in the others."""
        if self.count == 1:
            yield
            return
        from accelerate import PartialState

        with PartialState().main_process_first():
            yield

    def shard(self, items: Sequence[_Item]) -> _Item:
        """Return this process's item of ``count`` items."""
        return items[self.rank]

    def gather(self, rows: Tensor, counts: Sequence[int]) -> Tensor:
        """Return the rows of all processes in the order of ranks; gradients flow only into this process's rows.

        Args:
            rows: (n, dim), with ``counts[rank]`` rows.
            counts: Rows of each process.
        """
        if self.count == 1:
            return rows
        from accelerate.utils import gather

        longest = max(counts)
        padded = torch.zeros(longest, rows.shape[1], dtype=rows.dtype, device=rows.device)
        padded[: len(rows)] = rows.detach()
        shards = list(torch.split(gather(padded), longest))
        rows_of = [shard[:count] for shard, count in zip(shards, counts, strict=True)]
        rows_of[self.rank] = rows
        return torch.cat(rows_of)

    def gather_lists(self, items: list[_Item]) -> list[_Item]:
        """Return the items of all processes in the order of ranks."""
        if self.count == 1:
            return items
        from accelerate.utils import gather_object

        gathered: list[_Item] = gather_object(items)
        return gathered

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Sum each parameter's gradient over the processes; a missing gradient counts as zero."""
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
        """Replace tensors by their sum or mean over the processes, in one collective operation."""
        if self.count == 1 or not tensors:
            return
        from accelerate.utils import reduce

        reduced: Tensor = reduce(torch.cat([tensor.flatten() for tensor in tensors]), reduction)
        for tensor, part in zip(tensors, torch.split(reduced, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))


SINGLE_PROCESS = ProcessGroup()
"""The process group of a run in one process."""


def env_world_size() -> int:
    """Return the number of processes that the launcher's environment variables specify."""
    return max(int(os.environ.get(name, "1")) for name in _WORLD_SIZES)


def env_rank() -> int:
    """Return the rank of this process that the launcher's environment variables specify."""
    return max(int(os.environ.get(name, "0")) for name in _RANKS)
