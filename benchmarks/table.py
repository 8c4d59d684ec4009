"""Write benchmarks/README.md and its plots from benchmarks/results.

python benchmarks/table.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from contest import HERE, RESULTS
from goals import INT8, NUMPY, RATIOS, RATIOS_IN_USE, TORCHVISION, Ratio, figure

mpl.use("svg")
import matplotlib.pyplot as plt

_ORDER = (
    "text_query",
    "photos",
    "photo_steps",
    "search",
    "search-1000000",
    "stores",
    "cold_start",
    "callers",
    "first_paint",
    "int8_loss",
    "rerank",
    "rerank_rules",
    "limits",
    "clip_photos",
    "clip_text",
    "clip_cold",
    "clip_new_photo",
    "text_batches",
    "service",
    "growth",
    "first_index",
    "info",
    "filters",
    "nearest",
    "unchanged_features",
)
_PICTURES = ("text_query", "photos")
_BUSY = "processor, p50_ms"
_OURS = ("photoseek exact", "photoseek faiss-flat", "photoseek faiss-hnsw, tuned", "photoseek annoy, tuned")


# (label, measured milliseconds, minimum of this machine)
_LIMITS = (
    ("text query, int8: products", ("text_query", INT8, "p50_ms"), ("text query, int8", "multiplied_at_peak_ms")),
    (
        "text query, fp32: products",
        ("text_query", "photoseek fp32", "p50_ms"),
        ("text query, fp32", "multiplied_at_peak_ms"),
    ),
    (
        "photo, int8, on one core: products",
        ("photo_steps", "224 px", "encode_ms"),
        ("photo, int8", "multiplied_at_peak_ms"),
    ),
    (
        "exact search, 31,783: memory",
        ("search", "photoseek exact", "p50_ms"),
        ("search, 31,783 x 256 in float32", "streamed_once_ms"),
    ),
    (
        "exact search, 1,000,000: memory",
        ("search-1000000", "photoseek exact", "p50_ms"),
        ("search, 1,000,000 x 256 in float32", "streamed_once_ms"),
    ),
    (
        "faiss-flat, 1,000,000: memory (of float32)",
        ("search-1000000", "photoseek faiss-flat", "p50_ms"),
        ("search, 1,000,000 x 256 in float32", "streamed_once_ms"),
    ),
)

_RATIO_HEAD = "| ratio | found | goal | reached |\n|---|---|---|---|\n"

_HEAD = """\
# Benchmarks

Each script answers one question. Its contestants take turns in separate processes on one machine, and figures are
medians over the rounds. `make bench` runs all scripts in a separate environment and writes this file. With a million
vectors it builds only photoseek's indexes; `make bench-million` also builds those of the peers. `make bench-quick`
measures text queries only, `make bench-scale` large and growing galleries, and `make bench-clip` CLIP models beside
rclip and fastembed. `photoseek bench --gallery DIR` measures your bundle and gallery.

