"""The options of ``search`` that narrow what may be found."""

from __future__ import annotations

from typing import Annotated

import typer

from photoseek.gallery.filters import TYPES, Orientation

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
