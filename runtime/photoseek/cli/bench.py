"""Input and output of ``photoseek bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from photoseek.cli import output
from photoseek.cli.info import plain
from photoseek.errors import QueryError

if TYPE_CHECKING:
    from photoseek.evaluation.benchmark import BenchReport


def read_queries(file: Path) -> list[str]:
    """Read queries from a file with one query per line.

    Raises:
        QueryError: The file is not UTF-8 text.
    """
    try:
        return file.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise QueryError(f"{file}: expected UTF-8 text with one query per line: {error}") from error


def print_bench(found: BenchReport) -> None:
    """Print the latency of each query step and the indexing throughput."""
    output.print_line(", ".join(f"{key} {plain(value)}" for key, value in found.setting.items()))
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
