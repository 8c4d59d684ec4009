"""The commands ``fit`` and ``distill`` of ``photoseek-train``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photoseek.cli import metrics_table
from photoseek.cli.option_groups import option_groups
from photoseek_train.cli.data import Captions, Images
from photoseek_train.cli.progress_bars import print_epochs, progress_bars
from photoseek_train.config import AugmentConfig, FitResources, ModelInit, OptimConfig

if TYPE_CHECKING:
    from photoseek_train.report.run_report import DataFiles
    from photoseek_train.training.fit import Fit, FitSettings

IMAGE_SIZE = "Side of the image tower's input in pixels."
IMAGE_SIZE_DEFAULT = "224; timm: the model's"
RESIZE = "crop: center crop; squash: resize to a square."

Out = Annotated[Path, typer.Option(help="Folder of the checkpoint.")]
TrainSplit = Annotated[
    Path | None, typer.Option(help="Training photos: a file of names, or a split of the captions. [train]")
]
DevSplit = Annotated[Path | None, typer.Option(help="Photos to evaluate after each epoch: a file, or a split. [val]")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="CHECKPOINT",
        help="Start from the weights and the preprocessing of a checkpoint; use another --seed to get other crops. "
        "With --text-model, train a new text tower against its frozen image side.",
    ),
]
Dropout = Annotated[float, typer.Option(help="Dropout rate of the projectors.")]


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

    def settings(
        self, checkpoint: Path | None, sources: ModelInit, optim: OptimConfig, augment: AugmentConfig
    ) -> FitSettings:
        """Return the settings of a run."""
        from photoseek_train.training.fit import FitSettings, preprocessing_for

        preprocessing = preprocessing_for(checkpoint, sources.image_model, self.image_size, self.resize)
        smallest = self.smallest_crop
        if smallest is None:
            smallest = 0.5 if preprocessing.shortest_edge else 0.8
        if checkpoint is not None and sources.text_model is not None:
            optim = replace(optim, freeze_images=True)
        return FitSettings(sources, preprocessing, replace(augment, crop_scale=smallest), optim)


@dataclass(frozen=True)
class RunOptions:
    """How a run is started."""

    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in OUT, if there is one.")] = False
    report: Annotated[bool, typer.Option(help="Write OUT/report.html: curves, examples, failures.")] = True


@option_groups
def fit(
    *,
    images: Images,
    captions: Captions,
    out: Out,
    train: TrainSplit = None,
    dev: DevSplit = None,
    checkpoint: Checkpoint = None,
    sources: ModelInit,
    dropout: Dropout = ModelInit.dropout,  # noqa: ARG001 - a field of sources
    optim: OptimConfig,
    image_options: ImageOptions,
    augment: AugmentConfig,
    resources: FitResources,
    options: RunOptions,
) -> None:
    """Train projectors, and optionally towers; OUT becomes the checkpoint of the best epoch on dev.

    Examples:

    - Frozen towers: `photoseek-train fit --images images --captions captions.token --train train.txt --dev dev.txt
      --text-model bert-base-uncased --out runs/first`
    - Continue with a trained image tower: `photoseek-train fit --images images --captions captions.token
      --from runs/first --tune image --seed 1 --out runs/second`
    """
    from photoseek_train.data.dataset import read_splits
    from photoseek_train.report.run_report import DataFiles
    from photoseek_train.training.fit import Fit

    settings = image_options.settings(checkpoint, sources, optim, augment)
    training, dev_split = read_splits(images, captions, train, dev)
    files = DataFiles(images, (captions,), dev or "val")
    _train_and_report(Fit(training, dev_split, settings, out, resources), files, options)


@option_groups
def distill(
    *,
    teacher: Annotated[str, typer.Option(metavar="BUNDLE", help="The bundle to learn from: any that photoseek opens.")],
    images: Images,
    captions: Captions,
    out: Out,
    train: TrainSplit = None,
    dev: DevSplit = None,
    checkpoint: Checkpoint = None,
    sources: ModelInit,
    dropout: Dropout = ModelInit.dropout,  # noqa: ARG001 - a field of sources
    optim: OptimConfig,
    image_options: ImageOptions,
    augment: AugmentConfig,
    resources: FitResources,
    options: RunOptions,
) -> None:
    """Train a small model to give the vectors of a larger one, for photos and captions.

    The photos are those of the training split, and all photos of the folder without captions. The vectors have the
    teacher's dimension and are in its space.

    Example: `photoseek-train distill --teacher bundles/clip --images images --captions captions.token
    --train train.txt --dev dev.txt --text-model bert --tune both --out runs/small`
    """
    from photoseek.captions import read_captions
    from photoseek_train.data.dataset import read_splits
    from photoseek_train.features.teacher import Teacher
    from photoseek_train.report.run_report import DataFiles
    from photoseek_train.training.fit import Fit

    loaded = Teacher.load(teacher)
    settings = image_options.settings(checkpoint, replace(sources, dim=loaded.bundle.dim), optim, augment)
    training, dev_split = read_splits(images, captions, train, dev)
    training = training.with_uncaptioned(read_captions(captions))
    files = DataFiles(images, (captions,), dev or "val")
    _train_and_report(Fit(training, dev_split, settings, out, resources, loaded), files, options)


def _train_and_report(fit: Fit, files: DataFiles, options: RunOptions) -> None:
    """Train, write the report of each epoch and of the run, and print the metrics of the best epoch."""
    from photoseek_train.report.run_report import report_epochs, report_run

    printed = print_epochs(fit.settings.optim.epochs)
    on_epoch = report_epochs(fit.out, printed) if options.report else printed
    with progress_bars() as progress:
        run = fit(options.resume, on_epoch, progress)
        if not run.processes.is_main:
            return
        if options.report and run.best is not None:
            files.save(fit.out)
            report_run(fit.out, fit.dev, fit.resources.workers, progress, vectors=run.dev_vectors)
    if run.best is not None:
        metrics_table.print_metrics(run.best.dev, f"dev, epoch {run.best.epoch}")
