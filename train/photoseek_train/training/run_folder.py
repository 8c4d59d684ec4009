"""The folder of a training run: created, updated after each epoch, and resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from photoseek.system.atomic_write import read_bounded
from photoseek_train.config import TrainingConfig
from photoseek_train.distributed import SINGLE_PROCESS, ProcessGroup
from photoseek_train.errors import CheckpointDamaged, RunExists, RunMismatch
from photoseek_train.features.encode import SplitVectors
from photoseek_train.lock_file import locked
from photoseek_train.model.checkpoint import CheckpointFiles, create_checkpoint, write_history, write_weights
from photoseek_train.training.environment import record_command, record_environment
from photoseek_train.training.run_state import RunState
from photoseek_train.training.trainer import EpochRecord, Trainer

_LOCK = ".run.lock"


@dataclass
class Run:
    """A folder that contains the checkpoint of the best epoch and the state after the last epoch.

    An interruption loses at most the current epoch: each file is replaced atomically, ``last.pt`` last. Only the main
    process writes. ``dev_vectors`` are those of the best epoch, if this process trained it.
    """

    path: Path
    config: TrainingConfig
    processes: ProcessGroup = SINGLE_PROCESS
    history: list[EpochRecord] = field(default_factory=list)
    dev_vectors: SplitVectors | None = None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch with the highest dev rsum; on a tie, the first."""
        return max(self.history, key=lambda record: round(record.dev.rsum, 2), default=None)

    @property
    def early_stop(self) -> bool:
        """Whether the last ``patience`` epochs brought no improvement."""
        patience = self.config.optim.patience
        return bool(patience) and self.best is not None and len(self.history) - self.best.epoch >= patience

    @property
    def stopped_early(self) -> bool:
        """Whether ``early_stop`` ended the run before its last epoch."""
        return self.early_stop and len(self.history) < self.config.optim.epochs

    def check_settings(self) -> None:
        """Check that the run in the folder, if there is one, has the same settings.

        Raises:
            RunMismatch: Settings differ; the message names each.
        """
        theirs = saved_config(self.path)
        different = [] if theirs is None else self.config.differences(theirs)
        if different:
            raise RunMismatch(
                f"{self.path}: the run to resume has other settings: {'; '.join(different)}; "
                "resume with its settings, or choose another folder"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs from writing to the folder.

        Raises:
            RunExists: Another process trains in it.
        """
        if not self.processes.is_main:
            yield
            return
        try:
            with locked(self.path / _LOCK, wait=False):
                yield
        except BlockingIOError as error:
            raise RunExists(f"{self.path}: another process trains this run; wait for it to finish") from error

    def start(self, tokenizer: PreTrainedTokenizerFast, command: str = "") -> None:
        """Write the files that do not change between epochs; ``command`` is the command line, if there is one."""
        if not self.processes.is_main:
            return
        create_checkpoint(self.path, self.config, tokenizer)
        record_environment(self.path)
        if command:
            record_command(self.path, command)

    def resume(self, trainer: Trainer) -> int:
        """Restore the trainer from the last epoch; return the next epoch.

        Raises:
            RunMismatch: The state is damaged or of another number of processes, or the processes see different folders.
        """
        file = self.path / CheckpointFiles.LAST
        if file.is_file():
            state = RunState.read(file)
            state.restore(trainer)
            self.history = list(state.history)
        done = self.processes.gather_lists([len(self.history)])
        if len(set(done)) > 1:
            raise RunMismatch(f"{self.path}: expected a folder shared by all processes, found {done} epochs")
        return len(self.history) + 1

    def finish_epoch(self, trainer: Trainer, record: EpochRecord) -> None:
        """Write the results of an epoch."""
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
    """Check that a run can be written to ``path``.

    Raises:
        RunExists: The folder contains a run and ``resume`` is not set, or other files.
    """
    if path.exists() and not path.is_dir():
        raise RunExists(f"{path}: expected a folder for the run, found a file; choose another")
    if saved_config(path) is not None:
        if not resume:
            raise RunExists(f"{path}: contains a run; continue it with --resume, or choose another folder")
    elif path.is_dir() and any(map(_is_unexpected, path.iterdir())):
        raise RunExists(f"{path}: expected an empty or new folder, found files in it; choose another")


def saved_config(path: Path) -> TrainingConfig | None:
    """Return the settings of the run in a folder; None if there is no run, or another program's files."""
    try:
        values = json.loads(read_bounded(path / CheckpointFiles.CONFIG).decode())
        return TrainingConfig.from_json(values, str(path / CheckpointFiles.CONFIG))
    except (OSError, ValueError, CheckpointDamaged):
        return None


def _is_unexpected(entry: Path) -> bool:
    return entry.name not in {CheckpointFiles.FEATURES, _LOCK} and not entry.name.endswith(".partial")
