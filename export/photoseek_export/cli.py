"""The command line ``photoseek-export``: turns a checkpoint into a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from photoseek.cli import output
from photoseek.cli.info import bundle_json, lacking_lines
from photoseek.cli.options import JsonOption
from photoseek_export.quality_gate import MAX_RECALL_DROP, MIN_COSINE, EvaluationImages
from photoseek_export.steps import StepCallback, no_step

if TYPE_CHECKING:
    from photoseek.bundle.bundle import Bundle

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="markdown")


def main() -> None:
    """Run ``photoseek-export``."""
    output.run(app, "photoseek-export", extra="export")


FromClip = Annotated[
    Path | None,
    typer.Option(
        "--from-clip",
        metavar="DIR",
        help="Instead of CHECKPOINT: local transformers folder of a CLIP, SigLIP or Chinese-CLIP model.",
    ),
]
Int8 = Annotated[
    bool, typer.Option("--int8", help="Also export int8 graphs; of CHECKPOINT, requires --images and --captions.")
]
Images = Annotated[
    Path | None, typer.Option(metavar="DIR", help="With --captions: evaluate each precision on these images.")
]
Captions = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Caption file; may be repeated, once for each text tower.")
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Calibration photos for --int8; defaults to photos of --images that are not evaluated."
    ),
]
MaxLoss = Annotated[
    float,
    typer.Option(metavar="POINTS", help="Maximum loss of mean recall of --int8; above it, no bundle is written."),
]
MinCosine = Annotated[
    float,
    typer.Option(
        metavar="COSINE",
        help="With --from-clip --int8 and without --captions: minimum mean cosine of int8 vectors with exact ones.",
    ),
]
Text = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LANGUAGE=CHECKPOINT",
        help="Text tower of another language, trained against the same image side; may be repeated.",
    ),
]
License = Annotated[
    str | None,
    typer.Option(help="SPDX identifier of the license of the weights.", show_default="MIT; with --from-clip: unknown"),
]


@app.command(context_settings={"help_option_names": ["-h", "--help"]})
def export(
    out: Annotated[Path, typer.Option(metavar="BUNDLE", help="Folder of the bundle.")],
    checkpoint: Annotated[Path | None, typer.Argument(help="Folder written by photoseek-train fit.")] = None,
    from_clip: FromClip = None,
    name: Annotated[str | None, typer.Option(help="Name of the bundle; defaults to the folder's name.")] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="Also export graphs with fp16 weights.")] = False,
    int8: Int8 = False,
    fp32: Annotated[bool, typer.Option("--fp32/--no-fp32", help="Whether to export fp32 graphs.")] = True,
    images: Images = None,
    captions: Captions = None,
    split: Annotated[Path | None, typer.Option(metavar="FILE", help="Names of the images to evaluate.")] = None,
    calibration: Calibration = None,
    max_loss: MaxLoss = MAX_RECALL_DROP,
    min_cosine: MinCosine = MIN_COSINE,
    language: Annotated[list[str] | None, typer.Option(help="Language of CHECKPOINT, such as en; repeatable.")] = None,
    text: Text = None,
    license: License = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing bundle.")] = False,
    as_json: JsonOption = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: output.VersionOption = False,
) -> None:
    """Export a checkpoint or a transformers model as a bundle of ONNX graphs, verified against PyTorch.

    Examples:

    - `photoseek-export runs/flickr30k --out bundles/flickr30k`
    - `photoseek-export runs/flickr30k --out bundles/flickr30k --int8 --images DIR --captions FILE --split dev.txt`
    - `photoseek-export runs/english --text zh=runs/chinese --out bundles/both`
    - `photoseek-export --from-clip models/clip-vit-base-patch32 --out bundles/clip --int8`
    """
    del version  # handled by its callback
    output.set_debug(debug)
    precisions, evaluation = _precisions(fp32, fp16, int8), _evaluation(images, captions, split)
    if (checkpoint is None) == (from_clip is None):
        raise typer.BadParameter("expected either CHECKPOINT or --from-clip DIR")
    if from_clip is not None:
        _expect_unset({"--text": text, "--calibration": calibration}, "CHECKPOINT")
    else:
        _expect_unset({"--min-cosine": min_cosine != MIN_COSINE}, "--from-clip")
        if int8 and evaluation is None:
            raise typer.BadParameter("--int8 requires captioned images to evaluate: --images and --captions")
    texts = _by_language(text or [])
    common = _Common(name=name, precisions=precisions, evaluation=evaluation, max_loss=max_loss, overwrite=overwrite)
    with nullcontext(no_step) if as_json else output.timed_steps() as on_step:
        on_step("load PyTorch")
        from photoseek_export import export_checkpoint, export_clip

        common["on_step"] = on_step
        if from_clip is not None:
            license = license or "unknown"
            bundle = export_clip(from_clip, out, languages=language, license=license, min_cosine=min_cosine, **common)
        elif checkpoint is not None:
            license, main = license or "MIT", language or ["en"]
            bundle = export_checkpoint(
                checkpoint, out, languages=main, texts=texts, license=license, calibration=calibration, **common
            )
    _print_bundle(bundle, as_json)


class _Common(TypedDict, total=False):
    """Arguments of both functions."""

    name: str | None
    precisions: list[str]
    evaluation: EvaluationImages | None
    max_loss: float
    overwrite: bool
    on_step: StepCallback


def _expect_unset(options: Mapping[str, object], needed: str) -> None:
    """Reject options that are set without what they need."""
    for option, value in options.items():
        if value:
            raise typer.BadParameter(f"{option} requires {needed}")


def _precisions(fp32: bool, fp16: bool, int8: bool) -> list[str]:
    if not (fp16 or fp32):
        raise typer.BadParameter("--no-fp32 requires --fp16")
    return [precision for precision, enabled in (("fp32", fp32), ("fp16", fp16), ("int8", int8)) if enabled]


def _evaluation(images: Path | None, captions: list[Path] | None, split: Path | None) -> EvaluationImages | None:
    if images is not None and captions:
        return EvaluationImages(images, captions[0], split, tuple(captions[1:]))
    if images is not None or captions:
        raise typer.BadParameter("expected --images and --captions together")
    return None


def _print_bundle(bundle: Bundle, as_json: bool) -> None:
    """Print the differences from PyTorch, the size, and what the bundle lacks."""
    if as_json:
        output.print_json(bundle_json(bundle))
        return
    for precision, facts in bundle.manifest.precisions.items():
        parity = facts["parity"]
        differences = f"{parity['text']:.1e} (text), {parity['vision']:.1e} (image)"
        for code, tower in bundle.manifest.text_towers.items():
            differences += f", {tower.precisions[precision]['parity']['text']:.1e} (text, {code})"
        output.print_line(f"{precision}: differs from PyTorch by {differences}")
    megabytes = sum(record.bytes for record in bundle.manifest.files.values()) / 1e6
    output.print_line(f"{bundle.path}: {megabytes:.1f} MB, {', '.join(bundle.precisions)}")
    if lines := lacking_lines(bundle):
        for line in lines:
            output.print_line(line)
        output.print_line("an export with --images DIR --captions FILE records recall and confidence")


def _by_language(given: list[str]) -> dict[str, Path]:
    """Parse options: ``zh=runs/chinese`` -> ``{"zh": Path("runs/chinese")}``."""
    texts: dict[str, Path] = {}
    for option in given:
        language, equals, checkpoint = option.partition("=")
        if not (equals and language and checkpoint):
            raise typer.BadParameter(f"--text: expected LANGUAGE=CHECKPOINT, found {option!r}")
        if language in texts:
            raise typer.BadParameter(f"--text: expected {language} once, found it twice")
        texts[language] = Path(checkpoint)
    return texts
