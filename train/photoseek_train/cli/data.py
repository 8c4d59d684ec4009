"""The commands of ``photoseek-train`` that look at captions and photos before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli.output import FAILURE, print_json, print_line
from photoseek_train.cli.progress_bars import progress_bars

_Captions = Annotated[Path, typer.Option("--captions", help="Captions: .token, CSV, Karpathy's or COCO's JSON.")]
_SPLIT = "A file of photo names, or a split that the captions carry."


def keywords(
    captions: _Captions,
    out: Annotated[Path, typer.Option(help="File for the captions with their keywords.")],
    language: Annotated[str, typer.Option(help="auto, en or zh; auto: each caption's own, by its script.")] = "auto",
    top: Annotated[int, typer.Option(help="Keywords of a caption, at most.")] = 5,
) -> None:
    """Write captions with a third column of keywords, for `fit --keywords P`.

    Example: `photoseek-train keywords --captions captions.token --out keywords.token`
    """
    from photoseek.captions import read_captions
    from photoseek_train.data.keywords import write_keywords

    found = read_captions(captions)
    with progress_bars() as progress:
        made = write_keywords(found, out, language, top, progress)
    average = made.keywords / made.captions
    print_line(f"{out}: {made.captions:,} captions with {average:.1f} keywords each, {made.bare:,} of them with none")


def inspect(
    images: Annotated[Path, typer.Option("--images", help="Folder of the photos.")],
    captions: _Captions,
    train: Annotated[Path | None, typer.Option(help=f"Training split. {_SPLIT}")] = None,
    dev: Annotated[Path | None, typer.Option(help=f"Dev split. {_SPLIT}")] = None,
    test: Annotated[Path | None, typer.Option(help=f"Test split. {_SPLIT}")] = None,
    text_model: Annotated[str | None, typer.Option(help="A Hugging Face BERT: count its tokens.")] = None,
    max_tokens: Annotated[int, typer.Option(help="Longer captions are cut off; told with --text-model.")] = 64,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look photos and captions over before training: what is missing, unreadable, twice there, too long.

    Exit code 0: `fit` can use them. 1: it would refuse; the problems are named.

    Example: `photoseek-train inspect --images images --captions captions.token --train train.txt --dev dev.txt`
    """
    from photoseek_train.cli.inspect_output import print_inspection
    from photoseek_train.inspect.check import inspect_data

    splits = {name: split for name, split in (("train", train), ("dev", dev), ("test", test)) if split is not None}
    with progress_bars() as progress:
        found = inspect_data(images, captions, splits, text_model, max_tokens, progress)
    if as_json:
        print_json(found.to_json())
    else:
        print_inspection(found)
    if not found.usable:
        raise typer.Exit(FAILURE)
