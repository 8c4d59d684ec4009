"""The command line ``photoseek-train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli import metrics_table
from photoseek.cli.option_groups import help_of, option_groups
from photoseek.cli.output import make_app, print_json, print_line, run
from photoseek.errors import EvaluationError
from photoseek_train.cli.data import Captions, Images, inspect, keywords, unpack
from photoseek_train.cli.fit import IMAGE_SIZE, IMAGE_SIZE_DEFAULT, RESIZE, distill, fit
from photoseek_train.cli.progress_bars import progress_bars
from photoseek_train.config import FitResources, ModelInit
from photoseek_train.errors import SettingsError

app = make_app("Train two-tower models for photo search.")
for command in (unpack, inspect, keywords, fit, distill):
    app.command()(command)

Split = Annotated[
    Path | None, typer.Option("--split", help="File of photo names, or name of a split in the captions. [all]")
]
Device = Annotated[str, typer.Option("--device", help=help_of(FitResources, "device"))]
Workers = Annotated[int, typer.Option("--workers", help=help_of(FitResources, "workers"))]
TextModel = Annotated[str, typer.Option("--text-model", help=help_of(ModelInit, "text_model"))]


def main() -> None:
    """Run ``photoseek-train``."""
    run(app, "photoseek-train", bad_use=(SettingsError, EvaluationError), extra="train")


@app.command()
@option_groups
def features(
    *,
    images: Images,
    captions: Captions,
    text_model: TextModel,  # noqa: ARG001 - a field of sources
    out: Annotated[Path, typer.Option(help="Folder of the features; up-to-date ones are reused.")],
    split: Split = None,
    sources: ModelInit,
    image_size: Annotated[int | None, typer.Option(help=f"{IMAGE_SIZE} [{IMAGE_SIZE_DEFAULT}]")] = None,
    resize: Annotated[str | None, typer.Option(help=f"{RESIZE} [crop]")] = None,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 (faster with hardware support).")] = "fp32",
    device: Device = "auto",
) -> None:
    """Encode photos and captions with the frozen towers; `fit --features` trains on the result.

    Example: `photoseek-train features --images images --captions captions.token --text-model bert-base-uncased
    --out features`
    """
    from photoseek_train.data.dataset import CaptionedPhotos
    from photoseek_train.features.up_to_date import FeatureInputs, is_up_to_date, record_up_to_date

    data = CaptionedPhotos.read(images, captions, split)
    if precision not in ("fp32", "bf16"):
        raise typer.BadParameter(f"expected fp32 or bf16, found {precision!r}", param_hint="--precision")
    digest = FeatureInputs(sources, data, (image_size, resize, precision)).digest()
    if not is_up_to_date(out, digest):
        from photoseek_train.features.frozen_features import extract_features
        from photoseek_train.training.fit import preprocessing_for

        with progress_bars() as progress:
            preprocessing = preprocessing_for(None, sources.image_model, image_size, resize)
            extract_features(out, sources, preprocessing, data, progress, device, precision == "bf16")
        record_up_to_date(out, digest)
    print_line(f"{out}: features of {len(data.names)} photos and {len(data.captions)} captions")


@app.command()
@option_groups
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Folder written by fit.")],
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
    from photoseek_train.report.report import ReportData, write_report
    from photoseek_train.report.run_report import describe

    protocol = options.protocol
    data = select_split(CaptionedPhotos.read(images, captions, split), protocol)
    with progress_bars() as progress:
        vectors = encode_checkpoint(checkpoint, data, workers, progress, device)
    found = evaluate_split(data, vectors, protocol)
    if report is not None:
        name = (split or images).name
        findings = ReportData.of(describe(name, data), data, vectors, found)
        write_report(checkpoint, findings, report, curves=False)
    if as_json:
        print_json(found.to_json())
    else:
        metrics_table.print_evaluation(found, str(checkpoint))


@app.command("report")
def report_command(
    checkpoint: Annotated[Path, typer.Argument(metavar="RUN", help="Folder written by fit.")],
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
    checkpoints: Annotated[list[Path], typer.Argument(help="Folders written by fit, fine-tuned from one another.")],
    out: Annotated[Path, typer.Option(help="New folder of the checkpoint.")],
) -> None:
    """Average the weights of checkpoints (a model soup). The result is often better than each of them.

    Example: `photoseek-train average runs/first runs/second --out runs/soup`
    """
    from photoseek_train.model.soup import model_soup

    model_soup(checkpoints, out)
    print_line(f"{out}: average of {len(checkpoints)} checkpoints; evaluate it with: photoseek-train evaluate {out}")


_ModelFolder = Annotated[Path, typer.Option("--out", help="New folder of the model.")]
_CaptionSplit = Annotated[
    Path | None, typer.Option("--split", help="Use only the captions of these photos: a file, or a split.")
]


@app.command()
def transplant(
    checkpoint: Annotated[Path, typer.Argument(metavar="RUN", help="Folder written by fit.")],
    captions: Annotated[Path, typer.Option(help="Captions in the language of the checkpoint.")],
    into: Annotated[Path, typer.Option(metavar="CAPTIONS", help="Captions of the same photos in the new language.")],
    out: Annotated[Path, typer.Option(help="New folder of the checkpoint.")],
    split: _CaptionSplit = None,
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
    out: _ModelFolder,
    split: _CaptionSplit = None,
    layers: Annotated[int, typer.Option(help="Transformer layers.")] = 4,
    hidden: Annotated[int, typer.Option(help="Hidden size.")] = 256,
    heads: Annotated[int, typer.Option(help="Attention heads.")] = 4,
    vocabulary: Annotated[int, typer.Option(help="Maximum number of word pieces.")] = 4000,
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 0,
) -> None:
    """Create a small BERT with random weights and a vocabulary learned from captions, for `fit --text-model OUT`.

    Example: `photoseek-train compact --captions captions.token --split train.txt --out bert`
    """
    from photoseek_train.model.compact_bert import CompactBert, create_compact_bert

    pieces = create_compact_bert(_texts(captions, split), out, CompactBert(layers, hidden, heads, vocabulary), seed)
    print_line(f"{out}: a BERT of {layers} layers, {hidden} wide, {pieces} word pieces")


@app.command()
def shorten(
    source: Annotated[str, typer.Argument(metavar="BERT", help="Folder or name of a Hugging Face BERT.")],
    captions: Captions,
    out: _ModelFolder,
    split: _CaptionSplit = None,
    layers: Annotated[int, typer.Option(help="Transformer layers to keep.")] = 3,
    vocabulary: Annotated[
        int, typer.Option(help="Word pieces at the start of the vocabulary to keep, beside those of the captions.")
    ] = 16_000,
    positions: Annotated[int | None, typer.Option(help="Maximum number of tokens. [that of the BERT]")] = None,
) -> None:
    """Keep some layers and word pieces of a pretrained BERT, for `fit --text-model OUT --tune text`.

    Example: `photoseek-train shorten sentence-transformers/all-MiniLM-L6-v2 --captions captions.token --out bert`
    """
    from photoseek_train.model.shortened_bert import shorten_bert

    pieces = shorten_bert(source, _texts(captions, split), out, layers, vocabulary, positions)
    print_line(f"{out}: a BERT of {layers} layers, {pieces} word pieces")


def _texts(captions: Path, split: Path | None) -> list[str]:
    from photoseek.captions import captions_of, read_caption_file

    file = read_caption_file(captions)
    return [caption.text for caption in captions_of(file.captions, file.names(split))]
