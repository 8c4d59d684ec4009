"""``photoseek bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photoseek.cli import output
from photoseek.cli.option_groups import option_groups
from photoseek.cli.options import ExactOption, GalleryOption, JsonOption, ModelOptions, TrustOption, trusting
from photoseek.cli.search import open_searcher
from photoseek.errors import QueryError
from photoseek.gallery.gallery import Gallery

if TYPE_CHECKING:
    from photoseek.evaluation.benchmark import BenchReport


@option_groups
def bench(
    *,
    gallery: GalleryOption,
    queries: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File with one query per line. Defaults to a built-in sample.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Number of runs of each query.")] = 10,
    photos: Annotated[int, typer.Option(help="Number of photos to decode and encode.")] = 64,
    model: ModelOptions,
    exact: ExactOption = False,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the speed of search and indexing on this machine, with your gallery.

    Examples:

    - `photoseek bench --gallery ~/Photos`
    - `photoseek bench --gallery ~/Photos --queries queries.txt --engine exact --json`
    """
    from photoseek.evaluation.benchmark import bench as measure

    texts = None if queries is None else _read_queries(queries)
    searcher = open_searcher(Gallery.open(gallery, trust=trusting(trust)), model, exact)
    found = measure(searcher, texts, repeats=repeats, photos=photos)
    if as_json:
        output.print_json(found.to_json())
    else:
        _print_report(found)


def _read_queries(file: Path) -> list[str]:
    """Read queries from a file with one query per line.

    Raises:
        QueryError: The file is not UTF-8 text.
    """
    try:
        return file.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise QueryError(f"{file}: expected UTF-8 text with one query per line: {error}") from error


def _print_report(found: BenchReport) -> None:
    """Print the latency of each query step and the indexing throughput."""
    output.print_line(", ".join(f"{key} {output.plain(value)}" for key, value in found.setting.items()))
    steps = {**found.query, "photoseek search, cold": found.cold}
    rows = [
        [step, *(f"{value:.2f}" for value in (it.p50, it.p95, it.p99)), str(it.calls)] for step, it in steps.items()
    ]
    output.print_table(["query, ms", "p50", "p95", "p99", "calls"], rows)
    if found.photos:
        output.print_table(["photos", "per second"], [[step, f"{rate:,.1f}"] for step, rate in found.photos.items()])
    output.print_line(
        f"peak memory: {found.peak_mb:,.0f} MB in this process, {found.cold_peak_mb:,.0f} MB in a cold search"
    )
