"""``photoseek albums``: the albums of a gallery, and the favorites."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli import output
from photoseek.cli.options import GalleryOption, JsonOption
from photoseek.errors import QueryError
from photoseek.gallery.gallery import Gallery

app = typer.Typer(
    help="Manage the albums of a gallery: named lists of its photos. `Favorites` is one of them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the album.")]
_Photos = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PHOTO]...", help="Paths of photos in the photo folder. Default: one a line from stdin."),
]


@app.command("list")
def list_albums(gallery: GalleryOption, as_json: JsonOption = False) -> None:
    """Print the albums of a gallery.

    Example: `photoseek albums list --gallery ~/Photos`
    """
    albums = Gallery.open(gallery).albums.list()
    if as_json:
        output.print_json([{"name": album.name, "photos": album.photos} for album in albums])
    else:
        output.print_table(["album", "photos"], [[album.name, f"{album.photos:,}"] for album in albums])


@app.command()
def show(name: _Name, gallery: GalleryOption, as_json: JsonOption = False) -> None:
    """Print the paths of the photos of an album, in the order in which they were added.

    Example: `photoseek albums show Favorites --gallery ~/Photos`
    """
    paths = list(Gallery.open(gallery).albums.photos(name).values())
    if as_json:
        output.print_json(paths)
    else:
        for path in paths:
            output.print_line(path)


@app.command()
def add(name: _Name, gallery: GalleryOption, photos: _Photos = None) -> None:
    """Add photos to an album, which is created unless it exists.

    Example: `photoseek albums add "Lake 2024" lake/IMG_1.jpg lake/IMG_2.jpg --gallery ~/Photos`
    """
    count = Gallery.open(gallery, recover=True).albums.add(name, _paths(photos))
    output.print_line(f"{count:,} photos added to {name!r}")


@app.command()
def remove(name: _Name, gallery: GalleryOption, photos: _Photos = None) -> None:
    """Remove photos from an album; the photos stay where they are.

    Example: `photoseek albums remove "Lake 2024" lake/IMG_1.jpg --gallery ~/Photos`
    """
    count = Gallery.open(gallery, recover=True).albums.remove(name, _paths(photos))
    output.print_line(f"{count:,} photos removed from {name!r}")


@app.command()
def rename(
    name: _Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="New name of the album.")],
    gallery: GalleryOption,
) -> None:
    """Rename an album.

    Example: `photoseek albums rename "Lake 2024" "Lake" --gallery ~/Photos`
    """
    Gallery.open(gallery, recover=True).albums.rename(name, new_name)
    output.print_line(f"{name!r} is now {new_name!r}")


@app.command()
def delete(name: _Name, gallery: GalleryOption) -> None:
    """Delete an album; its photos stay where they are.

    Example: `photoseek albums delete "Lake 2024" --gallery ~/Photos`
    """
    Gallery.open(gallery, recover=True).albums.delete(name)
    output.print_line(f"{name!r} deleted")


@app.command()
def export(
    name: _Name,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder, or a file that ends with .csv.")],
    gallery: GalleryOption,
    xmp: Annotated[
        bool, typer.Option("--xmp", help="Write XMP files that add the name of the album as a keyword.")
    ] = False,
) -> None:
    """Create a folder of symbolic links to the photos of an album, or of XMP files, or a CSV file.

    Example: `photoseek albums export Favorites favorites.csv --gallery ~/Photos`
    """
    from photoseek.gallery.album_export import export_csv, export_links, export_xmp

    opened = Gallery.open(gallery)
    if xmp and out.suffix.lower() == ".csv":
        raise QueryError(f"--xmp: expected a new or empty folder, found {out}, which is the name of a CSV file")
    if xmp:
        exported = export_xmp(opened, name, out)
        for path, reason in exported.left_out.items():
            output.print_status("photoseek", f"{path}: left out: {reason}")
        output.print_line(f"{out}: {exported.photos:,} photos")
        return
    write = export_csv if out.suffix.lower() == ".csv" else export_links
    output.print_line(f"{out}: {write(opened, name, out):,} photos")


def _paths(photos: list[str] | None) -> list[str]:
    return photos or [line.rstrip("\n") for line in sys.stdin if line.strip()]
