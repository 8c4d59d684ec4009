"""The embedded bundle: drawn scenes and, where photographs are given, these too; in English and Chinese.

    make demo-bundle                                        # scenes alone, from nothing
    make demo-bundle ARGS="--photos flickr8k --begin-with runs/flickr8k"

The second begins with the image tower of a run of ``photoseek-train fit`` on the photographs. Stop it when you like;
the same command goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli import output
from photoseek_export.demo.collection import KINDS, PHOTOS, Collection, PhotoCollection
from photoseek_export.demo.scene_folder import SceneFolder, write_scenes
from photoseek_export.demo.scenes.languages import Language
from photoseek_export.demo.scenes.scenes import DEV_SEEDS, TRAIN_SEEDS
from photoseek_export.demo.scenes.world import WORLD
from photoseek_export.export import export_checkpoint
from photoseek_export.quality_gate import EvaluationImages
from photoseek_train.cli.progress_bars import print_epochs, progress_bars
from photoseek_train.config import AugmentConfig, OptimConfig, preprocessing_of
from photoseek_train.model.checkpoint import read_config
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert
from photoseek_train.model.init import ModelInit
from photoseek_train.training.fit import Fit, FitResources, FitSettings

NAME = "photoseek-demo"
SIZE = 144  # pixels; the whole picture squeezed to a square
MAX_TOKENS = 64
BERTS: dict[Language, CompactBert] = {
    "en": CompactBert(layers=3, hidden=256, heads=4, vocabulary=6000, positions=MAX_TOKENS),
    "zh": CompactBert(layers=3, hidden=256, heads=4, vocabulary=3000, positions=MAX_TOKENS),
}
AUGMENT = AugmentConfig(crop_scale=0.6, flip=False, color=0.2, size=112)  # captions tell left from right, and colors
FINE_AUGMENT = AugmentConfig(crop_scale=0.8, flip=False, color=0.2, size=SIZE)  # what a caption names stays


@dataclass(frozen=True)
class Recipe:
    """How much is drawn, how large the towers and their pictures are, and how long is trained."""

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
        """Both towers: at one rate if from nothing, but BERT's, which is less steady; else the images' is lower.

        Batches hold scenes and photographs together: batch norms are measured with the statistics of both.
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
        """The image side rests: an epoch passes every sentence, batches can be large, and of one kind of picture."""
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
    """Where the intermediate things lie, and what training begins with.

    Attributes:
        folder: Of all that is made.
        photographs: To train on beside the scenes.
        begin_with: A run whose image tower knows photographs; None: random weights.
    """

    folder: Path
    photographs: PhotoCollection | None = None
    begin_with: Path | None = None

    @property
    def drawn(self) -> SceneFolder:
        """Pictures, texts and splits of the scenes."""
        return SceneFolder(self.folder)

    @property
    def collection(self) -> Collection:
        """Scenes and photographs."""
        return Collection(self.folder / "pictures", self.drawn, self.photographs)

    def bert(self, language: Language) -> Path:
        """A text tower before training."""
        return self.folder / f"bert-{language}"

    def checkpoint(self, stage: str) -> Path:
        """The run of a stage: ``reading``, ``joint``, ``fine``, ``reading-zh``, ``en`` or ``zh``."""
        return self.folder / stage


def render_scenes(run: DemoRun, recipe: Recipe) -> None:
    """Draw the scenes that are not there yet, and write captions and splits."""
    seeds = {"train": TRAIN_SEEDS[: recipe.scenes], "dev": DEV_SEEDS[: recipe.dev_scenes]}
    with output.progress_bar("drawing", "scenes") as tell:
        write_scenes(run.folder, seeds, progress=tell)
    run.collection.link()


