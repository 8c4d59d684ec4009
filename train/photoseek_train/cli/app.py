"""The command line ``photoseek-train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli import metrics_table
from photoseek.cli.option_groups import option_groups
from photoseek.cli.output import make_app, print_json, print_line, run
from photoseek.errors import EvaluationError
from photoseek_train.cli.data import inspect, keywords
from photoseek_train.cli.progress_bars import print_epochs, progress_bars
from photoseek_train.errors import SettingsError

app = make_app("Train two-tower models for photo search.")
app.command()(inspect)
app.command()(keywords)

Images = Annotated[Path, typer.Option("--images", help="Folder of the photos.")]
Captions = Annotated[Path, typer.Option("--captions", help="Caption file: .token, CSV, or JSON of Karpathy or COCO.")]
Split = Annotated[
    Path | None, typer.Option("--split", help="File of photo names, or name of a split in the captions. [all]")
]
TextModel = Annotated[str, typer.Option("--text-model", help="Folder or name of a Hugging Face BERT.")]
ImageModel = Annotated[str, typer.Option("--image-model", help="ResNet of torchvision: resnet18, resnet50, ...")]
ImageWeights = Annotated[str, typer.Option("--image-weights", help="ResNet weights: imagenet, a .pth file, or none.")]
ImageSize = Annotated[int, typer.Option("--image-size", help="Side of the image tower's input in pixels.")]
Resize = Annotated[str, typer.Option("--resize", help="crop: center crop; squash: resize to a square.")]
Pooling = Annotated[str, typer.Option("--pooling", help="Pooling of token states: mean or cls.")]
MaxTokens = Annotated[int, typer.Option("--max-tokens", help="Longer captions are truncated.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps; auto uses a GPU if there is one.")]
Workers = Annotated[int, typer.Option("--workers", help="Processes that decode photos which do not fit in memory.")]


def main() -> None:
    """Run ``photoseek-train``."""
    run(app, "photoseek-train", bad_use=(SettingsError, EvaluationError), extra="train")


@app.command()
def features(
    images: Images,
    captions: Captions,
    text_model: TextModel,
    out: Annotated[Path, typer.Option(help="Folder of the features; valid ones are reused.")],
    split: Split = None,
    image_model: ImageModel = "resnet18",
    image_weights: ImageWeights = "imagenet",
    image_size: ImageSize = 224,
    resize: Resize = "crop",
    pooling: Pooling = "mean",
    max_tokens: MaxTokens = 64,
    precision: Annotated[str, typer.Option(help="fp32, or bf16: faster with hardware support.")] = "fp32",
    device: Device = "auto",
) -> None:
    """Encode photos and captions with the frozen towers; `fit --features` trains on the result.

    Example: `photoseek-train features --images images --captions captions.token --text-model bert-base-uncased
    --out features`
    """
    from photoseek_train.config import preprocessing_of
    from photoseek_train.data.dataset import CaptionedPhotos
    from photoseek_train.features.frozen_features import extract_features
    from photoseek_train.model.init import ModelInit

    sources = ModelInit(text_model, image_weights, pooling, max_tokens, image_model=image_model)
    data = CaptionedPhotos.read(images, captions, split)
    if precision not in ("fp32", "bf16"):
        raise typer.BadParameter(f"expected fp32 or bf16, found {precision!r}", param_hint="--precision")
    bf16 = precision == "bf16"
    with progress_bars() as progress:
        counts = extract_features(out, sources, preprocessing_of(image_size, resize), data, progress, device, bf16)
    print_line(f"{out}: features of {counts[0]} photos and {counts[1]} captions")


@app.command()
def fit(
    images: Images,
    captions: Captions,
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint.")],
    train: Annotated[
        Path | None, typer.Option(help="Training photos: a file of names, or a split of the captions. [train]")
    ] = None,
    dev: Annotated[
        Path | None, typer.Option(help="Photos to evaluate after each epoch: a file, or a split. [val]")
    ] = None,
    text_model: Annotated[str | None, typer.Option(help="Folder or name of a Hugging Face BERT.")] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="CHECKPOINT",
            help="Start from the weights and the preprocessing of a checkpoint; use another --seed to get other crops. "
            "With --text-model, train a new text tower against its frozen image side.",
        ),
    ] = None,
    image_model: ImageModel = "resnet18",
    image_weights: ImageWeights = "imagenet",
    tune: Annotated[str, typer.Option(help="Towers to train: none, image, text or both.")] = "none",
    freeze_images: Annotated[
        bool,
        typer.Option("--freeze-images", help="Freeze the image projector, too: vectors of photos do not change."),
    ] = False,
    epochs: Annotated[int, typer.Option(help="Passes over the training photos.")] = 30,
    batch_size: Annotated[int, typer.Option(help="Pairs per step; the other pairs are the negatives.")] = 256,
    batch_by: Annotated[str, typer.Option(help="all, or folder: take each batch from one folder.")] = "all",
    captions_per_photo: Annotated[int, typer.Option(help="Captions per photo, with a trained image tower.")] = 1,
    lr: Annotated[float, typer.Option(help="Peak learning rate of the projectors.")] = 1e-3,
    image_lr: Annotated[float, typer.Option(help="Peak learning rate of the image tower.")] = 1e-4,
    text_lr: Annotated[float, typer.Option(help="Peak learning rate of the text tower.")] = 3e-5,
    weight_decay: Annotated[float, typer.Option(help="Weight decay of AdamW, for matrices only.")] = 0.01,
    warmup: Annotated[float, typer.Option(help="Fraction of the steps with a rising learning rate.")] = 0.05,
    dropout: Annotated[float, typer.Option(help="Dropout rate of the projectors.")] = 0.1,
    loss: Annotated[str, typer.Option(help="infonce, or triplet with the hardest negative (VSE++).")] = "infonce",
    margin: Annotated[float, typer.Option(help="Margin of the triplet loss.")] = 0.2,
    hardest_after: Annotated[int, typer.Option(help="Epochs before triplet uses only the hardest negative.")] = 1,
    ema: Annotated[float, typer.Option(help="Decay of a moving average of the weights, such as 0.999; 0: none.")] = 0.0,
    patience: Annotated[int, typer.Option(help="Stop after this many epochs without a better dev rsum; 0: never.")] = 0,
    image_size: Annotated[
        int | None, typer.Option(help="Side of the image tower's input in pixels. [224; with --from: the same]")
    ] = None,
    resize: Annotated[
        str | None, typer.Option(help="crop: center crop; squash: resize to a square. [crop; with --from: the same]")
    ] = None,
    crop_scale: Annotated[float | None, typer.Option(help="Minimum area of random crops. [0.5; squash: 0.8]")] = None,
    flip: Annotated[bool, typer.Option(help="Mirror half of the photos; not if captions say left or right.")] = True,
    color: Annotated[float, typer.Option(help="Maximum relative change of brightness, contrast and saturation.")] = 0.0,
    gray: Annotated[float, typer.Option(help="Fraction of the photos converted to grayscale.")] = 0.0,
    erase: Annotated[float, typer.Option(help="Fraction of the photos with an erased rectangle.")] = 0.0,
    mix: Annotated[float, typer.Option(help="Fraction of the photos with a pasted patch of another (CutMix).")] = 0.0,
    views: Annotated[
        int, typer.Option(help="With a frozen image tower: random crops of each photo to train on; 0: the full photo.")
    ] = 0,
    train_size: Annotated[int, typer.Option(help="Side of training images in pixels; 0: that of --image-size.")] = 0,
    first_size: Annotated[int, typer.Option(help="Side in the first epoch, from which it grows; 0: no growth.")] = 0,
    pooling: Pooling = "mean",
    max_tokens: MaxTokens = 64,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    mask_tokens: Annotated[float, typer.Option(help="Fraction of tokens to mask, with a trained text tower.")] = 0.0,
    keywords: Annotated[float, typer.Option(help="Probability of replacing a caption by its keywords.")] = 0.0,
    features: Annotated[Path | None, typer.Option(help="Folder of cached features. [OUT/features]")] = None,
    precision: Annotated[
        str,
        typer.Option(help="auto: trained towers in bf16 if the hardware has it; fp32; bf16: frozen towers, too."),
    ] = "auto",
    device: Device = "auto",
    workers: Workers = 1,
    photo_memory: Annotated[float, typer.Option(help="Maximum GB of decoded photos.")] = 4.0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in OUT, if there is one.")] = False,
    report: Annotated[bool, typer.Option(help="Write OUT/report.html: curves, examples, failures.")] = True,
) -> None:
    """Train projectors, and optionally towers; OUT becomes the checkpoint of the best epoch on dev.

    Examples:

    - Frozen towers: `photoseek-train fit --images images --captions captions.token --train train.txt --dev dev.txt
      --text-model bert-base-uncased --out runs/first`
    - Continue with a trained image tower: `photoseek-train fit --images images --captions captions.token
      --from runs/first --tune image --seed 1 --out runs/second`
    """
    from photoseek_train.config import AugmentConfig, OptimConfig
    from photoseek_train.data.dataset import read_splits
    from photoseek_train.model.init import ModelInit
    from photoseek_train.report.run_report import DataFiles, finish_report, report_epochs
    from photoseek_train.training.fit import Fit, FitResources, FitSettings, preprocessing_for

    if text_model is None and checkpoint is None:
        raise typer.BadParameter("expected --text-model, --from a checkpoint, or both")
    preprocessing = preprocessing_for(checkpoint, image_size, resize)
    if crop_scale is None:
        crop_scale = 0.8 if preprocessing.shortest_edge is None else 0.5
    settings = FitSettings(
        ModelInit(
            text_model or "",
            image_weights,
            pooling,
            max_tokens,
            dropout=dropout,
            checkpoint=checkpoint,
            image_model=image_model,
        ),
        preprocessing,
        AugmentConfig(crop_scale, flip, color, gray, erase, train_size, first_size, views),
        OptimConfig(
            tune=tune,
            epochs=epochs,
            captions_per_photo=captions_per_photo,
            batch_size=batch_size,
            batch_by=batch_by,
            lr=lr,
            image_lr=image_lr,
            text_lr=text_lr,
            weight_decay=weight_decay,
            warmup=warmup,
            loss=loss,
            margin=margin,
            hardest_after=hardest_after,
            ema=ema,
            patience=patience,
            seed=seed,
            precision=precision,
            freeze_images=freeze_images or not (text_model is None or checkpoint is None),
            keywords=keywords,
            mix=mix,
            mask_tokens=mask_tokens,
        ),
    )
    training, dev_split = read_splits(images, captions, train, dev)
    on_epoch = report_epochs(out, print_epochs(epochs)) if report else print_epochs(epochs)
    resources = FitResources(features, workers, round(photo_memory * 1e9), device)
    with progress_bars() as progress:
        run_folder = Fit(training, dev_split, settings, out, resources)(resume, on_epoch, progress)
        if not run_folder.processes.is_main:
            return
        if report and run_folder.best is not None:
            DataFiles(images, (captions,), dev or "val").save(out)
            finish_report(run_folder, dev_split, workers, progress)
    if run_folder.best is not None:
        metrics_table.print_metrics(run_folder.best.dev, f"dev, epoch {run_folder.best.epoch}")


@app.command()
@option_groups
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Folder that fit wrote.")],
    images: Images,
    captions: metrics_table.CaptionFiles,
    options: metrics_table.ProtocolOptions,
    split: Split = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write examples and failures as HTML.")
    ] = None,
    workers: Workers = 1,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Evaluate a checkpoint: recall in percent, median and mean rank, in both directions.

    Example: `photoseek-train evaluate runs/first --images images --captions captions.token --split test.txt`
    """
    from photoseek_train.data.dataset import CaptionedPhotos
    from photoseek_train.evaluation.evaluate import encode_checkpoint, evaluate_split, select_split
    from photoseek_train.report.report import ReportData, write_evaluation_report
    from photoseek_train.report.run_report import describe

    protocol = options.protocol
    data = select_split(CaptionedPhotos.read(images, captions, split), protocol)
    with progress_bars() as progress:
        vectors = encode_checkpoint(checkpoint, data, workers, progress, device)
    found = evaluate_split(data, vectors, protocol)
    if report is not None:
        name = (split or images).name
        write_evaluation_report(report, checkpoint, ReportData.of(describe(name, data), data, vectors, found))
    if as_json:
        print_json(found.to_json())
    else:
        metrics_table.print_evaluation(found, str(checkpoint))


