"""The embedded bundle from nothing: draw scenes, train both towers from scratch, export, measure.

    make demo-bundle

About forty minutes on two cores. Stop it when you like; the same command goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from photoseek import console
from photoseek.captions import read_captions
from photoseek.demo.scenes import DEV_SEEDS, TRAIN_SEEDS
from photoseek.demo.world import WORLD
from photoseek_export.demo_scenes import SceneFolder, write_scenes
from photoseek_export.export import Measured, export_checkpoint
from photoseek_train.compact import CompactBert, write_compact_bert
from photoseek_train.config import AugmentConfig, OptimConfig, preprocessing_of
from photoseek_train.dataset import CaptionedPhotos
from photoseek_train.fit import Fit, FitSettings
from photoseek_train.sources import TowerSources
from photoseek_train.watching import announce, bars

NAME = "photoseek-demo"
SIZE = 112  # pixels; the whole scene squeezed to a square
MAX_TOKENS = 64
BERT = CompactBert(layers=3, hidden=256, heads=4, vocabulary=2000, positions=MAX_TOKENS)


@dataclass(frozen=True)
class Recipe:
    """How much is drawn, and how long is trained."""

    scenes: int = 14_000
    dev_scenes: int = 500
    epochs: int = 7
    batch_size: int = 128
    text_epochs: int = 2
    text_batch_size: int = 512

    def optim(self) -> OptimConfig:
        """Both towers from scratch, all at one rate but BERT, which is less steady."""
        return OptimConfig(
            tune="both", epochs=self.epochs, batch_size=self.batch_size, lr=1e-3, image_lr=1e-3, text_lr=5e-4
        )

    def text_optim(self) -> OptimConfig:
        """The image tower rests: an epoch passes every sentence, not one for each scene, and batches can be large."""
        return OptimConfig(tune="text", epochs=self.text_epochs, batch_size=self.text_batch_size, lr=3e-4, text_lr=3e-4)


@dataclass(frozen=True)
class Workshop:
    """Where the intermediate things lie."""

    folder: Path

    @property
    def drawn(self) -> SceneFolder:
        """Pictures, texts and splits."""
        return SceneFolder(self.folder)

    @property
    def scenes(self) -> Path:
        """Pictures and ``captions.token``."""
        return self.drawn.images

    @property
    def captions(self) -> Path:
        """Five captions for each picture."""
        return self.drawn.captions()

    @property
    def sentences(self) -> Path:
        """What is trained on: the captions and, after them, the queries of each picture."""
        return self.drawn.sentences()

    @property
    def bert(self) -> Path:
        """The text tower before training."""
        return self.folder / "bert"

    @property
    def checkpoint(self) -> Path:
        """The model after training from scratch."""
        return self.folder / "checkpoint"

    @property
    def refined(self) -> Path:
        """The model after its text tower has read on."""
        return self.folder / "refined"

    def split(self, name: str) -> Path:
        """Names of the pictures of ``train`` or ``dev``."""
        return self.drawn.split(name)


def draw(workshop: Workshop, recipe: Recipe) -> None:
    """Draw the scenes that are not there yet, and write captions and splits."""
    seeds = {"train": TRAIN_SEEDS[: recipe.scenes], "dev": DEV_SEEDS[: recipe.dev_scenes]}
    with console.progress_bar("drawing", "scenes") as tell:
        write_scenes(workshop.folder, seeds, progress=tell)


def train(workshop: Workshop, recipe: Recipe) -> None:
    """Train both towers from scratch, then the text tower alone; or go on with a run that was stopped."""
    if not workshop.bert.exists():
        write_compact_bert([caption.text for caption in read_captions(workshop.sentences)], workshop.bert, BERT)
    scratch = TowerSources(str(workshop.bert), image_weights="none", max_tokens=MAX_TOKENS)
    fit(workshop, scratch, recipe.optim(), workshop.checkpoint)
    trained = TowerSources(checkpoint=workshop.checkpoint, max_tokens=MAX_TOKENS)
    fit(workshop, trained, recipe.text_optim(), workshop.refined)


def fit(workshop: Workshop, sources: TowerSources, optim: OptimConfig, out: Path) -> None:
    """One run of training on captions and queries, measured on the captions of the dev scenes."""
    augment = AugmentConfig(crop_scale=0.8, flip=False)  # captions tell left from right
    settings = FitSettings(sources, preprocessing_of(SIZE, "squash"), augment, optim)
    data = CaptionedPhotos.read(workshop.scenes, workshop.sentences, workshop.split("train"))
    dev = CaptionedPhotos.read(workshop.scenes, workshop.captions, workshop.split("dev"))
    with bars() as progress:
        Fit(data, dev, settings, out)(True, announce(optim.epochs), progress)


def export(workshop: Workshop, out: Path) -> None:
    """Export with weights in half the bytes, and measure that on the dev scenes."""
    bundle = export_checkpoint(
        workshop.refined,
        out,
        name=NAME,
        precisions=["fp16"],
        measured=Measured(workshop.scenes, workshop.captions, workshop.split("dev")),
        overwrite=True,
    )
    print(f"{bundle.path}: {sum(record.bytes for record in bundle.manifest.files.values()) / 1e6:.1f} MB")
    print(bundle.manifest.precisions["fp16"])


def main(
    out: Annotated[Path, typer.Option(help="The bundle's folder; what is there is replaced.")],
    work: Annotated[Path, typer.Option(help="Folder for scenes and checkpoint.")] = Path("runs/demo"),
    scenes: Annotated[int, typer.Option(help="Scenes to train on.")] = Recipe.scenes,
    epochs: Annotated[int, typer.Option(help="Times that each is seen.")] = Recipe.epochs,
) -> None:
    """Draw, train, export, measure."""
    workshop, recipe = Workshop(work / f"world-{WORLD}"), Recipe(scenes=scenes, epochs=epochs)
    draw(workshop, recipe)
    train(workshop, recipe)
    export(workshop, out)


if __name__ == "__main__":
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.command()(main)
    console.run(program, "demo_bundle")
