"""The report of a training run, with the searches of its best epoch on dev."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from photoseek.system.atomic_write import replace_json
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.errors import DataError, SettingsError
from photoseek_train.evaluation.evaluate import encode_checkpoint
from photoseek_train.features.encode import SplitVectors
from photoseek_train.model.checkpoint import CheckpointFiles
from photoseek_train.progress import ProgressCallback, no_progress
from photoseek_train.report.report import ReportData, not_a_run, write_report
from photoseek_train.training.run_folder import Run, saved_config
from photoseek_train.training.trainer import EpochCallback, EpochRecord


@dataclass(frozen=True)
class DataFiles:
    """Where the photos that a run is measured on are; kept in the run as ``data.json``, for later reports.

    ``split`` is a file of names, or the name of a split that the caption file carries; None: every captioned photo.
    """

    images: Path
    captions: tuple[Path, ...]
    split: str | Path | None

    def read(self) -> CaptionedPhotos:
        """The photos and captions; raises as ``CaptionedPhotos.read``."""
        return CaptionedPhotos.read(self.images, self.captions, self.split)

    def keep(self, run: Path) -> None:
        """Note the files in the run's folder."""
        told = {
            "images": str(self.images.absolute()),
            "captions": [str(file.absolute()) for file in self.captions],
            "split": None if self.split is None else _absolute_split(self.split),
        }
        replace_json(run / CheckpointFiles.DATA, told)

    @classmethod
    def kept(cls, run: Path) -> DataFiles | None:
        """What ``keep`` noted; None where nothing was.

        Raises:
            DataError: The note is broken.
        """
        file = run / CheckpointFiles.DATA
        if not file.is_file():
            return None
        try:
            told = json.loads(file.read_text("utf-8"))
            split = told["split"]
            captions = tuple(Path(name) for name in told["captions"])
            return cls(Path(told["images"]), captions, None if split is None else str(split))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file}: expected images, captions and split; give them as options instead") from error


def _absolute_split(split: str | Path) -> str:
    """A split's file from any folder; the name of a split stays as it is."""
    return str(Path(split).absolute()) if Path(split).is_file() else str(split)


def report_epochs(run: Path, then: EpochCallback) -> EpochCallback:
    """Keep a report of settings and curves current while a run trains; it takes milliseconds."""

    def after(record: EpochRecord) -> None:
        write_report(run)
        then(record)

    return after


def finish_report(run: Run, dev: CaptionedPhotos, workers: int = 1, progress: ProgressCallback = no_progress) -> Path:
    """Write the report of a run that has ended; raises as ``report_run``."""
    return _write(run.path, dev, run.dev_vectors, workers, progress)


def report_run(
    run: Path, dev: CaptionedPhotos, workers: int = 1, progress: ProgressCallback = no_progress, out: Path | None = None
) -> Path:
    """Write the report of any run in a folder, measured anew on ``dev``.

    Raises:
        CheckpointError: No run in the folder, or it cannot be used.
        DataError: A photo cannot be decoded.
    """
    if saved_config(run) is None:
        raise not_a_run(run)
    return _write(run, dev, None, workers, progress, out)


def files_of(run: Path, images: Path | None, captions: list[Path] | None, split: str | Path | None) -> DataFiles:
    """The files that were given, or else those that the run noted.

    Raises:
        SettingsError: Only one of images and captions was given; or none, and the run has no note, because it was
            made by the library or stopped before its end.
    """
    if images is not None and captions:
        return DataFiles(images, tuple(captions), split)
    if images is not None or captions or split is not None:
        raise SettingsError("expected --images and --captions together, or neither, to use the run's own")
    files = DataFiles.kept(run)
    if files is None and saved_config(run) is not None:
        raise SettingsError(
            f"{run}: no note of its data here (no {CheckpointFiles.DATA}); give --images, --captions and --split"
        )
    if files is None:
        raise not_a_run(run)
    return files


def _write(
    run: Path,
    dev: CaptionedPhotos,
    vectors: SplitVectors | None,
    workers: int,
    progress: ProgressCallback,
    out: Path | None = None,
) -> Path:
    found = vectors if vectors is not None else encode_checkpoint(run, dev, workers, progress)
    return write_report(run, ReportData.measured(describe("dev", dev), dev, found), out)


def describe(name: str, data: CaptionedPhotos) -> str:
    """A split and its size in words."""
    return f"{name}: {len(data.names):,} photos and {len(data.captions):,} captions"
