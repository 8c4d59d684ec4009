"""What the ``evaluate`` commands share: their options, and the table they print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli.output import print_line, print_table
from photoseek.evaluation.bootstrap import CONFIDENCE_LEVEL, Bounds, Interval
from photoseek.evaluation.metrics import RecallMetrics, RetrievalMetrics
from photoseek.evaluation.report import Evaluation, EvaluationResult

CaptionFiles = Annotated[
    list[Path], typer.Option("--captions", metavar="FILE", help="Lines `NAME#I<TAB>caption`; once for each file.")
]
Language = Annotated[
    str | None, typer.Option(metavar="en|zh", help="Count captions in this language only; left out: all.")
]
Sample = Annotated[int | None, typer.Option(min=1, metavar="N", help="Count the first N images only, say 1000.")]
Folds = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Also the mean over N parts, each searched apart, say 5.")
]
FoldSize = Annotated[int | None, typer.Option(min=1, metavar="N", help="Images in a part; left out: all, shared out.")]
Resamples = Annotated[int, typer.Option(min=0, help="Of the 95% bootstrap interval; 0: no interval.")]
BootstrapSeed = Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")]

_COLUMNS = ("searched", "R@1", "R@5", "R@10", "median rank", "mean rank", "rsum")


def print_metrics(metrics: RetrievalMetrics, what: str) -> None:
    """Print recalls in both directions, each with the size of what was searched."""
    print_table([what, *_COLUMNS], _metric_rows(metrics))


def print_evaluation(found: Evaluation, what: str) -> None:
    """Print an evaluation: a pair of rows for all captions, for the folds and for each language, with intervals."""
    rows = _figure_rows(found.overall)
    for code, figures in found.languages.items():
        rows += _figure_rows(figures, f"{code}: ")
    print_table([what, *_COLUMNS], rows)
    if found.overall.interval is not None:
        print_line(f"[low, high]: {100 * CONFIDENCE_LEVEL:g}% bootstrap interval over images, given what was searched")


def _figure_rows(figures: EvaluationResult, prefix: str = "") -> list[list[str]]:
    rows = _metric_rows(figures.metrics, figures.interval, prefix)
    if figures.folds is not None:
        folds = figures.folds
        rows += _metric_rows(folds.metrics, folds.interval, f"{prefix}mean of {len(folds.each)} folds, ")
    return rows


def _metric_rows(metrics: RetrievalMetrics, interval: Interval | None = None, prefix: str = "") -> list[list[str]]:
    """A row for each direction; rsum, which belongs to both, stands in the first."""
    rsum = _figure(metrics.rsum, None if interval is None else interval.rsum)
    found = [("text to image", f"of {metrics.images:,} images", metrics.text_to_image, rsum)]
    found += [("image to text", f"of {metrics.captions:,} captions", metrics.image_to_text, "")]
    bounds = [None, None] if interval is None else [interval.text_to_image, interval.image_to_text]
    return [
        [prefix + direction, searched, *_recall_cells(recall, ends), last]
        for (direction, searched, recall, last), ends in zip(found, bounds, strict=True)
    ]


def _recall_cells(recall: RecallMetrics, bounds: Sequence[Bounds] | None) -> list[str]:
    recalls = zip((recall.r1, recall.r5, recall.r10), bounds or (None, None, None), strict=True)
    return [*(_figure(*each) for each in recalls), f"{recall.medr:g}", f"{recall.meanr:.1f}"]


def _figure(value: float, bounds: Bounds | None) -> str:
    return f"{value:.1f}" if bounds is None else f"{value:.1f} [{bounds[0]:.1f}, {bounds[1]:.1f}]"
