"""The commands ``fit`` and ``distill`` of ``photoseek-train``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photoseek.cli import metrics_table
from photoseek.cli.option_groups import option_groups
from photoseek.cli.output import print_line
from photoseek.system.atomic_write import write_bytes_atomic
from photoseek_train.cli.data import Captions, Images
from photoseek_train.cli.progress_bars import print_epochs, progress_bars
from photoseek_train.config import AugmentConfig, FitResources, ModelInit, OptimConfig

if TYPE_CHECKING:
    from photoseek_train.data.dataset import CaptionedPhotos
    from photoseek_train.features.teacher import Teacher
    from photoseek_train.training.fit import Fit, FitSettings

IMAGE_SIZE = "Side of the image tower's input in pixels."
IMAGE_SIZE_DEFAULT = "224; timm: the model's"
RESIZE = "crop: center crop; squash: resize to a square."


Dropout = Annotated[float, typer.Option(help="Dropout rate of features and projectors.")]


@dataclass(frozen=True)
class RunOptions:
    """The data of a run, its folder, and what it starts from."""

    images: Images
    captions: Path | None  # an option of each command
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint.")]
    train: Annotated[
        Path | None,
        typer.Option(
            help="Training photos: a file of names, or a split of the captions. [train; without splits: 19 of 20]"
        ),
    ] = None
    dev: Annotated[
        Path | None,
        typer.Option(
            help="Photos to evaluate after each epoch: a file, or a split. [val; without splits: the other photos]"
        ),
    ] = None
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="CHECKPOINT",
            help="Start from the weights and the preprocessing of a checkpoint; use another --seed to get other crops. "
            "With --text-model, train a new text tower against its frozen image side.",
        ),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in OUT, if there is one.")] = False
    report: Annotated[bool, typer.Option(help="Write OUT/report.html: curves, examples, failures.")] = True

    def splits(self, captions: Path) -> tuple[CaptionedPhotos, CaptionedPhotos]:
        """Return the training and dev photos."""
        from photoseek_train.data.dataset import read_splits

        return read_splits(self.images, captions, self.train, self.dev)

    def pairs(self, teacher: Teacher, texts: Path, features: Path | None) -> tuple[CaptionedPhotos, CaptionedPhotos]:
        """Return the training and dev photos, with texts that the teacher assigns to them."""
        from photoseek_train.features.cache import FeatureCache
        from photoseek_train.features.teacher_pairs import pair_by_teacher
        from photoseek_train.model.checkpoint import CheckpointFiles

        if self.train is not None or self.dev is not None:
            raise typer.BadParameter("expected no --train and no --dev with --texts, which is split by itself")
        with progress_bars() as progress:
            cache = FeatureCache(features or self.out / CheckpointFiles.FEATURES)
            return pair_by_teacher(teacher, cache, self.images, texts, progress)

    def run(self, fit: Fit) -> None:
        """Train, write the report of each epoch and of the run, and print the metrics of the best epoch."""
        from photoseek_train.distributed import env_rank
        from photoseek_train.report.run_report import report_epochs, report_run

        if env_rank() == 0:
            print_line(f"train: {_size(fit.train)}; dev: {_size(fit.dev)}", error=True)
        fit = replace(fit, command=shlex.join(["photoseek-train", *sys.argv[1:]]))
        printed = print_epochs(fit.settings.optim.epochs)
        on_epoch = report_epochs(fit.out, printed) if self.report else printed
        with progress_bars() as progress:
            run = fit(self.resume, on_epoch, progress)
            if not run.processes.is_main:
                return
            self._save_data(fit)
            report = None
            if self.report and run.best is not None:
                report = report_run(fit.out, fit.dev, fit.resources.workers, progress, vectors=run.dev_vectors)
        if run.stopped_early:
            print_line(
                f"stopped after epoch {len(run.history)}: no better rsum in {run.config.optim.patience} epochs; "
                "--resume --patience 0 continues to the last epoch",
                error=True,
            )
        if run.best is not None:
            what = "dev" if self.captions is not None else "dev, for each text the first photo of the teacher"
            metrics_table.print_metrics(run.best.dev, f"{what}, epoch {run.best.epoch}")
        if report is not None:
            print_line(f"report: {report}")

    def _save_data(self, fit: Fit) -> None:
        """Record the data of a run for later reports; without ``--dev``, write the names of the dev photos."""
        from photoseek_train.model.checkpoint import CheckpointFiles
        from photoseek_train.report.run_report import DataFiles

        if self.captions is None:
            return
        names = self.dev or fit.out / CheckpointFiles.DEV
        if self.dev is None:
            write_bytes_atomic(names, "".join(f"{name}\n" for name in fit.dev.names).encode("utf-8", "surrogateescape"))
        DataFiles(self.images, (self.captions,), names).save(fit.out)


def _size(data: CaptionedPhotos) -> str:
    without = len(data.names) - len({caption.image for caption in data.captions})
    photos = f"{len(data.names):,} photos" + (f" ({without:,} without captions)" if without else "")
    return f"{photos} and {len(data.captions):,} captions"


@dataclass(frozen=True)
class ImageOptions:
    """How photos become the input of the image tower."""

    image_size: Annotated[
        int | None, typer.Option(help=f"{IMAGE_SIZE} [{IMAGE_SIZE_DEFAULT}; with --from: the checkpoint's]")
    ] = None
    resize: Annotated[str | None, typer.Option(help=f"{RESIZE} [crop; with --from: the checkpoint's]")] = None
    smallest_crop: Annotated[
        float | None, typer.Option("--crop-scale", help="Minimum area of random crops. [0.5; squash: 0.8]")
    ] = None

    def settings(self, sources: ModelInit, optim: OptimConfig, augment: AugmentConfig) -> FitSettings:
        """Return the settings of a run."""
        from photoseek_train.training.fit import FitSettings, preprocessing_for

        preprocessing = preprocessing_for(sources.checkpoint, sources.image_model, self.image_size, self.resize)
        smallest = self.smallest_crop
        if smallest is None:
            smallest = 0.5 if preprocessing.shortest_edge else 0.8
        if sources.checkpoint is not None and sources.text_model is not None:
            optim = replace(optim, freeze_images=True)
        return FitSettings(sources, preprocessing, replace(augment, crop_scale=smallest), optim)


@option_groups
def fit(
    *,
    captions: Captions,
    options: RunOptions,
    sources: ModelInit,
    optim: OptimConfig,
    image_options: ImageOptions,
    augment: AugmentConfig,
    resources: FitResources,
    dropout: Dropout = ModelInit.dropout,
) -> None:
    """Train projectors, and optionally towers; OUT becomes the checkpoint of the best epoch on dev.

    Examples:

    - Frozen towers: `photoseek-train fit --images images --captions captions.token --train train.txt --dev dev.txt
      --text-model bert-base-uncased --out runs/first`
    - Continue with a trained image tower: `photoseek-train fit --images images --captions captions.token
      --from runs/first --tune image --seed 1 --out runs/second`
    """
    from photoseek_train.training.fit import Fit

    del dropout  # ``sources`` have it
    settings = image_options.settings(sources, optim, augment)
    options.run(Fit(*options.splits(captions), settings, options.out, resources))


@option_groups
def distill(
    *,
    teacher: Annotated[str, typer.Option(metavar="BUNDLE", help="The bundle to learn from: any that photoseek opens.")],
    captions: Annotated[Path | None, typer.Option(help="Caption file, as for `fit`; else pass --texts.")] = None,
    texts: Annotated[Path | None, typer.Option(help="Texts to learn from instead of captions, one a line.")] = None,
    options: RunOptions,
    sources: ModelInit,
    optim: OptimConfig,
    image_options: ImageOptions,
    augment: AugmentConfig,
    resources: FitResources,
    dropout: Dropout = 0.0,
) -> None:
    """Train a small model to give the vectors of a larger one, for photos and captions.

    The photos are those of the training split, and all photos of the folder without captions. The vectors have the
    teacher's dimension and are in its space. Without captions, pass texts: each becomes a caption of the photo that
    the teacher ranks first, and one of 20 photos and texts is for dev.

    Examples:

    - With captions: `photoseek-train distill --teacher bundles/clip --images images --captions captions.token
      --train train.txt --dev dev.txt --text-model bert --tune both --out runs/small`
    - Without: `photoseek-train distill --teacher bundles/clip --images images --texts texts.txt --text-model bert
      --tune both --out runs/small`
    """
    from photoseek.captions import read_caption_file
    from photoseek_train.features.teacher import Teacher
    from photoseek_train.training.fit import Fit

    del dropout  # ``sources`` have it
    if (captions is None) == (texts is None):
        raise typer.BadParameter(f"expected --captions or --texts, found {'neither' if texts is None else 'both'}")
    loaded = Teacher.load(teacher)
    settings = image_options.settings(replace(sources, dim=loaded.bundle.dim), optim, augment)
    if captions is not None:
        training, dev = options.splits(captions)
        training = training.with_uncaptioned(read_caption_file(captions))
    elif texts is not None:
        training, dev = options.pairs(loaded, texts, resources.features)
    options.run(Fit(training, dev, settings, options.out, resources, loaded))
