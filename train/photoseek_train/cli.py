"""``photoseek-train``: features, fit, evaluate, compact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.console import make_app, print_json, print_metrics, run
from photoseek_train.errors import SettingsError
from photoseek_train.watching import announce, bars

app = make_app("Train the two towers of a photo search.")

Images = Annotated[Path, typer.Option("--images", help="Folder of the photos.")]
Captions = Annotated[Path, typer.Option("--captions", help="Lines NAME#I<TAB>caption.")]
Split = Annotated[Path | None, typer.Option("--split", help="Photo names, one a line; by default every captioned one.")]
TextModel = Annotated[str, typer.Option("--text-model", help="Folder or name of a Hugging Face BERT.")]
ImageWeights = Annotated[str, typer.Option("--image-weights", help="ResNet18: imagenet, a .pth file, or none.")]
ImageSize = Annotated[int, typer.Option("--image-size", help="Side of the square that the image tower sees.")]
Resize = Annotated[str, typer.Option("--resize", help="crop: the middle of the photo; squash: all of it, squeezed.")]
Pooling = Annotated[str, typer.Option("--pooling", help="Token states become one: mean, or cls.")]
MaxTokens = Annotated[int, typer.Option("--max-tokens", help="Longer captions are cut off.")]
Workers = Annotated[int, typer.Option("--workers", help="Processes that decode photos which don't fit in memory.")]


def main() -> None:
    """Entry point of ``photoseek-train``."""
    run(app, "photoseek-train", bad_use=(SettingsError,), extra="train")


@app.command()
def features(
    images: Images,
    captions: Captions,
    text_model: TextModel,
    out: Annotated[Path, typer.Option(help="Folder for the features; what is fresh in it is kept.")],
    split: Split = None,
    image_weights: ImageWeights = "imagenet",
    image_size: ImageSize = 224,
    resize: Resize = "crop",
    pooling: Pooling = "mean",
    max_tokens: MaxTokens = 64,
) -> None:
    """Pass photos and captions through the frozen towers once; `fit --features` trains on the result."""
    from photoseek_train.config import preprocessing_of
    from photoseek_train.dataset import CaptionedPhotos
    from photoseek_train.features import make_features
    from photoseek_train.sources import TowerSources

    sources = TowerSources(text_model, image_weights, pooling, max_tokens)
    data = CaptionedPhotos.read(images, captions, split)
    with bars() as progress:
        made = make_features(out, sources, preprocessing_of(image_size, resize), data, progress)
    print(f"{out}: features of {made[0]} photos and {made[1]} captions")


@app.command()
def fit(
    images: Images,
    captions: Captions,
    train: Annotated[Path, typer.Option(help="Photo names to train on, one a line.")],
    dev: Annotated[Path, typer.Option(help="Photo names to measure on after each epoch.")],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint.")],
    text_model: Annotated[str | None, typer.Option(help="Folder or name of a Hugging Face BERT.")] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="CHECKPOINT",
            help="Go on from these towers and projectors, and see photos as they did; "
            "with --text-model: a new text tower beside its image side, which stays as it is.",
        ),
    ] = None,
    image_weights: ImageWeights = "imagenet",
    tune: Annotated[str, typer.Option(help="Towers that learn: none, image, text or both.")] = "none",
    freeze_images: Annotated[
        bool, typer.Option("--freeze-images", help="Leave the image projector as it is, too: photos keep their vectors.")
    ] = False,
    epochs: Annotated[int, typer.Option(help="Passes over the training photos.")] = 30,
    batch_size: Annotated[int, typer.Option(help="Pairs in a step; the others are the negatives.")] = 256,
    captions_per_photo: Annotated[int, typer.Option(help="Captions drawn for a photo, where photos are live.")] = 1,
    lr: Annotated[float, typer.Option(help="Peak learning rate of the projectors.")] = 1e-3,
    image_lr: Annotated[float, typer.Option(help="Peak learning rate of the image tower.")] = 1e-4,
    text_lr: Annotated[float, typer.Option(help="Peak learning rate of the text tower.")] = 3e-5,
    weight_decay: Annotated[float, typer.Option(help="AdamW's, on matrices only.")] = 0.01,
    warmup: Annotated[float, typer.Option(help="Share of the steps in which the rate rises.")] = 0.05,
    dropout: Annotated[float, typer.Option(help="Of the projectors.")] = 0.1,
    image_size: ImageSize = 224,
    resize: Resize = "crop",
    crop_scale: Annotated[float | None, typer.Option(help="Least share of it in training. [0.5; squash 0.8]")] = None,
    flip: Annotated[bool, typer.Option(help="Mirror half of the photos; not if captions tell left from right.")] = True,
    pooling: Pooling = "mean",
    max_tokens: MaxTokens = 64,
    seed: Annotated[int, typer.Option(help="What every random choice follows from.")] = 0,
    features: Annotated[Path | None, typer.Option(help="Folder of cached features. [OUT/features]")] = None,
    workers: Workers = 1,
    photo_memory: Annotated[float, typer.Option(help="GB that decoded photos may take.")] = 4.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT, if there is one.")] = False,
) -> None:
    """Train projectors, and towers if asked; OUT becomes the checkpoint of the best epoch on dev."""
    from photoseek_train.checkpoint import read_config
    from photoseek_train.config import AugmentConfig, OptimConfig, preprocessing_of
    from photoseek_train.dataset import CaptionedPhotos
    from photoseek_train.fit import Fit, FitSettings, Resources
    from photoseek_train.sources import TowerSources

    if crop_scale is None:
        crop_scale = 0.5 if resize == "crop" else 0.8
    if text_model is None and checkpoint is None:
        raise typer.BadParameter("expected --text-model, --from a checkpoint, or both")
    settings = FitSettings(
        TowerSources(text_model or "", image_weights, pooling, max_tokens, dropout=dropout, checkpoint=checkpoint),
        preprocessing_of(image_size, resize) if checkpoint is None else read_config(checkpoint).preprocessing,
        AugmentConfig(crop_scale, flip),
        OptimConfig(
            tune=tune,
            epochs=epochs,
            captions_per_photo=captions_per_photo,
            batch_size=batch_size,
            lr=lr,
            image_lr=image_lr,
            text_lr=text_lr,
            weight_decay=weight_decay,
            warmup=warmup,
            seed=seed,
            freeze_images=freeze_images or not (text_model is None or checkpoint is None),
        ),
    )
    training = CaptionedPhotos.read(images, captions, train)
    held_out = CaptionedPhotos.read(images, captions, dev)
    resources = Resources(features, workers, round(photo_memory * 1e9))
    with bars() as progress:
        done = Fit(training, held_out, settings, out, resources)(resume, announce(epochs), progress)
    if done.best is not None:
        print_metrics(done.best.dev, f"dev, epoch {done.best.epoch}")


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Folder that fit made.")],
    images: Images,
    captions: Captions,
    split: Split = None,
    workers: Workers = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a checkpoint: recall in percent and median rank, in both directions."""
    from photoseek_train.dataset import CaptionedPhotos
    from photoseek_train.evaluate import evaluate as measure

    data = CaptionedPhotos.read(images, captions, split)
    with bars() as progress:
        metrics = measure(checkpoint, data, workers, progress)
    if as_json:
        print_json({**metrics.to_json(), "precision": "fp32"})
    else:
        print_metrics(metrics, str(checkpoint))


@app.command()
def compact(
    captions: Captions,
    out: Annotated[Path, typer.Option(help="New folder for the model.")],
    layers: Annotated[int, typer.Option(help="Transformer layers.")] = 4,
    hidden: Annotated[int, typer.Option(help="Width.")] = 256,
    heads: Annotated[int, typer.Option(help="Attention heads.")] = 4,
    vocabulary: Annotated[int, typer.Option(help="Most word pieces to learn.")] = 4000,
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
) -> None:
    """Make a small BERT with a vocabulary of these captions and random weights, for `fit --text-model OUT`."""
    from photoseek.captions import read_captions
    from photoseek_train.compact import CompactBert, write_compact_bert

    texts = [caption.text for caption in read_captions(captions)]
    pieces = write_compact_bert(texts, out, CompactBert(layers, hidden, heads, vocabulary), seed)
    print(f"{out}: a BERT of {layers} layers, {hidden} wide, {pieces} word pieces")
