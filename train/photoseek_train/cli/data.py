"""The commands ``unpack``, ``inspect`` and ``keywords`` of ``photoseek-train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.captions import CaptionColumns
from photoseek.cli.option_groups import option_groups
from photoseek.cli.output import RUNTIME_ERROR, print_json, print_line
from photoseek_train.cli.progress_bars import progress_bars

Images = Annotated[Path, typer.Option("--images", help="Folder of the photos.")]
Captions = Annotated[
    Path, typer.Option("--captions", help="Captions: .token, a table with a header, JSON, or a folder.")
]
_SPLIT = "A file of photo names, or the name of a split in the caption file."


@option_groups
def unpack(
    *,
    source: Annotated[
        Path, typer.Argument(help="Folder of tar shards (WebDataset) or tables (Hugging Face datasets), or one file.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for the photos, captions.token, and a file for each split.")],
    columns: CaptionColumns,
) -> None:
    """Unpack photos and captions from WebDataset's tar shards, or from a data set of Hugging Face.

    An interrupted run continues where it stopped.

    Example: `photoseek-train unpack shards images`
    """
    from photoseek_train.unpack.unpack import CAPTIONS, find_parts, unpack

    parts = find_parts(source, columns)
    with progress_bars() as progress:
        found = unpack(parts, out, progress)
    splits = f", splits {', '.join(found.splits)}" if found.splits else ""
    print_line(f"{out / CAPTIONS}: {found.captions:,} captions of {found.photos:,} photos{splits}")
    if found.without_caption or found.without_photo:
        print_line(
            f"left out {found.without_caption:,} photos without a caption, and {found.without_photo:,} captions "
            "without a photo"
        )


def keywords(
    captions: Captions,
    out: Annotated[Path, typer.Option(help="Output file of captions with keywords.")],
    language: Annotated[str, typer.Option(help="en, zh, or auto: detect the language of each caption.")] = "auto",
    top: Annotated[int, typer.Option(help="Maximum number of keywords per caption.")] = 5,
) -> None:
    """Extract keywords of captions into a third column, for `fit --keywords P`.

    Example: `photoseek-train keywords --captions captions.token --out keywords.token`
    """
    from photoseek.captions import read_captions
    from photoseek_train.data.keywords import write_keywords

    found = read_captions(captions)
    with progress_bars() as progress:
        counts = [len(caption.keywords) for caption in write_keywords(found, out, language, top, progress)]
    average = sum(counts) / len(counts)
    print_line(f"{out}: {len(counts):,} captions, {average:.1f} keywords each, {counts.count(0):,} without keywords")


def inspect(
    images: Images,
    captions: Captions,
    train: Annotated[Path | None, typer.Option(help=f"Training split. {_SPLIT}")] = None,
    dev: Annotated[Path | None, typer.Option(help=f"Dev split. {_SPLIT}")] = None,
    test: Annotated[Path | None, typer.Option(help=f"Test split. {_SPLIT}")] = None,
    text_model: Annotated[str | None, typer.Option(help="Hugging Face BERT whose tokenizer counts tokens.")] = None,
    max_tokens: Annotated[int, typer.Option(help="Longer captions are truncated; needs --text-model.")] = 64,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check photos and captions before training: missing, unreadable, duplicated or too long ones.

    The exit code is 0 if `fit` accepts the data, and 1 if there are problems.

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
        raise typer.Exit(RUNTIME_ERROR)
