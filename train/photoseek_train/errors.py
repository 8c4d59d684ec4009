"""Exceptions that photoseek_train raises.

PhotoseekError
└── TrainingError
    ├── TowerError                    weights, tokenizer or configuration of a tower cannot be loaded
    ├── CheckpointError
    │   ├── CheckpointNotFound        no checkpoint in the folder
    │   ├── CheckpointDamaged         a file of the checkpoint is missing or unreadable
    │   └── CheckpointIncompatible    the checkpoint has another format
    ├── DataError                     photos or captions cannot be used for training
    ├── SettingsError                 invalid settings
    ├── FeaturesError                 unusable folder of cached features
    ├── TrackerError                  an experiment tracker cannot be started
    └── RunError
        ├── RunExists                 the output folder is not empty
        ├── RunMismatch               the run to resume has other settings, or its state is damaged
        └── RunDiverged               the loss is not finite
"""

from __future__ import annotations

from photoseek.errors import PhotoseekError


def describe_error(error: Exception) -> str:
    """Return the message of another package's error on one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__


class TrainingError(PhotoseekError):
    """Base class of the errors of photoseek_train."""


class TowerError(TrainingError):
    """The weights, tokenizer or configuration of a tower cannot be loaded."""


class CheckpointError(TrainingError):
    """Base class of the errors about checkpoints."""


class CheckpointNotFound(CheckpointError):
    """The folder contains no checkpoint."""


class CheckpointDamaged(CheckpointError):
    """A file of the checkpoint is missing or unreadable."""


class CheckpointIncompatible(CheckpointError):
    """The checkpoint has another format."""


class DataError(TrainingError):
    """Photos or captions cannot be used for training."""


class SettingsError(TrainingError):
    """A setting is invalid, alone or in combination."""


class FeaturesError(TrainingError):
    """A folder of cached features cannot be used."""


class TrackerError(TrainingError):
    """An experiment tracker cannot be started."""


class RunError(TrainingError):
    """Base class of the errors about the folder of a training run."""


class RunExists(RunError):
    """The output folder contains a run, or other files."""


class RunMismatch(RunError):
    """The run to resume has other settings, or its state is damaged."""


class RunDiverged(RunError):
    """The loss is not finite; the state after the last complete epoch is on disk."""
