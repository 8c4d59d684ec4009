"""Training of the embedded bundle, in English and Chinese, on drawn scenes and, optionally, photos.

    make demo-bundle                                        # scenes only, from random weights
    make demo-bundle ARGS="--photos flickr8k --from runs/flickr8k"

The second command starts from the image tower of a run of ``photoseek-train fit`` on the photos. It can be interrupted
at any time; the same command resumes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli import output
from photoseek_export.demo.collection import CaptionedFolder, Collection, write_scenes
from photoseek_export.demo.scenes.scenes import DEV_SEEDS, LANGUAGES, TRAIN_SEEDS, Language
from photoseek_export.demo.scenes.world import WORLD
from photoseek_export.export import export_checkpoint
from photoseek_export.quality_gate import EvaluationImages
from photoseek_train.cli.progress_bars import print_epochs, progress_bars
from photoseek_train.config import AugmentConfig, FitResources, ModelInit, OptimConfig, preprocessing_of
from photoseek_train.model.checkpoint import read_config
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert
from photoseek_train.training.fit import Fit, FitSettings

NAME = "photoseek-demo"
SIZE = 144  # pixels; images are resized to a square
MAX_TOKENS = 64
BERTS: dict[Language, CompactBert] = {
    "en": CompactBert(layers=3, hidden=256, heads=4, vocabulary=6000, positions=MAX_TOKENS),
    "zh": CompactBert(layers=3, hidden=256, heads=4, vocabulary=3000, positions=MAX_TOKENS),
}
AUGMENT = AugmentConfig(crop_scale=0.6, flip=False, color=0.2, size=112)  # captions mention left and right, and colors
FINE_AUGMENT = AugmentConfig(crop_scale=0.8, flip=False, color=0.2, size=SIZE)  # the captioned objects stay visible


@dataclass(frozen=True)
class Recipe:
    """Amount of data, model sizes and training lengths."""

    scenes: int = 14_000
    dev_scenes: int = 500
    reading_epochs: int = 4
    joint_epochs: int = 5
    fine_epochs: int = 3
    chinese_epochs: int = 3
    closing_epochs: int = 1
    batch_size: int = 192
    text_batch_size: int = 512
    augment: AugmentConfig = AUGMENT
    fine_augment: AugmentConfig = FINE_AUGMENT
    size: int = SIZE
    berts: Mapping[Language, CompactBert] = field(default_factory=BERTS.copy)

    def joint(self, epochs: int, from_nothing: bool = False) -> OptimConfig:
        """Return the settings for training both towers.

        From random weights, the learning rates are equal, except for BERT's, which is less stable; otherwise the image
        tower's is lower. Batches mix scenes and photos, so that the statistics of batch norms cover both.
        """
        return OptimConfig(
            tune="both",
            epochs=epochs,
            captions_per_photo=2,
            batch_size=self.batch_size,
            lr=1e-3,
            image_lr=1e-3 if from_nothing else 5e-4,
            text_lr=5e-4,
            weight_decay=0.2,
            ema=0.995,
            mix=0.2,
        )

    def text(self, epochs: int) -> OptimConfig:
        """Return the settings for training a text tower in large batches of one kind, with a frozen image side."""
        return OptimConfig(
            tune="text",
            freeze_images=True,
            epochs=epochs,
            batch_size=self.text_batch_size,
            batch_by="folder",
            lr=5e-4,
            text_lr=5e-4,
            weight_decay=0.05,
            ema=0.99,
        )


@dataclass(frozen=True)
class DemoRun:
    """The folder of a training of the embedded bundle, and its starting point.

    Attributes:
        folder: Folder of all intermediate files.
        photos: Photos to train on in addition to the scenes.
        init_from: A run whose image tower was trained on photos. None: random weights.
    """

    folder: Path
    photos: CaptionedFolder | None = None
    init_from: Path | None = None

    @property
    def scenes(self) -> CaptionedFolder:
        """The drawn scenes."""
        return CaptionedFolder(self.folder / "drawn")

    @property
    def collection(self) -> Collection:
        """Scenes and photos."""
        kinds = {"scenes": self.scenes}
        if self.photos is not None:
            kinds["photos"] = self.photos
        return Collection(self.folder / "pictures", kinds)

    def checkpoint(self, stage: str) -> Path:
        """Return the run of a stage: ``reading``, ``joint``, ``fine``, ``reading-zh``, ``en`` or ``zh``."""
        return self.folder / stage

    def new_text_tower(self, language: Language, images: Path | None) -> ModelInit:
        """Return an untrained text tower, with the image side of a checkpoint or, if None, an untrained one."""
        bert = str(self.folder / f"bert-{language}")
        if images is None:
            return ModelInit(bert, image_weights="none", max_tokens=MAX_TOKENS)
        return ModelInit(bert, checkpoint=images, max_tokens=MAX_TOKENS)

    def trained(self, stage: str) -> ModelInit:
        """Return the model of a stage."""
        return ModelInit(checkpoint=self.checkpoint(stage), max_tokens=MAX_TOKENS)


def render_scenes(run: DemoRun, recipe: Recipe) -> None:
    """Draw missing scenes, and write captions and splits."""
    seeds = {"train": TRAIN_SEEDS[: recipe.scenes], "dev": DEV_SEEDS[: recipe.dev_scenes]}
    with output.progress_bar("drawing", "scenes") as progress:
        write_scenes(run.scenes.folder, seeds, progress=progress)
    run.collection.link()


def train(run: DemoRun, recipe: Recipe) -> None:
    """Train both towers on small and then on full-size images, then the text tower of each language.

    Finished stages are skipped, and an interrupted one is resumed.
    """
    for language in LANGUAGES:
        bert = run.folder / f"bert-{language}"
        if not bert.exists():
            create_compact_bert(run.collection.data("train", language).texts, bert, recipe.berts[language])
    init = run.new_text_tower("en", run.init_from)
    if run.init_from is not None:  # first, train a text tower against the trained image tower
        kinds = None if run.photos is None else ["photos"]
        fit(run, "reading", init, recipe.text(recipe.reading_epochs), kinds=kinds)
        init = run.trained("reading")
    joint = recipe.joint(recipe.joint_epochs, from_nothing=run.init_from is None)
    fit(run, "joint", init, joint, recipe.augment, size=recipe.size)
    fit(run, "fine", run.trained("joint"), recipe.joint(recipe.fine_epochs), recipe.fine_augment)
    chinese = run.new_text_tower("zh", run.checkpoint("fine"))
    fit(run, "reading-zh", chinese, recipe.text(recipe.chinese_epochs), language="zh")
    for language, before in ("en", "fine"), ("zh", "reading-zh"):
        fit(run, language, run.trained(before), recipe.text(recipe.closing_epochs), language=language)


def fit(
    run: DemoRun,
    stage: str,
    sources: ModelInit,
    optim: OptimConfig,
    augment: AugmentConfig | None = None,
    language: Language = "en",
    kinds: Sequence[str] | None = None,
    size: int = SIZE,
) -> None:
    """Run one stage of training, evaluated on the dev captions; ``size`` applies only to the first stage."""
    trained = sources.checkpoint
    preprocessing = preprocessing_of(size, "squash") if trained is None else read_config(trained).preprocessing
    settings = FitSettings(sources, preprocessing, augment or AugmentConfig(), optim)
    collection = run.collection
    resources = FitResources(features=run.folder / ("features-reading" if stage == "reading" else "features"))
    with progress_bars() as progress:
        splits = collection.data("train", language, kinds), collection.data("dev", language, kinds)
        Fit(*splits, settings, run.checkpoint(stage), resources)(True, print_epochs(optim.epochs), progress)


def export(run: DemoRun, out: Path) -> None:
    """Export with fp16 weights, and evaluate them on the dev scenes."""
    scenes = run.scenes
    bundle = export_checkpoint(
        run.checkpoint("en"),
        out,
        name=NAME,
        precisions=["fp16"],
        texts={"zh": run.checkpoint("zh")},
        evaluation=EvaluationImages(scenes.images, scenes.captions(), scenes.split("dev"), (scenes.captions("zh"),)),
        overwrite=True,
    )
    output.print_line(f"{bundle.path}: {sum(record.bytes for record in bundle.manifest.files.values()) / 1e6:.1f} MB")
    output.print_line(str(bundle.manifest.precisions["fp16"]))


def main(
    out: Annotated[Path, typer.Option(help="Folder of the bundle; it is replaced.")],
    work: Annotated[Path, typer.Option(help="Folder of scenes and checkpoints.")] = Path("runs/demo"),
    photos: Annotated[
        Path | None, typer.Option(help="Folder with images/, captions.token, captions.zh.token, train.txt, dev.txt.")
    ] = None,
    init_from: Annotated[
        Path | None, typer.Option("--from", metavar="RUN", help="Run to take the image tower from.")
    ] = None,
    scenes: Annotated[int, typer.Option(help="Number of training scenes.")] = Recipe.scenes,
    epochs: Annotated[int, typer.Option(help="Epochs of training both towers on small images.")] = Recipe.joint_epochs,
) -> None:
    """Draw, train, export and evaluate."""
    captioned: CaptionedFolder | None = None
    name = f"world-{WORLD}"
    if photos is not None:
        captioned, name = CaptionedFolder(photos), f"{name}-photos"
        captioned.check_files()
    if init_from is not None:
        read_config(init_from)  # fail early
    run, recipe = DemoRun(work / name, captioned, init_from), Recipe(scenes=scenes, joint_epochs=epochs)
    render_scenes(run, recipe)
    train(run, recipe)
    export(run, out)


if __name__ == "__main__":
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.command()(main)
    output.run(program, "demo_bundle")
