"""The report of a training run, with examples of its best epoch on dev."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.system.atomic_write import write_json_atomic
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.errors import DataError, SettingsError
from photoseek_train.evaluation.evaluate import encode_checkpoint, evaluate_split
from photoseek_train.features.encode import SplitVectors
from photoseek_train.model.checkpoint import CheckpointFiles
from photoseek_train.progress import ProgressCallback, no_progress
from photoseek_train.report.report import ReportData, not_a_run, write_report
from photoseek_train.training.run_folder import saved_config
from photoseek_train.training.trainer import EpochCallback, EpochRecord


@dataclass(frozen=True)
class DataFiles:
    """The evaluation data of a run; saved in the run as ``data.json`` for later reports.

    ``split`` is a file of names, or the name of a split in the caption file. None: every captioned photo.
    """

    images: Path
    captions: tuple[Path, ...]
    split: str | Path | None

    def read(self) -> CaptionedPhotos:
        """Return the photos and captions; raises like ``CaptionedPhotos.read``."""
        return CaptionedPhotos.read(self.images, self.captions, self.split)

    def save(self, run: Path) -> None:
        """Save the paths in the folder of a run."""
        values = {
            "images": str(self.images.absolute()),
            "captions": [str(file.absolute()) for file in self.captions],
            "split": None if self.split is None else _absolute_split(self.split),
        }
        write_json_atomic(run / CheckpointFiles.DATA, values)

    @classmethod
    def saved(cls, run: Path) -> DataFiles | None:
        """Return what ``save`` wrote; None if there is nothing.

        Raises:
            DataError: The file is malformed.
        """
        file = run / CheckpointFiles.DATA
        if not file.is_file():
            return None
        try:
            values = json.loads(file.read_text("utf-8"))
            split = values["split"]
            captions = tuple(Path(name) for name in values["captions"])
            return cls(Path(values["images"]), captions, None if split is None else str(split))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file}: expected images, captions and split; pass them as options") from error


def _absolute_split(split: str | Path) -> str:
    """Return the absolute path of a split file; names of splits are unchanged."""
    return str(Path(split).absolute()) if Path(split).is_file() else str(split)


def report_epochs(run: Path, then: EpochCallback) -> EpochCallback:
    """Return a callback that updates the report of settings and curves after each epoch, in milliseconds."""

    def after(record: EpochRecord) -> None:
        write_report(run)
        then(record)

    return after


def report_run(
    run: Path,
    dev: CaptionedPhotos,
    workers: int = 1,
    progress: ProgressCallback = no_progress,
    out: Path | None = None,
    vectors: SplitVectors | None = None,
) -> Path:
    """Write the report of the run in a folder with results on ``dev``, whose photos are encoded unless given.

    Raises:
        CheckpointError: The folder contains no run, or it cannot be used.
        DataError: A photo cannot be decoded.
    """
    vectors = vectors or encode_checkpoint(run, dev, workers, progress)
    evaluation = evaluate_split(dev, vectors, EvaluationProtocol())
    return write_report(run, ReportData.of(describe("dev", dev), dev, vectors, evaluation), out)


def files_of(run: Path, images: Path | None, captions: list[Path] | None, split: str | Path | None) -> DataFiles:
    """Return the given files, or else those that the run recorded.

    Raises:
        SettingsError: Only one of images and captions is given; or none is, and the run did not record any because it
            was started from Python or interrupted.
    """
    if images is not None and captions:
        return DataFiles(images, tuple(captions), split)
    if images is not None or captions or split is not None:
        raise SettingsError("expected --images and --captions together, or neither to use those of the run")
    if (files := DataFiles.saved(run)) is not None:
        return files
    if saved_config(run) is None:
        raise not_a_run(run)
    raise SettingsError(
        f"{run}: the run did not record its data (no {CheckpointFiles.DATA}); pass --images, --captions and --split"
    )


def describe(name: str, data: CaptionedPhotos) -> str:
    """Return a description of a split and its size."""
    return f"{name}: {len(data.names):,} photos and {len(data.captions):,} captions"
