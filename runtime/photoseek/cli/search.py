"""``photoseek search``: its options, for a single query or for each line of standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from photoseek.cli import hits, image_viewer, output
from photoseek.cli.option_groups import option_groups
from photoseek.cli.options import CountOption, ExactOption, GalleryOption, ModelOptions, TrustOption, trusting
from photoseek.cli.rerank import RerankOptions
from photoseek.cli.store import StoreOptions
from photoseek.errors import PhotoError, QueryError
from photoseek.gallery.database.pixel_limit import check_pixel_limit
from photoseek.gallery.database.typed_names import with_known_names
from photoseek.gallery.filters import TYPES, Filter, Orientation
from photoseek.gallery.gallery import Gallery
from photoseek.photos.download import download_photo, is_url
from photoseek.search.name_query import Names
from photoseek.system.user_paths import on_disk

if TYPE_CHECKING:
    from photoseek.photos.decode import PhotoInput
    from photoseek.search.hits import Hit
    from photoseek.search.searcher import Searcher

_EDGE = 2_048  # of an image with --pixel-limit: more than any tower reads

SearchFn: TypeAlias = "Callable[[str | None], Sequence[Hit]]"
"""Returns the hits of a query."""

_NONE = "no photo matches these filters"
_NO_NAME = "no name, title or keyword has all of these words; search what photos show with: --names also"


@dataclass(frozen=True)
class QueryOptions:
    """What is searched, and how many hits are returned."""

    query: Annotated[
        list[str] | None,
        typer.Argument(help="Text query. Without one, each line of standard input is a query."),
    ] = None
    image: Annotated[str | None, typer.Option(metavar="FILE", help="Find photos similar to this image file.")] = None
    allow_url: Annotated[bool, typer.Option("--allow-url", help="Let --image be a URL, which is fetched.")] = False
    pixel_limit: Annotated[
        int | None,
        typer.Option(metavar="MEGAPIXELS", help="Decode an --image of up to this size [default: 150]"),
    ] = None
    similar_to: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Find photos similar to this photo of the gallery: its path in the photo folder."
        ),
    ] = None
    k: CountOption = 5
    group_duplicates: Annotated[
        bool, typer.Option("--group-duplicates", help="Group near-duplicates and count each group as one hit.")
    ] = False
    names: Annotated[
        Names,
        typer.Option(help="Find photos also by words in their names, titles and keywords, only by these, or never."),
    ] = "also"
    language: Annotated[
        str | None,
        typer.Option(
            metavar="en|zh", help="Language of the query (`en` or `zh`). Detected from the script by default."
        ),
    ] = None

    def photo(self) -> PhotoInput | None:
        """Return the photo that is a part of the query: fetched if it is a URL, decoded if it may exceed the limit.

        Raises:
            QueryError: It is a URL, and ``--allow-url`` is not given, or the limit is invalid.
            PhotoError: It cannot be fetched or decoded.
        """
        found = self._file()
        if found is None or self.pixel_limit is None:
            return found
        from photoseek.photos.decode import decode_photo

        try:
            return decode_photo(found, _EDGE, max_pixels=check_pixel_limit(self.pixel_limit)).image
        except PhotoError as error:
            raise PhotoError(f"{self.image}: {error}") from error

    def _file(self) -> str | bytes | None:
        if self.image is None or not is_url(self.image):
            return self.image if self.image is None else on_disk(self.image)
        if not self.allow_url:
            raise QueryError(
                f"--image: expected a file, found the URL {self.image}; pass --allow-url to fetch it, or download it"
            )
        return download_photo(self.image)


@dataclass(frozen=True)
class FilterOptions:
    """Conditions that every hit meets."""

    folder: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Only photos in this subfolder of the photo folder.")
    ] = None
    taken_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="Taken on this date or later: 2024, 2024-05 or 2024-05-17.")
    ] = None
    taken_to: Annotated[str | None, typer.Option(metavar="DATE", help="Taken on this date or earlier.")] = None
    min_megapixels: Annotated[float | None, typer.Option(metavar="N", help="Minimum size in megapixels.")] = None
    max_megapixels: Annotated[float | None, typer.Option(metavar="N", help="Maximum size in megapixels.")] = None
    orientation: Annotated[Orientation | None, typer.Option(help="Only photos of this orientation.")] = None
    type: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(TYPES),
            help="Only files of this type.",
            autocompletion=lambda incomplete: [name for name in TYPES if name.startswith(incomplete)],
        ),
    ] = None
    camera: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only photos of this camera, such as: Canon EOS R6.")
    ] = None


@dataclass(frozen=True)
class OutputOptions:
    """How hits are printed.

    Raises:
        typer.BadParameter: More than one output format is given.
    """

    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; for queries on standard input, one object per line.")
    ] = False
    paths: Annotated[bool, typer.Option("--paths", help="Print only absolute paths or URLs, one per line.")] = False
    null: Annotated[bool, typer.Option("--null", "-0", help="Print paths terminated by NUL, for xargs -0.")] = False
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Show the photos in the terminal below the table (extra: terminal).")
    ] = False
    open: Annotated[bool, typer.Option("--open", help="Open the photos in the system's image viewer.")] = False

    def __post_init__(self) -> None:
        formats = {"--json": self.as_json, "--paths": self.only_paths, "--pictures": self.pictures}
        given = [name for name, is_given in formats.items() if is_given]
        if len(given) > 1:
            raise typer.BadParameter(f"expected one output format, found {' and '.join(given)}")

    @property
    def only_paths(self) -> bool:
        """Whether paths are printed instead of a table."""
        return self.paths or self.null

    def check(self) -> None:
        """Check that the terminal and the programs can do what the options select, or exit."""
        if self.pictures:
            image_viewer.check_terminal_images()
        if self.open:
            image_viewer.find_viewer()


@option_groups
def search(
    *,
    gallery: GalleryOption,
    options: QueryOptions,
    filters: FilterOptions,
    model: ModelOptions,
    reranking: RerankOptions,
    exact: ExactOption = False,
    storage: StoreOptions,
    trust: TrustOption = False,
    form: OutputOptions,
) -> None:
    """Search photos by text, by image, or by both.

    A query can add, subtract and weight terms with `+`, `-` and `N:`. Escape these characters with a backslash.

    Exit codes: 0 if every query succeeded, 1 if a search failed or a line of standard input is not a valid query,
    2 for a usage error.

    Examples:

    - `photoseek search "two dogs on a beach" --gallery ~/Photos -k 10`
    - Weighted terms: `photoseek search "dog + 2:beach - person" --gallery ~/Photos`
    - Photos of one summer: `photoseek search "a lake" --gallery ~/Photos --taken-from 2023-06 --taken-to 2023-08`
    - Rerank the top hits: `photoseek search "a lake" --gallery ~/Photos --rerank bundles/flickr30k`
    - Open photos similar to an image: `photoseek search --image holiday.jpg --gallery ~/Photos --open`
    - Copy the photos found: `photoseek search "at night" --gallery ~/Photos -0 | xargs -0 cp -t night`
    - Many queries, one JSON object per line: `photoseek search --gallery ~/Photos --json < queries.txt`
    - Search in a vector database: `photoseek search "a lake" --gallery ~/Photos --store postgresql://me@db/photos`
    """
    form.check()
    lines = _query_lines() if not options.query and options.image is None and options.similar_to is None else None
    where = Filter(**vars(filters))
    none = _NO_NAME if options.names == "only" else _NONE
    with closing(open_searcher(Gallery.open(gallery, trust=trusting(trust)), model, exact, storage)) as searcher:
        searcher.text_encoder.require_text_tower(options.language)  # once, not for each line
        where = with_known_names(searcher.gallery.database, where)
        run = partial(
            reranking.wrap(searcher, model.precision).search,
            photo=options.photo(),
            similar_to=options.similar_to,
            k=options.k,
            language=options.language,
            where=where,
            group_duplicates=options.group_duplicates,
            names=options.names,
        )
        if lines is None:
            run_query(run, " ".join(options.query) if options.query else None, form, none)
        else:
            raise typer.Exit(_run_batch(run, lines, form, none))


def open_searcher(gallery: Gallery, model: ModelOptions, exact: bool, storage: StoreOptions | None = None) -> Searcher:
    """Return the searcher that the options of a command select."""
    from photoseek.search.searcher import Searcher

    storage = storage or StoreOptions()
    if exact and storage.store is not None:
        raise typer.BadParameter("expected --exact, or --store (or PHOTOSEEK_STORE), found both")
    return Searcher(
        gallery,
        bundle=None if model.bundle is None else gallery.bundles.load(model.bundle),
        precision=model.precision,
        engine="exact" if exact else model.engine,
        **vars(storage.choice),
    )


def run_query(run: SearchFn, query: str | None, form: OutputOptions, none: str = _NONE) -> None:
    """Run one query and print its hits."""
    found = run(query)
    if form.as_json:
        output.print_json([hit.to_json() for hit in found])
    else:
        _print_hits(found, form, none)
    _open_hits(found, form)


def _run_batch(run: SearchFn, lines: Iterable[bytes], form: OutputOptions, none: str) -> int:
    """Run the query on each line as soon as the line is read, and skip empty lines.

    An invalid query is reported on standard error and does not stop the others.

    Returns:
        The exit code: ``output.RUNTIME_ERROR`` if a query was invalid, else 0.
    """
    code = 0
    for number, line in enumerate(lines, start=1):
        try:
            if query := _decode(line):
                _run_line(run, query, form, none)
        except QueryError as error:
            output.print_status("photoseek", f"line {number}: {error}")
            code = output.RUNTIME_ERROR
    return code


def _run_line(run: SearchFn, query: str, form: OutputOptions, none: str) -> None:
    found = run(query)
    if form.as_json:
        output.print_json({"query": query, "hits": [hit.to_json() for hit in found]}, indent=None)
    else:
        if not form.only_paths:
            output.print_line(query)
        _print_hits(found, form, none)
    output.flush()  # an interactive caller reads each result before it sends the next query
    _open_hits(found, form)


def _print_hits(found: Sequence[Hit], form: OutputOptions, none: str) -> None:
    if form.only_paths:
        output.print_paths((str(hit.file) for hit in found), end=b"\0" if form.null else b"\n")
    else:
        hits.print_table(found)
        if form.pictures:
            image_viewer.print_pictures([(hit.path, hit.file) for hit in found])
    if not found:
        output.print_status("photoseek", none)
    elif found[0].from_unread_text:
        output.print_status("photoseek", "the bundle does not know most of these words; the photos are arbitrary")
    elif found[0].low_confidence:
        output.print_status("photoseek", "no confident match; showing the nearest photos")


def _open_hits(found: Sequence[Hit], form: OutputOptions) -> None:
    if form.open:
        image_viewer.open_files([hit.file for hit in found])


def _query_lines() -> Iterable[bytes]:
    """Return the lines of standard input.

    Raises:
        QueryError: Standard input is a terminal or closed, so no query was given.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise QueryError(
            "no query: expected QUERY, --image FILE, or queries on standard input, one per line; "
            "standard input is a terminal. See: photoseek search --help"
        )
    return sys.stdin.buffer


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig").strip()  # files from Windows may start with a byte order mark
    except UnicodeDecodeError as error:
        raise QueryError(f"expected UTF-8 text: {error}") from error