"""


def main() -> None:
    """Write the README and the plots."""
    reports = {path.stem: json.loads(path.read_text("utf-8")) for path in RESULTS.glob("*.json")}
    shown = {name: reports[name] for name in _ORDER if name in reports}
    growth = {
        report["rows"][NUMPY]["count"]: report["rows"] for name, report in reports.items() if name.startswith("search")
    }
    parts = [
        _HEAD,
        _ratios(reports),
        _unreached(reports),
        _limits(reports),
        _ratios_in_use(reports),
        *(_section(name, report) for name, report in shown.items()),
        _growth(growth),
        _machine(shown),
    ]
    (HERE / "README.md").write_text("".join(parts), "utf-8")
    for name in _PICTURES:
        if name in reports:
            _plot(name, reports[name])
    _plot_growth(growth)
    if "rerank" in reports:
        _plot_rerank(reports["rerank"])


def _ratios(reports: Mapping[str, Any]) -> str:
    rows = [_ratio_row(ratio, reports, "**no**, see below") for ratio in RATIOS]
    loss = reports.get("int8_loss", {}).get("rows", {})
    if loss:
        before, after = (found["mean recall"] for found in loss.values())
        reached = "yes" if before - after <= 0.5 else "**no**"
        rows.append(f"| int8: points of mean recall lost | {before - after:.2f} | at most 0.5 | {reached} |\n")
    return "".join([_RATIO_HEAD, *rows, "\n"])


def _ratios_in_use(reports: Mapping[str, Any]) -> str:
    """Return the table of what people use at the size that they have, and why goals are not reached."""
    rows = [_ratio_row(ratio, reports, "**no**") for ratio in RATIOS_IN_USE]
    missed = [
        f"- **{ratio.what}**: {ratio.why}\n"
        for ratio in RATIOS_IN_USE
        if ratio.why and (found := ratio.found(reports)) is not None and not ratio.is_reached(found)
    ]
    intro = "What people use, at the size that they have; processor time, unless stated otherwise:\n\n"
    return "".join([intro, _RATIO_HEAD, *rows, "\n", *missed, "\n"])


def _ratio_row(ratio: Ratio, reports: Mapping[str, Any], missed: str) -> str:
    found = ratio.found(reports)
    if found is None:
        return ""
    goal = f"{'at most' if ratio.at_most else 'at least'} {ratio.goal:g}"
    return f"| {ratio.what} | {found:.2f} | {goal} | {'yes' if ratio.is_reached(found) else missed} |\n"


def _unreached(reports: Mapping[str, Any]) -> str:
    """Return the paragraphs that explain unreached goals with figures."""
    text, limit = figure(reports, ("text_query", INT8, "p50_ms")), reports["limits"]["rows"]["text query, int8"]
    text_limit = (
        f"**Reading the weights once** ({limit['streamed_once_ms']} ms) does not bound an int8 text query: at "
        f"{limit['tokens']:.0f} tokens, the median of these captions, it takes {limit['Gop']} billion "
        f"operations, for which both cores need {limit['multiplied_at_peak_ms']} ms at the rate of a large matrix "
        f"product. It took {text:.1f} ms.\n\n"
    )
    cases = ((1024, "half", 5), (4000, "an eighth of", 8))
    return text_limit + "".join(_photo_limit(reports, *case) for case in cases)


def _photo_limit(reports: Mapping[str, Any], size: int, scale: str, goal: int) -> str:
    """Return the paragraph on the steps of a photo, which bound the ratio to torchvision."""
    steps, products = reports["photo_steps"]["rows"][f"{size} px"], reports["limits"]["rows"]["photo, int8"]
    plain = figure(reports, ("photos", TORCHVISION, f"{size} px, photos/s")) or 0.0
    cores = reports["limits"]["machine"]["cores"]
    return (
        f"**A photo of {size} px** takes a core {steps['all_ms']} ms: {steps['encode_ms']} in the tower, "
        f"{steps['decode_ms']} to decode at {scale} the size, {steps['preprocess_ms']} to resize and normalize. The "
        f"tower's products alone take {cores * products['multiplied_at_peak_ms']:.2f} ms at the rate of a large "
        f"product; {goal} times the {plain:.1f} photos per second of torchvision would leave "
        f"{1000 * cores / (goal * plain):.2f} ms for everything.\n\n"
    )


def _limits(reports: Mapping[str, Any]) -> str:
    rows = []
    for what, place, least in _LIMITS:
        taken, needed = figure(reports, place), figure(reports, ("limits", *least))
        if taken is not None and needed is not None:
            if place[0] == "photo_steps":  # one core's time
                needed *= reports["limits"]["machine"]["cores"]
            rows.append(f"| {what} | {taken:.2f} | {needed:.2f} | {taken / needed:.1f} |\n")
    head = "Distance from the limits of this machine (`python benchmarks/limits.py`):\n\n"
    return "".join([head, "| | taken, ms | limit, ms | ratio |\n|---|---|---|---|\n", *rows, "\n"])


def _growth(sizes: Mapping[int, Mapping[str, Any]]) -> str:
    """Return the table of median query times by engine and number of photos."""
    counts = sorted(sizes)
    names = list(dict.fromkeys(name for count in counts for name in sizes[count] if name in (NUMPY, *_OURS)))
    head = (
        "## Growth: milliseconds of a query, by number of photos\n\n`python benchmarks/search.py COUNT --growth`\n\n"
        f"| | {' | '.join(f'{count:,}' for count in counts)} |\n{'|---' * (len(counts) + 1)}|\n"
    )
    rows = [
        f"| {name} | {' | '.join(_cell(sizes[count].get(name, {}).get('p50_ms')) for count in counts)} |\n"
        for name in names
    ]
    return f"{head}{''.join(rows)}\n![Milliseconds of a query, by number of photos](results/growth.svg)\n\n"


def _machine(reports: Mapping[str, Any]) -> str:
    """Return machines and versions; each result file names the one it was measured on."""
    found = {str({k: v for k, v in report["machine"].items() if k != "load"}): report for report in reports.values()}
    lines = [", ".join(f"{key} {value}" for key, value in report["machine"].items()) for report in found.values()]
    return "## Machine\n\n" + "\n\n".join(lines) + "\n"


def _section(name: str, report: Mapping[str, Any]) -> str:
    rows: Mapping[str, Mapping[str, Any]] = report["rows"]
    columns: Sequence[str] = list(dict.fromkeys(key for figures in rows.values() for key in figures))
    head = f"## {report['question']}\n\n`{report['command']}`, rounds: {report['rounds']}\n\n"
    table = [f"| | {' | '.join(columns)} |\n", "|---" * (len(columns) + 1) + "|\n"]
    table += [
        f"| {row} | {' | '.join(_cell(figures.get(key)) for key in columns)} |\n" for row, figures in rows.items()
    ]
    picture = f"\n![{report['question']}](results/{name}.svg)\n" if name in (*_PICTURES, "rerank") else ""
    return f"{head}{''.join(table)}{picture}\n"


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)


def _plot(name: str, report: Mapping[str, Any]) -> None:
    """Plot the first figures of each contestant as bars."""
    rows: Mapping[str, Mapping[str, float]] = report["rows"]
    keys = [key for key in next(iter(rows.values())) if not key.startswith(("p95", "p99"))]
    canvas, axes = plt.subplots(1, len(keys), figsize=(4.2 * len(keys) + 2, 0.45 * len(rows) + 1), squeeze=False)
    for axis, key in zip(axes[0], keys, strict=True):
        axis.barh(list(rows), [figures[key] for figures in rows.values()], color="#4c78a8")
        axis.invert_yaxis()
        axis.set_xlabel(key)
        axis.spines[["top", "right"]].set_visible(False)
        if axis is not axes[0][0]:
            axis.set_yticklabels([])
    canvas.tight_layout()
    canvas.savefig(RESULTS / f"{name}.svg", metadata={"Date": None})
    plt.close(canvas)


def _plot_growth(sizes: Mapping[int, Mapping[str, Any]]) -> None:
    canvas, axis = plt.subplots(figsize=(7, 4))
    counts = sorted(sizes)
    for name in (NUMPY, *_OURS):
        known = [count for count in counts if name in sizes[count]]
        axis.plot(known, [sizes[count][name]["p50_ms"] for count in known], marker="o", label=name)
    axis.set(xscale="log", yscale="log", xlabel="photos", ylabel="median of a query, ms")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    canvas.tight_layout()
    canvas.savefig(RESULTS / "growth.svg", metadata={"Date": None})
    plt.close(canvas)


def _plot_rerank(report: Mapping[str, Any]) -> None:
    """Plot recall against the median time of a query: a curve over N, and both bundles alone."""
    rows: Mapping[str, Mapping[str, float]] = report["rows"]
    canvas, axes = plt.subplots(1, 3, figsize=(12, 3.8))
    for axis, key in zip(axes, ("R@1", "R@5", "R@10"), strict=True):
        fused = {name: row for name, row in rows.items() if name.startswith("N = ")}
        axis.plot([row[_BUSY] for row in fused.values()], [row[key] for row in fused.values()], marker="o")
        for name, row in fused.items():
            axis.annotate(
                name.removeprefix("N = "), (row[_BUSY], row[key]), (7, -9), fontsize=8, textcoords="offset points"
            )
        for name, row in rows.items():
            if name not in fused:
                axis.plot(row[_BUSY], row[key], marker="s", linestyle="", label=name)
        axis.set(xlabel="a query, ms of processor time, median", ylabel=f"{key}, percent")
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].legend(frameon=False, loc="lower right")
    canvas.tight_layout()
    canvas.savefig(RESULTS / "rerank.svg", metadata={"Date": None})
    plt.close(canvas)


if __name__ == "__main__":
    main()