def train(run: DemoRun, recipe: Recipe) -> None:
    """Train both towers, on small pictures and then on whole ones, then each language's text tower alone.

    What is done already is not done again, and a run that was stopped goes on.
    """
    for language, texts in run.collection.texts().items():
        if not run.bert(language).exists():
            create_compact_bert(texts, run.bert(language), recipe.berts[language])
    joint = recipe.joint(recipe.joint_epochs, from_nothing=run.begin_with is None)
    beginning = _first_phase(run, recipe)
    fit(run, "joint", beginning, joint, recipe.augment, size=recipe.size)
    fit(run, "fine", _continue_from(run.checkpoint("joint")), recipe.joint(recipe.fine_epochs), recipe.fine_augment)
    chinese = _new_text_tower(run, run.checkpoint("fine"), "zh")
    fit(run, "reading-zh", chinese, recipe.text(recipe.chinese_epochs), language="zh")
    for language, before in ("en", "fine"), ("zh", "reading-zh"):
        closing = recipe.text(recipe.closing_epochs)
        fit(run, language, _continue_from(run.checkpoint(before)), closing, language=language)


def _first_phase(run: DemoRun, recipe: Recipe) -> ModelInit:
    """Random towers; or an image tower that knows photographs, and a text tower that has read beside it."""
    if run.begin_with is None:
        return ModelInit(str(run.bert("en")), image_weights="none", max_tokens=MAX_TOKENS)
    sources = _new_text_tower(run, run.begin_with, "en")
    kinds = KINDS if run.photographs is None else (PHOTOS,)
    fit(run, "reading", sources, recipe.text(recipe.reading_epochs), kinds=kinds)
    return _continue_from(run.checkpoint("reading"))


def _continue_from(checkpoint: Path) -> ModelInit:
    return ModelInit(checkpoint=checkpoint, max_tokens=MAX_TOKENS)


def _new_text_tower(run: DemoRun, checkpoint: Path, language: Language) -> ModelInit:
    """A new text tower beside the image side of a checkpoint."""
    return ModelInit(str(run.bert(language)), checkpoint=checkpoint, max_tokens=MAX_TOKENS)


def fit(
    run: DemoRun,
    stage: str,
    sources: ModelInit,
    optim: OptimConfig,
    augment: AugmentConfig | None = None,
    language: Language = "en",
    kinds: Sequence[str] = KINDS,
    size: int = SIZE,
) -> None:
    """One stage of training, measured on the captions of held-out pictures; ``size`` counts where it is the first."""
    trained = sources.checkpoint
    preprocessing = preprocessing_of(size, "squash") if trained is None else read_config(trained).preprocessing
    settings = FitSettings(sources, preprocessing, augment or AugmentConfig(), optim)
    data = run.collection
    resources = FitResources(features=run.folder / ("features-reading" if stage == "reading" else "features"))
    with progress_bars() as progress:
        splits = data.train(language, kinds), data.dev(language, kinds)
        Fit(*splits, settings, run.checkpoint(stage), resources)(True, print_epochs(optim.epochs), progress)


def export(run: DemoRun, out: Path) -> None:
    """Export with weights in half the bytes, and measure that on the dev scenes."""
    scenes = run.drawn
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
    out: Annotated[Path, typer.Option(help="The bundle's folder; what is there is replaced.")],
    work: Annotated[Path, typer.Option(help="Folder for scenes and checkpoints.")] = Path("runs/demo"),
    photos: Annotated[
        Path | None, typer.Option(help="Folder with images/, captions.token, captions.zh.token, train.txt, dev.txt.")
    ] = None,
    begin_with: Annotated[Path | None, typer.Option(metavar="RUN", help="Its image tower is begun with.")] = None,
    scenes: Annotated[int, typer.Option(help="Scenes to train on.")] = Recipe.scenes,
    epochs: Annotated[int, typer.Option(help="Times that each is seen small by both towers.")] = Recipe.joint_epochs,
) -> None:
    """Draw, train, export, measure."""
    photographs = None if photos is None else PhotoCollection(photos)
    if photographs is not None:
        photographs.check_files()
    if begin_with is not None:
        read_config(begin_with)
    name = f"world-{WORLD}" if photographs is None else f"world-{WORLD}-photos"
    run = DemoRun(work / name, photographs, begin_with)
    recipe = Recipe(scenes=scenes, joint_epochs=epochs)
    render_scenes(run, recipe)
    train(run, recipe)
    export(run, out)


if __name__ == "__main__":
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.command()(main)
    output.run(program, "demo_bundle")
