"""What ``search`` prints: a table, JSON or paths, of one query or of a query on each line of standard input."""

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
"""A query in, its hits out."""

HitsJsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON; of queries on standard input: one object a line.")
]
PathsOption = Annotated[bool, typer.Option("--paths", help="Print absolute paths (or addresses) alone, one a line.")]
NullOption = Annotated[
    bool,
    typer.Option("--null", "-0", help="Print paths with a NUL behind each, for xargs -0: a name may hold anything."),
]
PicturesOption = Annotated[
    bool, typer.Option("--pictures", help="Draw the photos in the terminal, below the table (extra: terminal).")
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the photos with the system's viewer.")]


@dataclass(frozen=True)
class Output:
    """How hits are told.

    Attributes:
        form: What is printed.
        end: What stands behind each path.
        pictures: Whether the photos are drawn below their table.
        viewer: The program that opens the photos; None: they are not opened.
    """

    form: Literal["table", "json", "paths"] = "table"
    end: bytes = b"\n"
    pictures: bool = False
    viewer: str | None = None

    @classmethod
    def chosen(
        cls, *, as_json: bool, paths: bool = False, null: bool = False, pictures: bool = False, opened: bool = False
    ) -> Output:
        """The form that the options name; exits where they name two, or where this machine lacks what they need."""
        paths = paths or null
        named = [name for name, wanted in (("--json", as_json), ("--paths", paths), ("--pictures", pictures)) if wanted]
        if len(named) > 1:
            raise typer.BadParameter(f"expected one form of output, found {' and '.join(named)}")
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
    """The searcher that the options of a command name."""
    from photoseek.search.searcher import Searcher

    model = None if bundle is None else gallery.load_bundle(bundle)
    chosen = {} if store is None else vars(store)
    return Searcher(gallery, bundle=model, precision=precision, engine=engine, **chosen)


def run_query(ask: SearchFn, query: str | None, output: Output) -> None:
    """Answer one query."""
    hits = ask(query)
    if output.form == "json":
        console.print_json(_json(hits))
    else:
        _show(hits, output)
        _warn(hits)
    _open(hits, output)


def query_lines() -> Iterable[bytes]:
    """The lines of standard input.

    Raises:
        QueryError: It is a terminal, or closed: whoever typed the command has forgotten the query.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise QueryError(
            "no query: expected QUERY, --image FILE, or queries on standard input, one a line; "
            "standard input is a terminal. See: photoseek search --help"
        )
    return sys.stdin.buffer


def run_batch(ask: SearchFn, lines: Iterable[bytes], output: Output) -> int:
    """Answer the query on each line as soon as it is read; empty lines are passed over.

    A line that is no query is told on standard error, and the others are answered all the same.

    Returns:
        The exit code: ``console.FAILURE`` if there was such a line.
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
    known, folded = any(hit.confidence is not None for hit in hits), any(hit.duplicates for hit in hits)
    reranked = next((hit.scores[1].bundle for hit in hits if hit.scores), "")
    shown = [column for column, wanted in enumerate((True, True, bool(reranked), known, folded)) if wanted]
    names = ("photo", "score", f"score by {reranked}", "confidence", "duplicates")
    console.print_table([names[column] for column in shown], [[row[column] for column in shown] for row in rows])


def _warn(hits: Sequence[Hit]) -> None:
    """Say on standard error what the hits do not say themselves."""
    if not hits:
        console.print_status("photoseek", "no photo meets these filters")
    elif hits[0].low_confidence:
        console.print_status("photoseek", "nothing here seems to show that; these are the nearest")


def _path(hit: Hit) -> str:
    name = decode_filename(str(hit.file))
    gone = isinstance(hit.file, Path) and not hit.file.exists()  # of object storage nothing is asked for a table
    return f"{name} (gone; index again)" if gone else name


def _rerank_score(hit: Hit) -> str:
    """The cosine by the bundle that hits were reranked with."""
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
    console.flush()  # whoever asks and waits reads the answer before the next question
    _open(hits, output)


def _query(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig").strip()  # a file from Windows may begin with a byte order mark
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
