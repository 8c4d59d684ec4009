"""The options that several commands of ``photoseek`` have, and how a shell completes their values.

The options of ``search`` that narrow what may be found.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli import output
from photoseek.errors import QueryError
from photoseek.gallery.filters import TYPES, Orientation
from photoseek.gallery.gallery import find_gallery
from photoseek.gallery.trust import Answer
from photoseek.system.terminal import visible
from photoseek.system.user_paths import absolute
from photoseek.vector_index.registry import Engine

_COMPLETING = "_PHOTOSEEK_COMPLETE"  # set by the shell's completion, which asks for defaults, too


def complete_gallery(incomplete: str) -> list[str]:
    """Folders that hold a gallery and begin like this; none where the shell has to complete a folder on the way.

    A name that a terminal must not get raw is left out: the shell would print it.
    """
    head, slash, start = incomplete.rpartition("/")
    folder = absolute(head + slash)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    wanted = (
        name
        for name in names
        if name.startswith(start) and visible(name) == name and (start or not name.startswith("."))
    )
    return [f"{head}{slash}{name}" for name in wanted if find_gallery(folder / name) is not None]


def complete_precision(incomplete: str) -> list[str]:
    """Precisions that begin like this."""
    from photoseek.bundle.description import PRECISIONS

    return [precision for precision in PRECISIONS if precision.startswith(incomplete)]


def gallery_here() -> Path:
    """The photo folder with a gallery that the current folder is, or lies in.

    Raises:
        QueryError: There is none.
    """
    here = Path.cwd()
    if _COMPLETING in os.environ:
        return here
    found = next((folder for folder in (here, *here.parents) if find_gallery(folder) is not None), None)
    if found is None:
        raise QueryError(
            "no gallery: expected --gallery DIR, or $PHOTOSEEK_GALLERY, or a current folder inside one; "
            "make one with: photoseek index PHOTOS"
        )
    return found


def trusting(trust: bool) -> Answer:
    """How a command answers whether a gallery is to be trusted: as the option says, else as the user does."""
    return output.confirm if not trust and output.can_ask() else trust


GalleryOption = Annotated[
    Path,
    typer.Option(
        "--gallery",
        metavar="DIR",
        help="The gallery, or the photo folder that holds it.",
        envvar="PHOTOSEEK_GALLERY",
        default_factory=gallery_here,
        show_default="the current folder's",
        autocompletion=complete_gallery,
    ),
]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust", help="Trust a gallery that came from elsewhere: the photo folder and the bundles that it records."
    ),
]
BundleOption = Annotated[
    str, typer.Option("--bundle", metavar="BUNDLE", help="A bundle's folder, that of a model of others, or: demo")
]
CountOption = Annotated[int, typer.Option("-k", min=1, help="How many photos, at most.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        metavar="fp32|fp16|int8|...",
        help="Of the towers; left out: the fastest on this CPU, and for a gallery's photos that which it began with.",
        autocompletion=complete_precision,
    ),
]
GalleryBundleOption = Annotated[
    str | None,
    typer.Option(
        "--bundle",
        metavar="BUNDLE",
        help="A bundle's folder, or: demo; left out: the gallery's own, for a new one demo",
    ),
]
IndexedBundleOption = Annotated[
    str | None,
    typer.Option(
        "--bundle",
        metavar="BUNDLE",
        help="Which of the gallery's bundles answers, by its name or folder; left out: its own, from where it lay.",
    ),
]
EngineOption = Annotated[Engine, typer.Option(help="How neighbours are found; auto: the fastest here.")]
ExactOption = Annotated[bool, typer.Option("--exact", help="Score every photo: the same as --engine exact.")]
PortOption = Annotated[int, typer.Option(help="Port of the page.")]
BrowserOption = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")]

FolderOption = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="Only photos in this folder inside the photo folder.")
]
TakenFromOption = Annotated[
    str | None, typer.Option(metavar="DATE", help="Taken then or later: 2024, 2024-05 or 2024-05-17.")
]
TakenToOption = Annotated[str | None, typer.Option(metavar="DATE", help="Taken then or before.")]
MinMegapixelsOption = Annotated[float | None, typer.Option(metavar="N", help="At least this many million pixels.")]
MaxMegapixelsOption = Annotated[float | None, typer.Option(metavar="N", help="At most this many million pixels.")]
OrientationOption = Annotated[Orientation | None, typer.Option(help="Wider than high, higher than wide, or neither.")]
TypeOption = Annotated[
    str | None,
    typer.Option(
        "--type",
        metavar="|".join(TYPES),
        help="Only files of this type.",
        autocompletion=lambda incomplete: [name for name in TYPES if name.startswith(incomplete)],
    ),
]
