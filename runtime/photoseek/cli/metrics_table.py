"""Options and tables that the ``evaluate`` commands share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli.output import print_line, print_table
from photoseek.evaluation.bootstrap import CONFIDENCE_LEVEL, Bounds, Interval
from photoseek.evaluation.metrics import RecallMetrics, RetrievalMetrics
from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.evaluation.report import Evaluation, EvaluationResult

CaptionFiles = Annotated[
    list[Path],
    typer.Option(
        "--captions", metavar="FILE", help="Caption file: .token, a table with a header, or JSON; may be repeated."
    ),
]


@dataclass(frozen=True)
class ProtocolOptions:
    """Which images and captions count, and how the bootstrap runs."""

    language: Annotated[
        str | None, typer.Option(metavar="en|zh", help="Use only captions in this language. Defaults to all.")
    ] = None
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Use only the first N images, for example 1000.")
    ] = None
    folds: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Also report the mean over N folds, for example 5.")
    ] = None
    fold_size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Images per fold. Defaults to an equal share of all images.")
    ] = None
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples for the 95% interval; 0 disables it.")] = (
        1000
    )
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0

    @property
    def protocol(self) -> EvaluationProtocol:
        """The options as the library takes them."""
        return EvaluationProtocol(**vars(self))


_COLUMNS = ("searched", "R@1", "R@5", "R@10", "median rank", "mean rank", "rsum")


def print_metrics(metrics: RetrievalMetrics, what: str) -> None:
    """Print the recalls of both directions, each with the number of items searched."""
    print_table([what, *_COLUMNS], _metric_rows(metrics))


def print_evaluation(found: Evaluation, what: str) -> None:
    """Print an evaluation, with two rows each for all captions, the folds and every language."""
    rows = _figure_rows(found.overall)
    for code, figures in found.languages.items():
        rows += _figure_rows(figures, f"{code}: ")
    print_table([what, *_COLUMNS], rows)
    if found.overall.interval is not None:
        print_line(f"[low, high]: {100 * CONFIDENCE_LEVEL:g}% bootstrap interval over images, for a fixed search set")


def _figure_rows(figures: EvaluationResult, prefix: str = "") -> list[list[str]]:
    rows = _metric_rows(figures.metrics, figures.interval, prefix)
    if figures.folds is not None:
        folds = figures.folds
        rows += _metric_rows(folds.metrics, folds.interval, f"{prefix}mean of {len(folds.each)} folds, ")
    return rows


def _metric_rows(metrics: RetrievalMetrics, interval: Interval | None = None, prefix: str = "") -> list[list[str]]:
    """Return a row for each direction; rsum, the sum over both, is in the first row."""
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
