"""Training of the embedded bundle, in English and Chinese, on captioned photos and drawn scenes.

    make demo-bundle ARGS="--photos flickr8k --text-model all-MiniLM-L6-v2 --image-weights efficientnet_lite0.pth"

It can be interrupted at any time; the same command resumes it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from photoseek_train.config import TIMM, AugmentConfig, FitResources, ModelInit, OptimConfig
from photoseek_train.features.teacher import Teacher
from photoseek_train.model.checkpoint import CheckpointFiles
from photoseek_train.model.shortened_bert import shorten_bert
from photoseek_train.model.soup import model_soup
from photoseek_train.model.vocabulary_transfer import transfer_vocabulary
from photoseek_train.training.fit import Fit, FitSettings, preprocessing_for

NAME = "photoseek-demo"
ORIGINS = """\
- Image tower: EfficientNet-Lite0, trained on ImageNet (Apache-2.0).
- English text tower: three layers of all-MiniLM-L6-v2 (Apache-2.0), from which the Chinese one was transferred.
- Photos and English captions: Flickr8k (Hodosh et al. 2013), for research.
- Chinese captions: Flickr8K-CN (Li et al. 2016), written and machine-translated (no license stated).
- Scenes: drawn by photoseek (MIT)."""
IMAGE_MODEL = f"{TIMM}tf_efficientnet_lite0"
MAX_TOKENS = 32  # in training
MAX_POSITIONS = 64
DROPOUT = 0.4

PHOTOS = AugmentConfig(crop_scale=0.4, color=0.2, size=144)
BOTH = AugmentConfig(crop_scale=0.7, flip=False, color=0.1, size=144)  # scenes are captioned with sides and colors


@dataclass(frozen=True)
class Recipe:
    """Amount of data, model sizes and training lengths.

    Attributes:
        size: Side of images in pixels; they are resized to a square.
        teacher_size: Side of images for the teacher, of which both towers are frozen.
        layers: Layers of the text towers.
        english_pieces: Word pieces at the start of the pretrained vocabulary to keep, beside those of the captions.
        chinese_pieces: Maximum size of the Chinese vocabulary.
        frozen_stages: Stages of the image tower that keep their pretrained weights.
        cycle_epochs: Further epochs on photos, with a new cycle of the learning rate.
        cycle_seeds: Seeds of such cycles. Each starts from the first training on photos, and the average of their
            weights finds more than any of them: "Model soups" (Wortsman et al. 2022).
        both_seeds: The same for training on photos and scenes.
        averaged: Stages whose weights are averaged. Training on scenes costs recall on photos, most of which the
            average restores: WiSE-FT (Wortsman et al. 2022, section 3).
        english_seeds: Seeds of the English text tower, tuned again with the image tower frozen.
        english: Stages whose weights are averaged for it, for the same reason.
    """

    image_model: str = IMAGE_MODEL
    size: int = 192
    teacher_size: int = 224
    layers: int = 3
    english_pieces: int = 16_000
    chinese_pieces: int = 4_000
    frozen_stages: int = 4
    scenes: int = 6_000
    dev_scenes: int = 500
    teacher_epochs: int = 20
    reading_epochs: int = 25
    photo_epochs: int = 8
    cycle_epochs: int = 6
    cycle_seeds: Sequence[int] = (2, 3, 4)
    both_epochs: int = 2
    both_seeds: Sequence[int] = (1, 2)
    english_epochs: int = 2
    english_seeds: Sequence[int] = (1, 2)
    chinese_epochs: int = 2
    batch_size: int = 192
    text_batch_size: int = 512
    photos: AugmentConfig = PHOTOS
    both: AugmentConfig = BOTH
    averaged: Sequence[str] = ("both-1", "both-2", "soup", "soup")
    english: Sequence[str] = ("en-1", "en-1", "en-2", "en-2", "averaged", "averaged", "averaged")

    def towers(self, epochs: int, seed: int = 1) -> OptimConfig:
        """Return the settings for training both towers on photos."""
        return OptimConfig(
            tune="both",
            epochs=epochs,
            captions_per_photo=2,
            batch_size=self.batch_size,
            lr=5e-4,
            image_lr=4e-4,
            frozen_stages=self.frozen_stages,
            text_lr=1e-4,
            weight_decay=0.1,
            ema=0.98,
            seed=seed,
        )

    def towers_on_both(self, seed: int) -> OptimConfig:
        """Return the settings for training both towers on photos and scenes: at half the rates, to keep the photos."""
        photos = self.towers(self.both_epochs, seed)
        return replace(
            photos,
            captions_per_photo=1,
            lr=photos.lr / 2,
            image_lr=photos.image_lr / 2,
            text_lr=photos.text_lr / 2,
            mix=0.2,
        )

    def frozen(self) -> OptimConfig:
        """Return the settings for training the projectors of the teacher."""
        return OptimConfig(epochs=self.teacher_epochs, batch_size=self.text_batch_size)

    def reading(self) -> OptimConfig:
        """Return the settings for distilling the text tower; every epoch has one caption of each photo."""
        return OptimConfig(
            tune="text",
            epochs=self.reading_epochs,
            batch_size=self.text_batch_size,
            text_lr=5e-4,
            weight_decay=0.05,
            ema=0.98,
        )

    def text(self, epochs: int, text_lr: float, seed: int) -> OptimConfig:
        """Return the settings for training a text tower with a frozen image side, in large batches of one kind."""
        return OptimConfig(
            tune="text",
            freeze_images=True,
            epochs=epochs,
            batch_size=self.text_batch_size,
            batch_by="folder",
            lr=5e-4,
            text_lr=text_lr,
            weight_decay=0.05,
            ema=0.99,
            seed=seed,
        )


@dataclass(frozen=True)
class Pretrained:
    """What the towers start from.

    Attributes:
        text_model: Folder or name of an English BERT.
        image_weights: Weights of the image tower: a file, ``imagenet``, or ``none``.
    """

    text_model: str
    image_weights: str


@dataclass(frozen=True)
class DemoRun:
    """The folder of a training of the embedded bundle, its photos, and its starting point."""

    folder: Path
    photos: CaptionedFolder
    pretrained: Pretrained

    @property
    def scenes(self) -> CaptionedFolder:
        """The drawn scenes."""
        return CaptionedFolder(self.folder / "drawn")

    @property
    def collection(self) -> Collection:
        """Scenes and photos."""
        return Collection(self.folder / "pictures", {"scenes": self.scenes, "photos": self.photos})

    def checkpoint(self, stage: str) -> Path:
        """Return the run of a stage, see ``train``."""
        return self.folder / stage

    def trained(self, stage: str) -> ModelInit:
        """Return the model of a stage."""
        return ModelInit(checkpoint=self.checkpoint(stage), max_tokens=MAX_TOKENS, dropout=DROPOUT)


def render_scenes(run: DemoRun, recipe: Recipe) -> None:
    """Draw missing scenes, and write captions and splits."""
    seeds = {"train": TRAIN_SEEDS[: recipe.scenes], "dev": DEV_SEEDS[: recipe.dev_scenes]}
    with output.progress_bar("drawing", "scenes") as progress:
        write_scenes(run.scenes.folder, seeds, progress=progress)
    run.collection.link()


def train(run: DemoRun, recipe: Recipe) -> None:
    """Train both towers on photos, then on photos and scenes, and then the text tower of each language.

    The stages are ``teacher``, ``reading``, ``photos``, ``photos-2`` to ``photos-4``, ``soup``, ``both-1``, ``both-2``,
    ``averaged``, ``en-1``, ``en-2``, ``en``, ``transferred`` and ``zh``. A number is a seed.

    Finished stages are skipped, and an interrupted one is resumed.
    """
    distill_text_tower(run, recipe)
    photos = recipe.towers(recipe.photo_epochs)
    fit(run, "photos", run.trained("reading"), photos, recipe.photos, kinds=["photos"], size=recipe.size)
    for seed in recipe.cycle_seeds:
        cycle = recipe.towers(recipe.cycle_epochs, seed)
        fit(run, f"photos-{seed}", run.trained("photos"), cycle, recipe.photos, kinds=["photos"])
    average(run, [f"photos-{seed}" for seed in recipe.cycle_seeds], "soup")
    for seed in recipe.both_seeds:
        fit(run, f"both-{seed}", run.trained("soup"), recipe.towers_on_both(seed), recipe.both)
    average(run, recipe.averaged, "averaged")
    for seed in recipe.english_seeds:
        fit(run, f"en-{seed}", run.trained("averaged"), recipe.text(recipe.english_epochs, 1e-4, seed))
    average(run, recipe.english, "en")
    transferred = run.checkpoint("transferred")
    if discard_unfinished(transferred):
        source = run.checkpoint("averaged")
        english, chinese = (run.collection.data("train", language).captions for language in LANGUAGES)
        with progress_bars() as progress:
            transfer_vocabulary(source, english, chinese, transferred, recipe.chinese_pieces, progress)
    fit(run, "zh", run.trained("transferred"), recipe.text(recipe.chinese_epochs, 3e-4, seed=1), language="zh")


def distill_text_tower(run: DemoRun, recipe: Recipe) -> None:
    """Distill a text tower with few layers from a teacher: all layers of the BERT, and projectors trained on photos.

    A BERT that has lost half of its layers encodes captions badly. Its own complete vectors repair it with the captions
    alone, before the contrastive loss, which overfits on few photos, tunes it.
    """
    bert, teacher = run.folder / "bert-en", run.folder / "teacher-bundle"
    if not bert.exists():
        texts = [caption.text for caption in run.collection.data("train", "en").captions]
        shorten_bert(run.pretrained.text_model, texts, bert, recipe.layers, recipe.english_pieces, MAX_POSITIONS)
    complete = ModelInit(
        run.pretrained.text_model,
        image_model=recipe.image_model,
        image_weights=run.pretrained.image_weights,
        max_tokens=MAX_TOKENS,
        dropout=DROPOUT,
    )
    fit(run, "teacher", complete, recipe.frozen(), kinds=["photos"], size=recipe.teacher_size)
    if not teacher.exists():
        export_checkpoint(run.checkpoint("teacher"), teacher)
    short = replace(complete, text_model=str(bert), dropout=0.0)
    reading, size = recipe.reading(), recipe.teacher_size
    fit(run, "reading", short, reading, kinds=["photos"], size=size, teacher=Teacher.load(teacher))


def average(run: DemoRun, stages: Sequence[str], out: str) -> None:
    """Average the weights of stages."""
    if discard_unfinished(run.checkpoint(out)):
        model_soup([run.checkpoint(stage) for stage in stages], run.checkpoint(out))


def discard_unfinished(checkpoint: Path) -> bool:
    """Remove a checkpoint without weights, which an interruption left; return whether there is no checkpoint now."""
    if (checkpoint / CheckpointFiles.WEIGHTS).exists():
        return False
    shutil.rmtree(checkpoint, ignore_errors=True)
    return True


def fit(
    run: DemoRun,
    stage: str,
    sources: ModelInit,
    optim: OptimConfig,
    augment: AugmentConfig | None = None,
    language: Language = "en",
    kinds: Sequence[str] | None = None,
    size: int | None = None,
    teacher: Teacher | None = None,
) -> None:
    """Run one stage of training, evaluated on the dev captions; ``size`` None: that of the checkpoint to start from."""
    preprocessing = preprocessing_for(sources.checkpoint, sources.image_model, size, "squash" if size else None)
    settings = FitSettings(sources, preprocessing, augment or AugmentConfig(), optim)
    collection = run.collection
    resources = FitResources(features=run.folder / f"features-{preprocessing.width}")
    with progress_bars() as progress:
        splits = collection.data("train", language, kinds), collection.data("dev", language, kinds)
        stage_fit = Fit(*splits, settings, run.checkpoint(stage), resources, teacher)
        stage_fit(True, print_epochs(optim.epochs), progress)


def export(run: DemoRun, out: Path) -> None:
    """Export as int8, evaluated on the dev photos."""
    photos = run.photos
    bundle = export_checkpoint(
        run.checkpoint("en"),
        out,
        name=NAME,
        precisions=["fp16", "int8"],
        published=["int8"],
        texts={"zh": run.checkpoint("zh")},
        evaluation=EvaluationImages(photos.images, photos.captions(), photos.split("dev"), (photos.captions("zh"),)),
        overwrite=True,
        origins=ORIGINS,
    )
    output.print_line(f"{bundle.path}: {sum(record.bytes for record in bundle.manifest.files.values()) / 1e6:.1f} MB")
    output.print_line(str(bundle.manifest.precisions["int8"]))


def main(
    out: Annotated[Path, typer.Option(help="Folder of the bundle; it is replaced.")],
    photos: Annotated[
        Path, typer.Option(help="Folder with images/, captions.token, captions.zh.token, train.txt, dev.txt.")
    ],
    text_model: Annotated[str, typer.Option(help="Folder or name of the English BERT to start from.")],
    image_weights: Annotated[str, typer.Option(help=f"Weights of {IMAGE_MODEL} to start from.")] = "imagenet",
    work: Annotated[Path, typer.Option(help="Folder of scenes and checkpoints.")] = Path("runs/demo"),
    scenes: Annotated[int, typer.Option(help="Number of training scenes.")] = Recipe.scenes,
) -> None:
    """Draw, train, export and evaluate."""
    captioned = CaptionedFolder(photos)
    captioned.check_files()
    run = DemoRun(work / f"world-{WORLD}", captioned, Pretrained(text_model, image_weights))
    recipe = Recipe(scenes=scenes)
    render_scenes(run, recipe)
    train(run, recipe)
    export(run, out)


if __name__ == "__main__":
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.command()(main)
    output.run(program, "demo_bundle")
