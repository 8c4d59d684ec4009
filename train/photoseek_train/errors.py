"""The errors that photoseek_train raises on purpose.

PhotoseekError
└── TrainingError
    ├── TowerError                    a tower's weights, tokenizer or configuration cannot be had
    ├── CheckpointError
    │   ├── CheckpointNotFound        no checkpoint at the given place
    │   ├── CheckpointDamaged         a file of the checkpoint is missing or cannot be read
    │   └── CheckpointIncompatible    a newer format
    ├── DataError                     photos and captions that cannot be trained on
    ├── SettingsError                 settings that make no sense, alone or together
    ├── FeaturesError                 a folder of cached features that cannot be used
    └── RunError
        ├── RunExists                 the output folder holds a run, or something else
        ├── RunMismatch               the run to resume has other settings, or its state is damaged
        └── RunDiverged               the loss is no number any more
"""

from __future__ import annotations

from photoseek.errors import PhotoseekError


def describe_error(error: Exception) -> str:
    """The message of another package's error on one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__


class TrainingError(PhotoseekError):
    """Base of every error that photoseek_train raises on purpose."""


class TowerError(TrainingError):
    """A tower's weights, tokenizer or configuration cannot be had."""


class CheckpointError(TrainingError):
    """Something is wrong with a checkpoint."""


class CheckpointNotFound(CheckpointError):
    """No checkpoint at the given place."""


class CheckpointDamaged(CheckpointError):
    """A file of the checkpoint is missing, or cannot be read."""


class CheckpointIncompatible(CheckpointError):
    """The checkpoint has a newer format."""


class DataError(TrainingError):
    """Photos and captions that cannot be trained on."""


class SettingsError(TrainingError):
    """Settings that make no sense, alone or together."""


class FeaturesError(TrainingError):
    """A folder of cached features that cannot be used."""


class RunError(TrainingError):
    """Something is wrong with the folder of a training run."""


class RunExists(RunError):
    """The output folder holds a run already, or something else."""


class RunMismatch(RunError):
    """The run to resume has other settings, or its state is damaged."""


class RunDiverged(RunError):
    """The loss is no number any more; the state after the last whole epoch is on disk."""
