"""Options that several commands share, and shell completion."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli import output
from photoseek.errors import QueryError
from photoseek.gallery.location import find_gallery
from photoseek.gallery.trust import Answer
from photoseek.system.terminal import visible
from photoseek.system.user_paths import absolute
from photoseek.vector_index.registry import Engine

_COMPLETING = "_PHOTOSEEK_COMPLETE"  # set by shell completion, which also evaluates defaults


def complete_gallery(incomplete: str) -> list[str]:
    """Return the folders that start with ``incomplete`` and contain a gallery.

    Names with control characters are skipped, because the shell would print them.
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
    """Return the precisions that start with ``incomplete``."""
    from photoseek.bundle.description import PRECISIONS

    return [precision for precision in PRECISIONS if precision.startswith(incomplete)]


def gallery_here() -> Path:
    """Return the nearest folder with a gallery: the current folder or one of its parents.

    Raises:
        QueryError: None of them contains a gallery.
    """
    here = Path.cwd()
    if _COMPLETING in os.environ:
        return here
    found = next((folder for folder in (here, *here.parents) if find_gallery(folder) is not None), None)
    if found is None:
        raise QueryError(
            "no gallery: expected --gallery DIR, or $PHOTOSEEK_GALLERY, or a current folder inside one; "
            "create one with: photoseek index PHOTOS"
        )
    return found


def trusting(trust: bool) -> Answer:
    """Return the value of ``--trust``, or a prompt if the option is absent and a user can answer."""
    return output.confirm if not trust and output.can_ask() else trust


GalleryOption = Annotated[
    Path,
    typer.Option(
        "--gallery",
        metavar="DIR",
        help="The gallery, or its photo folder.",
        envvar="PHOTOSEEK_GALLERY",
        default_factory=gallery_here,
        show_default="the current folder's",
        autocompletion=complete_gallery,
    ),
]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust", help="Trust a gallery that was created elsewhere, with its recorded photo folder and bundles."
    ),
]
CountOption = Annotated[int, typer.Option("-k", min=1, help="Maximum number of photos.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        metavar="fp32|fp16|int8|...",
        help="Precision of the towers. Defaults to the fastest on this CPU; a gallery keeps its first image precision.",
        autocompletion=complete_precision,
    ),
]
IndexedBundleOption = Annotated[
    str | None,
    typer.Option(
        "--bundle",
        metavar="BUNDLE",
        help="Bundle of the gallery to use, by name or folder. Defaults to the gallery's primary bundle.",
    ),
]
ExactOption = Annotated[bool, typer.Option("--exact", help="Score every photo; the same as --engine exact.")]
AddressOption = Annotated[
    str, typer.Option(help="Address to listen on; any address except 127.0.0.1 exposes it to the network.")
]


@dataclass(frozen=True)
class ModelOptions:
    """Which towers encode a query, and which engine searches."""

    bundle: IndexedBundleOption = None
    precision: PrecisionOption = None
    engine: Annotated[
        Engine, typer.Option(help="Nearest-neighbor engine. `auto` uses the fastest one measured while indexing.")
    ] = "auto"
