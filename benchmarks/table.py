"""Write benchmarks/README.md and its plots from the results that lie in benchmarks/results.

python benchmarks/table.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from contest import HERE, RESULTS

mpl.use("svg")
import matplotlib.pyplot as plt

_ORDER = ("text_query", "photos", "search", "search-1000000", "cold_start", "callers", "limits")

# (what, file, (row, figure) above the line, (row, figure) below it)
_RATIOS = (
    ("text query: PyTorch eager over photoseek int8", "text_query", "PyTorch eager fp32", "photoseek int8", "p50_ms"),
    (
        "text query: sentence-transformers onnx int8 over photoseek int8",
        "text_query",
        "sentence-transformers onnx int8",
        "photoseek int8",
        "p50_ms",
    ),
    (
        "photos of 224 px: photoseek int8 over torchvision + PyTorch",
        "photos",
        "photoseek int8",
        "torchvision + PyTorch eager",
        "224 px, photos/s",
    ),
    (
        "photos of 1024 px: photoseek int8 over torchvision + PyTorch",
        "photos",
        "photoseek int8",
        "torchvision + PyTorch eager",
        "1024 px, photos/s",
    ),
    (
        "photos of 4000 px: photoseek int8 over torchvision + PyTorch",
        "photos",
        "photoseek int8",
        "torchvision + PyTorch eager",
        "4000 px, photos/s",
    ),
    ("search among 31,783: numpy over tuned Annoy", "search", "numpy, all scores", "photoseek Annoy, tuned", "p50_ms"),
    (
        "search among 1,000,000: numpy over tuned Annoy",
        "search-1000000",
        "numpy, all scores",
        "photoseek Annoy, tuned",
        "p50_ms",
    ),
    ("cold query: PyTorch over photoseek, time", "cold_start", "PyTorch + transformers", "photoseek search", "p50_ms"),
    (
        "cold query: PyTorch over photoseek, memory",
        "cold_start",
        "PyTorch + transformers",
        "photoseek search",
        "peak_MB",
    ),
)

_HEAD = """\
# Benchmarks

Each question has a script; its contestants take turns in processes of their own, on one machine, and figures are
medians over the rounds. `make bench` runs all of them, in an environment of its own, and writes this file;
`make bench-quick` answers the question of text queries alone. `photoseek bench --gallery DIR` measures your own bundle
and gallery.

"""


def main() -> None:
    """Read, draw, write."""
    reports = {
        name: json.loads(path.read_text("utf-8")) for name in _ORDER if (path := RESULTS / f"{name}.json").exists()
    }
    parts = [_HEAD, _ratios(reports), _bound(reports), *(_section(name, report) for name, report in reports.items())]
    (HERE / "README.md").write_text("".join(parts), "utf-8")
    for name in ("text_query", "photos"):
        if name in reports:
            _plot(name, reports[name])


def _ratios(reports: Mapping[str, Any]) -> str:
    rows = []
    for what, name, above, below, figure in _RATIOS:
        if name in reports:
            found = reports[name]["rows"]
            rows.append(f"| {what} | {found[above][figure] / found[below][figure]:.2f} |\n")
    return "".join(["| ratio | |\n|---|---|\n", *rows, "\n"]) if rows else ""


def _bound(reports: Mapping[str, Any]) -> str:
    """What keeps a text query from the time that its weights take to stream."""
    if not {"limits", "text_query"} <= reports.keys():
        return ""
    limits, taken = reports["limits"]["rows"]["text query, int8"], reports["text_query"]["rows"]["photoseek int8"]
    return (
        f"An int8 text query took {taken['p50_ms']:.1f} ms. Reading its weights once takes "
        f"{limits['streamed_once_ms']} ms; but at {limits['tokens']:.0f} tokens, the median of these captions, it "
        f"multiplies and adds {limits['Gop']} thousand million numbers, for which the cores need "
        f"{limits['multiplied_at_peak_ms']} ms at the rate of a large product: arithmetic is the bound, not memory.\n\n"
    )


def _section(name: str, report: Mapping[str, Any]) -> str:
    rows: Mapping[str, Mapping[str, Any]] = report["rows"]
    columns: Sequence[str] = list(dict.fromkeys(key for figures in rows.values() for key in figures))
    head = f"## {report['question']}\n\n`{report['command']}`, {report['rounds']} rounds\n\n"
    table = [f"| | {' | '.join(columns)} |\n", "|---" * (len(columns) + 1) + "|\n"]
    table += [
        f"| {row} | {' | '.join(_cell(figures.get(key)) for key in columns)} |\n" for row, figures in rows.items()
    ]
    facts = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
    picture = f"\n![{report['question']}](results/{name}.svg)\n" if name in ("text_query", "photos") else ""
    return f"{head}{''.join(table)}{picture}\n{facts}\n\n"


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)


def _plot(name: str, report: Mapping[str, Any]) -> None:
    """Bars of each contestant's first figures."""
    rows: Mapping[str, Mapping[str, float]] = report["rows"]
    keys = [key for key in next(iter(rows.values())) if not key.startswith(("p95", "p99"))]
    figure, axes = plt.subplots(1, len(keys), figsize=(4.2 * len(keys) + 2, 0.45 * len(rows) + 1), squeeze=False)
    for axis, key in zip(axes[0], keys, strict=True):
        axis.barh(list(rows), [figures[key] for figures in rows.values()], color="#4c78a8")
        axis.invert_yaxis()
        axis.set_xlabel(key)
        axis.spines[["top", "right"]].set_visible(False)
        if axis is not axes[0][0]:
            axis.set_yticklabels([])
    figure.tight_layout()
    figure.savefig(RESULTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
