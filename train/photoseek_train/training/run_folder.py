"""The folder of a training run: begun, written after each epoch, taken up again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from photoseek.system.atomic_write import read_bounded
from photoseek_train.config import TrainingConfig
from photoseek_train.distributed import SINGLE_PROCESS, ProcessGroup
from photoseek_train.errors import CheckpointDamaged, RunExists, RunMismatch
from photoseek_train.features.encode import SplitVectors
from photoseek_train.model.checkpoint import CheckpointFiles, create_checkpoint, write_history, write_weights
from photoseek_train.training.environment import record_environment
from photoseek_train.training.run_state import RunState
from photoseek_train.training.trainer import EpochRecord, Trainer


@dataclass
class Run:
    """A folder that is a checkpoint of the best epoch so far, and holds the state after the last.

    A kill at any point loses at most the epoch under way: each file is replaced as a whole, ``last.pt`` last.
    Of several processes the first alone writes. ``dev_vectors`` are those of the best epoch, where this process trained
    it.
    """

    path: Path
    config: TrainingConfig
    processes: ProcessGroup = SINGLE_PROCESS
    history: list[EpochRecord] = field(default_factory=list)
    dev_vectors: SplitVectors | None = None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch of the highest dev rsum, the first of equals."""
        return max(self.history, key=lambda record: round(record.dev.rsum, 2), default=None)

    @property
    def early_stop(self) -> bool:
        """Whether the last ``patience`` epochs have brought nothing better."""
        patience = self.config.optim.patience
        return bool(patience) and self.best is not None and len(self.history) - self.best.epoch >= patience

    def check_settings(self) -> None:
        """See that a run in the folder, if there is one, has these settings.

        Raises:
            RunMismatch: It has others; each is named.
        """
        theirs = saved_config(self.path)
        different = [] if theirs is None else self.config.differences(theirs)
        if different:
            raise RunMismatch(
                f"{self.path}: the run to resume has other settings: {'; '.join(different)}; "
                "resume with its settings, or choose another folder"
            )

    def start(self, tokenizer: PreTrainedTokenizerFast) -> None:
        """Write what no epoch changes."""
        if not self.processes.is_main:
            return
        create_checkpoint(self.path, self.config, tokenizer)
        record_environment(self.path)

    def resume(self, trainer: Trainer) -> int:
        """Bring the trainer to where the run stopped; the epoch to go on with.

        Raises:
            RunMismatch: The run's state is damaged, or was made by another number of processes, or some of these don't
                see it.
        """
        file = self.path / CheckpointFiles.LAST
        if file.is_file():
            state = RunState.read(file)
            state.restore(trainer)
            self.history = list(state.history)
        done = self.processes.gather_lists([len(self.history)])
        if len(set(done)) > 1:
            raise RunMismatch(f"{self.path}: expected a folder that all processes share, found {done} epochs in theirs")
        return len(self.history) + 1

    def finish_epoch(self, trainer: Trainer, record: EpochRecord) -> None:
        """Write the epoch's results."""
        self.history.append(record)
        if self.best is record:
            self.dev_vectors = trainer.dev_vectors
        if self.processes.is_main:
            self._write_epoch(trainer, record)

    def _write_epoch(self, trainer: Trainer, record: EpochRecord) -> None:
        if self.best is record:
            write_weights(self.path, trainer.result, {"epoch": record.epoch, "dev": record.dev.to_json()})
        write_history(self.path, [past.to_json() for past in self.history])
        RunState.of(trainer, self.history).write(self.path / CheckpointFiles.LAST)


def check_run_folder(path: Path, resume: bool) -> None:
    """See that a run may be written to ``path``.

    Raises:
        RunExists: It holds a run and ``resume`` is not set, or it holds something else.
    """
    if path.exists() and not path.is_dir():
        raise RunExists(f"{path}: expected a folder for the run, found a file; choose another")
    if has_run(path):
        if not resume:
            raise RunExists(f"{path}: holds a run already; go on with it by --resume, or choose another folder")
    elif path.is_dir() and any(map(_is_unexpected, path.iterdir())):
        raise RunExists(f"{path}: expected an empty or a new folder, found something in it; choose another")


def has_run(path: Path) -> bool:
    """Whether a run has begun here."""
    return saved_config(path) is not None


def saved_config(path: Path) -> TrainingConfig | None:
    """The settings of the run in a folder; None where no run has begun, or another program's files are."""
    try:
        values = json.loads(read_bounded(path / CheckpointFiles.CONFIG).decode())
        return TrainingConfig.from_json(values, str(path / CheckpointFiles.CONFIG))
    except (OSError, ValueError, CheckpointDamaged):
        return None


def _is_unexpected(entry: Path) -> bool:
    return entry.name != CheckpointFiles.FEATURES and not entry.name.endswith(".partial")