@app.command("report")
def report_command(
    checkpoint: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that fit wrote.")],
    images: Annotated[Path | None, typer.Option(help="Folder of the photos. [that of the run]")] = None,
    captions: Annotated[list[Path] | None, typer.Option(help="Caption file; repeatable. [those of the run]")] = None,
    split: Annotated[Path | None, typer.Option(help="Photos to evaluate. [dev of the run]")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Output file. [RUN/report.html]")] = None,
    workers: Workers = 1,
) -> None:
    """Write the report of a run, one HTML file: settings, curves, metrics, examples, failures.

    Example: `photoseek-train report runs/first`
    """
    from photoseek_train.report.run_report import files_of, report_run

    data = files_of(checkpoint, images, captions, split).read()
    with progress_bars() as progress:
        written = report_run(checkpoint, data, workers, progress, out)
    print_line(str(written))


@app.command()
def average(
    checkpoints: Annotated[list[Path], typer.Argument(help="Folders that fit wrote, fine-tuned from one another.")],
    out: Annotated[Path, typer.Option(help="New folder of the checkpoint.")],
) -> None:
    """Average the weights of checkpoints (a model soup), which often improves on each of them.

    Example: `photoseek-train average runs/first runs/second --out runs/soup`
    """
    from photoseek_train.model.soup import model_soup

    model_soup(checkpoints, out)
    print_line(f"{out}: average of {len(checkpoints)} checkpoints; evaluate it with: photoseek-train evaluate {out}")


@app.command()
def transplant(
    checkpoint: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that fit wrote.")],
    captions: Annotated[Path, typer.Option(help="Captions in the language of the checkpoint.")],
    into: Annotated[Path, typer.Option(metavar="CAPTIONS", help="Captions of the same photos in the new language.")],
    out: Annotated[Path, typer.Option(help="New folder of the checkpoint.")],
    split: Annotated[
        Path | None, typer.Option("--split", help="Use only the captions of these photos: a file, or a split.")
    ] = None,
    vocabulary: Annotated[int, typer.Option(help="Maximum number of word pieces.")] = 4000,
) -> None:
    """Transfer a text tower to another language, for `fit --from OUT --tune text`.

    Example: `photoseek-train transplant runs/first --captions captions.token --into captions.zh.token --out runs/begin`
    """
    from photoseek.captions import captions_of, read_caption_file
    from photoseek_train.model.vocabulary_transfer import transfer_vocabulary

    old, new = (read_caption_file(file) for file in (captions, into))
    with progress_bars() as progress:
        pieces = transfer_vocabulary(
            checkpoint,
            captions_of(old.captions, old.names(split)),
            captions_of(new.captions, new.names(split)),
            out,
            vocabulary,
            progress,
        )
    print_line(f"{out}: {pieces} word pieces; train with: photoseek-train fit --from {out} --tune text --freeze-images")


@app.command()
def compact(
    captions: Captions,
    out: Annotated[Path, typer.Option(help="New folder of the model.")],
    split: Annotated[
        Path | None, typer.Option("--split", help="Use only the captions of these photos: a file, or a split.")
    ] = None,
    layers: Annotated[int, typer.Option(help="Transformer layers.")] = 4,
    hidden: Annotated[int, typer.Option(help="Hidden size.")] = 256,
    heads: Annotated[int, typer.Option(help="Attention heads.")] = 4,
    vocabulary: Annotated[int, typer.Option(help="Maximum number of word pieces.")] = 4000,
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 0,
) -> None:
    """Create a small BERT with random weights and a vocabulary of these captions, for `fit --text-model OUT`.

    Example: `photoseek-train compact --captions captions.token --split train.txt --out bert`
    """
    from photoseek.captions import captions_of, read_caption_file
    from photoseek_train.model.compact_bert import CompactBert, create_compact_bert

    file = read_caption_file(captions)
    texts = [caption.text for caption in captions_of(file.captions, file.names(split))]
    pieces = create_compact_bert(texts, out, CompactBert(layers, hidden, heads, vocabulary), seed)
    print_line(f"{out}: a BERT of {layers} layers, {hidden} wide, {pieces} word pieces")
