"""``photoseek captions``: add captions to a gallery, and find those that describe a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photoseek.captions import Caption, CaptionColumns, captions_of, read_caption_file
from photoseek.cli import output
from photoseek.cli.option_groups import option_groups
from photoseek.cli.options import GalleryOption, JsonOption, TrustOption, trusting
from photoseek.errors import CaptionFileError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.indexing.report import Progress
from photoseek.system.atomic_write import write_bytes_atomic
from photoseek.system.user_paths import on_disk

app = typer.Typer(
    help="Manage the captions of a gallery and describe photos with them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.command()
def add(
    files: Annotated[
        list[Path],
        typer.Argument(help="Caption files: .token, a table with a header, JSON, or folders of .txt."),
    ],
    gallery: GalleryOption,
    plain: Annotated[bool, typer.Option("--plain", help="Read plain text files with one caption per line.")] = False,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add captions to a gallery. Captions that it already has are skipped.

    Example: `photoseek captions add captions.token --gallery ~/Photos`
    """
    captions = [caption for file in files for caption in (_sentences(file) if plain else _captions(file))]
    opened = Gallery.open(gallery, recover=True, trust=trusting(trust))
    with output.progress_bar("encoding") as update:

        def show(progress: Progress) -> None:
            update(progress.done, progress.total)

        added = opened.add_captions(captions, progress=show)
    if as_json:
        output.print_json({"read": len(captions), "added": added, "captions": opened.sentences.count()})
    else:
        output.print_line(
            f"{added:,} of {len(captions):,} captions were new; the gallery has {opened.sentences.count():,}"
        )


@app.command()
@option_groups
def convert(
    *,
    file: Annotated[Path, typer.Argument(help="Caption file of any format, or a folder of .txt files.")],
    out: Annotated[Path, typer.Argument(help="Output file with lines `NAME#I<TAB>caption`.")],
    columns: CaptionColumns,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Write only this split of the file.")] = None,
) -> None:
    """Write captions of any format as lines `NAME#I<TAB>caption`, which every command reads.

    Example: `photoseek captions convert table.csv captions.token --image-column picture --caption-column words`
    """
    found = read_caption_file(file, columns=columns)
    captions = found.captions if split is None else captions_of(found.captions, found.names(split))
    lines = (f"{each.image}#{each.index}\t{each.text}\n" for each in captions)
    write_bytes_atomic(out, "".join(lines).encode())
    output.print_line(f"{out}: {len(captions):,} captions of {len({each.image for each in captions}):,} images")


@app.command()
def clear(gallery: GalleryOption) -> None:
    """Delete all captions of a gallery.

    Example: `photoseek captions clear --gallery ~/Photos`
    """
    output.print_line(f"{Gallery.open(gallery, recover=True).sentences.clear():,} captions deleted")


@app.command()
def describe(
    gallery: GalleryOption,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="Photo to describe.")] = None,
    similar_to: Annotated[
        str | None, typer.Option(metavar="PATH", help="Photo of the gallery to describe: its path in the photo folder.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Maximum number of captions.")] = 5,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the captions of a gallery that match a photo best.

    Example: `photoseek captions describe --image cat.jpg --gallery ~/Photos`
    """
    from photoseek.search.caption_search import CaptionSearcher
    from photoseek.search.searcher import Searcher

    searcher = Searcher(Gallery.open(gallery, trust=trusting(trust)))
    file = None if image is None else on_disk(image)
    found = CaptionSearcher(searcher).describe(file, similar_to=similar_to, k=k)
    if as_json:
        output.print_json([sentence.to_json() for sentence in found])
    else:
        output.print_table(["caption", "score"], [[sentence.text, f"{sentence.score:.3f}"] for sentence in found])


def _captions(file: Path) -> list[Caption]:
    return list(read_caption_file(file).captions)


def _sentences(file: Path) -> list[Caption]:
    try:
        lines = Path(on_disk(file)).read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CaptionFileError(f"{file}: expected UTF-8 text with one caption per line: {error}") from error
    return [Caption("", number, line.strip()) for number, line in enumerate(lines) if line.strip()]
