"""Options and output of ``photoseek search``, for a single query or for each line of standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from photoseek.cli import image_viewer
from photoseek.cli import output as console
from photoseek.errors import QueryError
from photoseek.system.filenames import decode_filename

if TYPE_CHECKING:
    from photoseek.gallery.gallery import Gallery
    from photoseek.search.hits import Hit
    from photoseek.search.searcher import Searcher
    from photoseek.stores.base import StoreChoice
    from photoseek.vector_index.registry import Engine

SearchFn: TypeAlias = "Callable[[str | None], Sequence[Hit]]"
"""Returns the hits of a query."""

HitsJsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON; for queries on standard input, one object per line.")
]
PathsOption = Annotated[bool, typer.Option("--paths", help="Print only absolute paths or URLs, one per line.")]
NullOption = Annotated[
    bool,
    typer.Option("--null", "-0", help="Print paths terminated by NUL, for xargs -0."),
]
PicturesOption = Annotated[
    bool, typer.Option("--pictures", help="Show the photos in the terminal below the table (extra: terminal).")
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the photos in the system's image viewer.")]


@dataclass(frozen=True)
class Output:
    """How hits are printed.

    Attributes:
        form: Output format.
        end: Terminator of each path.
        pictures: Whether to show the photos below the table.
        viewer: Program that opens the photos, or None to open none.
    """

    form: Literal["table", "json", "paths"] = "table"
    end: bytes = b"\n"
    pictures: bool = False
    viewer: str | None = None

    @classmethod
    def chosen(
        cls, *, as_json: bool, paths: bool = False, null: bool = False, pictures: bool = False, opened: bool = False
    ) -> Output:
        """Return the output that the options select.

        Exit if the options conflict or a required program is missing.
        """
        paths = paths or null
        named = [name for name, wanted in (("--json", as_json), ("--paths", paths), ("--pictures", pictures)) if wanted]
        if len(named) > 1:
            raise typer.BadParameter(f"expected one output format, found {' and '.join(named)}")
        if pictures:
            image_viewer.check_terminal_images()
        return cls(
            "json" if as_json else "paths" if paths else "table",
            b"\0" if null else b"\n",
            pictures,
            image_viewer.find_viewer() if opened else None,
        )


def open_searcher(
    gallery: Gallery,
    bundle: str | None = None,
    precision: str | None = None,
    engine: Engine = "auto",
    store: StoreChoice | None = None,
) -> Searcher:
    """Return the searcher that the options of a command select."""
    from photoseek.search.searcher import Searcher

    model = None if bundle is None else gallery.bundles.load(bundle)
    chosen = {} if store is None else vars(store)
    return Searcher(gallery, bundle=model, precision=precision, engine=engine, **chosen)


def run_query(ask: SearchFn, query: str | None, output: Output) -> None:
    """Run one query and print its hits."""
    hits = ask(query)
    if output.form == "json":
        console.print_json(_json(hits))
    else:
        _show(hits, output)
        _warn(hits)
    _open(hits, output)


def query_lines() -> Iterable[bytes]:
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


def run_batch(ask: SearchFn, lines: Iterable[bytes], output: Output) -> int:
    """Run the query on each line as soon as the line is read, and skip empty lines.

    An invalid query is reported on standard error and does not stop the others.

    Returns:
        The exit code: ``output.RUNTIME_ERROR`` if a query was invalid, else 0.
    """
    code = 0
    for number, line in enumerate(lines, start=1):
        try:
            query = _query(line)
            if query:
                _answer_line(ask, query, output)
        except QueryError as error:
            console.print_status("photoseek", f"line {number}: {error}")
            code = console.RUNTIME_ERROR
    return code


def print_hits(hits: Sequence[Hit]) -> None:
    """Print hits as a table."""
    rows = [
        [_path(hit), f"{hit.score:.3f}", _rerank_score(hit), _confidence(hit), f"+{len(hit.duplicates)}"]
        for hit in hits
    ]
    calibrated, grouped = any(hit.confidence is not None for hit in hits), any(hit.duplicates for hit in hits)
    reranked = next((hit.scores[1].bundle for hit in hits if hit.scores), "")
    shown = [column for column, wanted in enumerate((True, True, bool(reranked), calibrated, grouped)) if wanted]
    names = ("photo", "score", f"score by {reranked}", "confidence", "duplicates")
    console.print_table([names[column] for column in shown], [[row[column] for column in shown] for row in rows])


def _warn(hits: Sequence[Hit]) -> None:
    """Warn on standard error about empty results and low confidence."""
    if not hits:
        console.print_status("photoseek", "no photo matches these filters")
    elif hits[0].low_confidence:
        console.print_status("photoseek", "no confident match; showing the nearest photos")


def _path(hit: Hit) -> str:
    name = decode_filename(str(hit.file))
    missing = isinstance(hit.file, Path) and not hit.file.exists()  # object storage is not queried
    return f"{name} (missing; index again)" if missing else name


def _rerank_score(hit: Hit) -> str:
    """Format the cosine of the reranking bundle."""
    found = hit.scores[1].score if hit.scores else None
    return "-" if found is None else f"{found:.3f}"


def _confidence(hit: Hit) -> str:
    if hit.confidence is None:
        return ""
    return f"{hit.confidence:.0%}" if hit.confidence >= 0.005 else "<1%"


def _answer_line(ask: SearchFn, query: str, output: Output) -> None:
    hits = ask(query)
    if output.form == "json":
        console.print_json({"query": query, "hits": _json(hits)}, indent=None)
    else:
        if output.form == "table":
            console.print_line(query)
        _show(hits, output)
        _warn(hits)
    console.flush()  # an interactive caller reads each result before it sends the next query
    _open(hits, output)


def _query(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig").strip()  # files from Windows may start with a byte order mark
    except UnicodeDecodeError as error:
        raise QueryError(f"expected UTF-8 text: {error}") from error


def _json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    return [hit.to_json() for hit in hits]


def _show(hits: Sequence[Hit], output: Output) -> None:
    if output.form == "paths":
        console.print_paths((str(hit.file) for hit in hits), end=output.end)
        return
    print_hits(hits)
    if output.pictures:
        image_viewer.print_pictures([(hit.path, hit.file) for hit in hits])


def _open(hits: Sequence[Hit], output: Output) -> None:
    if output.viewer is not None:
        image_viewer.open_files(output.viewer, [hit.file for hit in hits])
