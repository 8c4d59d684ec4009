"""Experiment trackers of a run: TensorBoard, Weights & Biases, MLflow, and the others that accelerate supports."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from photoseek_train.config import TrainingConfig
from photoseek_train.errors import SettingsError, TrackerError, describe_error
from photoseek_train.training.run_folder import Run
from photoseek_train.training.trainer import EpochCallback, EpochRecord

ALL = "all"
"""Stands for every tracker that is installed."""

PROJECT = "photoseek"
"""Project or experiment of the runs, in trackers that have one."""

FOLDER = "tensorboard"
"""Folder of TensorBoard's events in a run."""

logger = logging.getLogger(__name__)


def installed_trackers(names: Sequence[str]) -> list[str]:
    """Return the requested trackers without repetitions.

    Args:
        names: Names of accelerate's trackers, or ``all``.

    Raises:
        SettingsError: A name is unknown, or its package is not installed.
    """
    if not names:
        return []
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

    installed = [str(name) for name in get_available_trackers()]
    known = sorted(LOGGER_TYPE_TO_CLASS)
    for name in names:
        if name not in (*known, ALL):
            raise SettingsError(f"log_with: expected {', '.join(known)} or {ALL}, found {name!r}")
        if name not in installed and name != ALL:
            raise SettingsError(f"log_with: {name} is not installed; install it with: pip install {_package(name)}")
    if ALL not in names:
        return list(dict.fromkeys(names))
    if not installed:
        raise SettingsError(f"log_with: found no tracker of {', '.join(known)}; pip install tensorboard, or another")
    return installed


def _package(name: str) -> str:
    return {"comet_ml": "comet-ml"}.get(name, name)


@contextmanager
def track(names: Sequence[str], run: Run) -> Iterator[EpochCallback]:
    """Start trackers, and yield a callback that logs an epoch to each; call it in the main process only.

    The settings and all past epochs of a resumed run are logged first. A tracker that fails later is dropped with a
    warning, because the run's own files have the same numbers.

    Args:
        names: What ``installed_trackers`` returned.
        run: The run, whose name is that of its folder.

    Raises:
        TrackerError: A tracker cannot be started.
    """
    trackers: dict[str, Any] = {}

    def log(record: EpochRecord) -> None:
        for name, tracker in list(trackers.items()):
            try:
                tracker.log(epoch_values(record), step=record.epoch)
            except Exception as error:
                logger.warning("%s failed, and the run continues without it: %s", name, describe_error(error))
                del trackers[name]

    try:
        for name in names:
            trackers[name] = _start(name, run.path, run.config)
        for record in run.history:
            log(record)
        yield log
    finally:
        for tracker in trackers.values():
            with suppress(Exception):  # must not replace the error that ended the run
                tracker.finish()


def _start(name: str, run: Path, config: TrainingConfig) -> Any:
    """Start a tracker and log the settings of the run."""
    from accelerate import PartialState
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    PartialState()  # which the loggers of accelerate need
    kind, title = LOGGER_TYPE_TO_CLASS[name], run.resolve().name
    arguments: dict[str, dict[str, Any]] = {
        # events of earlier parts of a resumed run are hidden, because their epochs are logged again
        "tensorboard": {"run_name": FOLDER, "logging_dir": run, "purge_step": 0},
        "mlflow": {"experiment_name": PROJECT, "run_name": title},
        "wandb": {"run_name": PROJECT, "name": title, "dir": str(run)},
    }
    folder = {"logging_dir": run} if kind.requires_logging_directory else {}
    try:
        tracker = kind(**arguments.get(name, {"run_name": PROJECT, **folder}))
        tracker.start()
        tracker.store_init_configuration(setting_values(config))
    except Exception as error:
        raise TrackerError(
            f"{name} cannot be started: {describe_error(error)}; log in or configure it, or omit --log-with {name}"
        ) from error
    return tracker


def setting_values(config: TrainingConfig) -> dict[str, bool | int | float | str]:
    """Return the settings of a run as ``section.name``, without the architecture of the text tower."""
    sections = config.to_json()
    del sections["model"]["text_architecture"]
    flat = _flatten(sections, ".")
    return {name: value if isinstance(value, bool | int | float | str) else str(value) for name, value in flat.items()}


def epoch_values(record: EpochRecord) -> dict[str, float]:
    """Return the numbers of an epoch: ``loss``, ``lr/projectors``, ``dev/text_to_image/r1``, ..."""
    values = record.to_json()
    del values["epoch"], values["dev"]["images"], values["dev"]["captions"]
    return _flatten(values, "/")


def _flatten(values: Mapping[str, Any], separator: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        inner = _flatten(value, separator) if isinstance(value, dict) else {"": value}
        flat |= {f"{key}{separator}{name}" if name else key: found for name, found in inner.items()}
    return flat
