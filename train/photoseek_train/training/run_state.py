"""``last.pt``: the state from which an interrupted run resumes."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from photoseek.system.atomic_write import write_bytes_atomic
from photoseek_train.errors import RunMismatch, describe_error
from photoseek_train.training.trainer import EpochRecord, Trainer, trainable_modules

FORMAT = 1

_DAMAGED = (RuntimeError, EOFError, OSError, LookupError, TypeError, ValueError, AttributeError, pickle.UnpicklingError)


@dataclass(frozen=True)
class RunState:
    """The state of a run after an epoch.

    Attributes:
        history: A record of each finished epoch.
        weights: State of the trained modules, by their names in the model.
        optimizer: State of the optimizer. Schedule and random choices are derived from the epoch and not stored.
        average: State of the moving average of the weights, if there is one.
        processes: Number of processes: with another number, shards and batch statistics would differ.
    """

    history: list[EpochRecord]
    weights: dict[str, Any]
    optimizer: dict[str, Any]
    average: dict[str, Any] | None
    processes: int

    @classmethod
    def of(cls, trainer: Trainer, history: list[EpochRecord]) -> RunState:
        """Return the state of a trainer between two epochs."""
        modules = trainable_modules(trainer.model, trainer.config)
        weights: dict[str, Any] = {name: module.state_dict() for name, module in modules.items()}
        weights["logit_scale"] = trainer.model.logit_scale.detach()
        average = None if trainer.average is None else trainer.average.state_dict()
        return cls(history, weights, trainer.optimizer.state_dict(), average, trainer.processes.count)

    def restore(self, trainer: Trainer) -> None:
        """Restore a new trainer to this state.

        Raises:
            RunMismatch: The number of processes differs.
        """
        if self.processes != trainer.processes.count:
            raise RunMismatch(
                f"the run to resume used {self.processes} processes, found {trainer.processes.count}; "
                "launch the same number, or choose another folder"
            )
        for name, module in trainable_modules(trainer.model, trainer.config).items():
            module.load_state_dict(self.weights[name])
        with torch.no_grad():
            trainer.model.logit_scale.copy_(self.weights["logit_scale"])
        trainer.optimizer.load_state_dict(self.optimizer)
        if trainer.average is not None and self.average is not None:
            trainer.average.load_state_dict(self.average)

    def write(self, path: Path) -> None:
        """Replace the file atomically."""
        buffer = io.BytesIO()
        history = [record.to_json() for record in self.history]
        torch.save({"format": FORMAT, **vars(self), "history": history}, buffer)
        write_bytes_atomic(path, buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> RunState:
        """Read the file that ``write`` created.

        Raises:
            RunMismatch: The file is damaged, or has another format.
        """
        try:
            values = torch.load(path, map_location="cpu", weights_only=True)
            if (found := values.pop("format")) != FORMAT:
                raise RunMismatch(f"{path}: format {found}, this photoseek reads format {FORMAT}; upgrade photoseek")
            history = [EpochRecord.from_json(record) for record in values.pop("history")]
            return cls(history, **values)
        except _DAMAGED as error:
            raise RunMismatch(
                f"{path}: expected the state of a run: {describe_error(error)}; delete the folder, or choose another"
            ) from error
