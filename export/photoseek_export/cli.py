"""``photoseek-export``: a checkpoint in, a bundle out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from photoseek.cli import output
from photoseek_export.quality_gate import MAX_RECALL_DROP

if TYPE_CHECKING:
    from photoseek.bundle.bundle import Bundle
    from photoseek_export.quality_gate import EvaluationImages

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="markdown")


def main() -> None:
    """The entry point."""
    output.run(app, "photoseek-export", extra="export")


@app.command(context_settings={"help_option_names": ["-h", "--help"]})
def export(
    out: Annotated[Path, typer.Option(metavar="BUNDLE", help="The bundle's folder.")],
    checkpoint: Annotated[Path | None, typer.Argument(help="A folder that photoseek-train fit wrote.")] = None,
    from_clip: Annotated[
        Path | None,
        typer.Option(
            "--from-clip",
            metavar="DIR",
            help="In place of CHECKPOINT: a local folder of transformers with a CLIP, SigLIP or Chinese-CLIP.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What people will call it; left out: the folder's name.")] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="Also a pair of graphs with weights in half the bytes.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Also a pair computed in int8; wants --images and --captions.")
    ] = False,
    fp32: Annotated[bool, typer.Option("--fp32/--no-fp32", help="Whether the bundle has the full pair.")] = True,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --captions: measure each precision on these images.")
    ] = None,
    captions: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Lines NAME#I<TAB>caption; may be repeated, once for each text tower."),
    ] = None,
    split: Annotated[Path | None, typer.Option(metavar="FILE", help="Names of the images that count.")] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Photos that show --int8 its ranges; left out: those of --images that don't count."
        ),
    ] = None,
    max_loss: Annotated[
        float,
        typer.Option(metavar="POINTS", help="How much mean recall --int8 may lose; above it no bundle is written."),
    ] = MAX_RECALL_DROP,
    language: Annotated[list[str] | None, typer.Option(help="Of CHECKPOINT, as en; may be repeated.")] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LANGUAGE=CHECKPOINT",
            help="A further language's text tower, trained against the same image side; may be repeated.",
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(help="SPDX identifier of the licence of the weights.", show_default="MIT; of --from-clip unknown"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a bundle that is there.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    """Turn a checkpoint, or a model of transformers, into a bundle of ONNX graphs, compared with PyTorch first.

    Examples:

    - `photoseek-export runs/flickr30k --out bundles/flickr30k`
    - `photoseek-export runs/flickr30k --out bundles/flickr30k --int8 --images DIR --captions FILE --split dev.txt`
    - `photoseek-export runs/english --text zh=runs/chinese --out bundles/both`
    - `photoseek-export --from-clip models/clip-vit-base-patch32 --out bundles/clip --fp16`
    """
    output.set_debug(debug)
    if (images is None) != (not captions):
        raise typer.BadParameter("--images and --captions go together")
    if not (fp16 or fp32):
        raise typer.BadParameter("--no-fp32 leaves nothing to export without --fp16")
    if int8 and images is None:
        raise typer.BadParameter("--int8 wants captioned images to measure its loss on: --images and --captions")
    if (checkpoint is None) == (from_clip is None):
        raise typer.BadParameter("expected CHECKPOINT, or --from-clip DIR, and not both")
    from photoseek_export.quality_gate import EvaluationImages

    shared: _Shared = {
        "name": name,
        "precisions": [p for p, wanted in (("fp32", fp32), ("fp16", fp16), ("int8", int8)) if wanted],
        "evaluation": EvaluationImages(images, captions[0], split, tuple(captions[1:]))
        if images and captions
        else None,
        "overwrite": overwrite,
    }
    if from_clip is not None:
        refused = {"--int8": int8, "--text": text, "--calibration": calibration}
        if given := [option for option, value in refused.items() if value]:
            raise typer.BadParameter(f"{given[0]} goes with a checkpoint; --from-clip makes fp32 and --fp16")
        from photoseek_export.clip.export import export_clip

        bundle = export_clip(from_clip, out, languages=language, licence=licence or "unknown", **shared)
    elif checkpoint is not None:
        from photoseek_export.export import export_checkpoint

        bundle = export_checkpoint(
            checkpoint,
            out,
            languages=language or ["en"],
            texts=_by_language(text or []),
            licence=licence or "MIT",
            calibration=calibration,
            max_loss=max_loss,
            **shared,
        )
    _tell(bundle)


class _Shared(TypedDict):
    """What checkpoints and models of others have in common."""

    name: str | None
    precisions: list[str]
    evaluation: EvaluationImages | None
    overwrite: bool


def _tell(bundle: Bundle) -> None:
    """How near it is to PyTorch, and how large."""
    for precision, facts in bundle.manifest.precisions.items():
        parity = facts["parity"]
        told = f"{parity['text']:.1e} (text), {parity['vision']:.1e} (image)"
        for code, tower in bundle.manifest.text_towers.items():
            told += f", {tower.precisions[precision]['parity']['text']:.1e} (text, {code})"
        output.print_line(f"{precision}: differs from PyTorch by {told}")
    megabytes = sum(record.bytes for record in bundle.manifest.files.values()) / 1e6
    output.print_line(f"{bundle.path}: {megabytes:.1f} MB, {', '.join(bundle.precisions)}")


def _by_language(given: list[str]) -> dict[str, Path]:
    """``zh=runs/chinese`` -> ``{"zh": Path("runs/chinese")}``."""
    texts: dict[str, Path] = {}
    for option in given:
        language, equals, checkpoint = option.partition("=")
        if not (equals and language and checkpoint):
            raise typer.BadParameter(f"--text: expected LANGUAGE=CHECKPOINT, found {option!r}")
        if language in texts:
            raise typer.BadParameter(f"--text: {language} is given twice")
        texts[language] = Path(checkpoint)
    return texts
