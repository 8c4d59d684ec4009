"""The report of a run, or of an evaluation, as one self-contained HTML file without scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from photoseek.evaluation.report import Evaluation
from photoseek.system.atomic_write import write_bytes_atomic
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.errors import CheckpointDamaged, CheckpointNotFound
from photoseek_train.evaluation.examples import RetrievalExamples, select_examples
from photoseek_train.features.encode import SplitVectors
from photoseek_train.model.checkpoint import CheckpointFiles, read_metrics
from photoseek_train.progress import format_duration
from photoseek_train.report import charts
from photoseek_train.report.photo_cards import thumbnails
from photoseek_train.training.environment import read_commands, read_environments
from photoseek_train.training.run_folder import saved_config

_ARCHITECTURE = ("model_type", "num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")


@dataclass(frozen=True)
class ReportData:
    """The metrics and examples of a split.

    Attributes:
        split: Description of the split.
        data: Photos and captions.
        evaluation: Metrics.
        searches: Examples and failures.
    """

    split: str
    data: CaptionedPhotos
    evaluation: Evaluation
    searches: RetrievalExamples

    @classmethod
    def of(cls, split: str, data: CaptionedPhotos, vectors: SplitVectors, evaluation: Evaluation) -> ReportData:
        """Return the data with selected examples."""
        return cls(split, data, evaluation, select_examples(data, vectors))


def write_report(
    run: Path, findings: ReportData | None = None, out: Path | None = None, *, curves: bool = True
) -> Path:
    """Write the report of a training run, or of an evaluation.

    Args:
        run: Folder that ``fit`` wrote, finished or in progress.
        findings: Results on a split. None: report only settings and curves.
        out: Output file. None: ``report.html`` in the run.
        curves: Whether to report the training run, too.

    Returns:
        The output file.

    Raises:
        CheckpointNotFound: The folder contains no run.
        CheckpointDamaged: The history cannot be read.
    """
    config = saved_config(run)
    if config is None:
        raise not_a_run(run)
    history = _read_history(run) if curves else []
    best = read_metrics(run).get("epoch") if curves else None
    page = _template().render(
        name=run.resolve().name,
        charts=charts.build_charts(history, best),
        frame=charts,
        facts=_facts(history, best),
        settings=format_settings(config.to_json()),
        environments=_environments(run),
        commands=read_commands(run),
        findings=findings,
        picture=None if findings is None else thumbnails(findings.data),
        rows=[] if findings is None else figure_rows(findings.evaluation.to_json()),
    )
    file = out or run / CheckpointFiles.REPORT
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(file, page.encode("utf-8", "replace"))  # file names may not be valid Unicode
    return file


def _read_history(run: Path) -> list[dict[str, Any]]:
    """Return the rows of ``history.jsonl``; empty until the first epoch ends.

    Raises:
        CheckpointDamaged: A line is not a JSON object with an epoch.
    """
    file = run / CheckpointFiles.HISTORY
    if not file.is_file():
        return []
    try:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
        return [{**row, "epoch": int(row["epoch"])} for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointDamaged(f"{file}: expected a JSON object with an epoch on each line: {error}") from error


def not_a_run(folder: Path) -> CheckpointNotFound:
    """Return the error for a folder without a run."""
    return CheckpointNotFound(
        f"{folder}: no run here (no readable {CheckpointFiles.CONFIG}); create one with: photoseek-train fit"
    )


def _template() -> Any:
    loader = PackageLoader("photoseek_train", "templates")
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return pages.get_template("report.html")


def _facts(history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> dict[str, str]:
    """Return the key figures of a run."""
    if not history:
        return {}
    best = next((row["dev"] for row in history if row["epoch"] == best_epoch), history[-1]["dev"])
    seconds = sum(float(row.get("seconds", math.nan)) for row in history)
    return {
        "text to image R@10": f"{best['text_to_image']['r10']:.1f}%",
        "image to text R@10": f"{best['image_to_text']['r10']:.1f}%",
        "rsum": f"{best['rsum']:.1f}",
        "best epoch": f"{best_epoch or history[-1]['epoch']} of {len(history)}",
        "time": format_duration(seconds),
    }


def format_settings(config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the sections of ``config.json`` as text; of the text tower's architecture only its size."""
    sections = {name: dict(values) for name, values in config.items() if isinstance(values, dict)}
    architecture = sections.get("model", {}).pop("text_architecture", {})
    sections.get("model", {}).update({key: architecture[key] for key in _ARCHITECTURE if key in architecture})
    return {
        name: {key.replace("_", " "): _format_value(value) for key, value in values.items()}
        for name, values in sections.items()
    }


def _environments(run: Path) -> list[tuple[str, dict[str, str]]]:
    """Return titles with versions and hardware of each part of a run."""
    found = read_environments(run)
    suffixes = [""] if len(found) == 1 else [f", part {number}" for number in range(1, len(found) + 1)]
    return [
        (title + suffix, {key.replace("_", " "): _format_value(value) for key, value in entry.get(title, {}).items()})
        for entry, suffix in zip(found, suffixes, strict=True)
        for title in ("versions", "machine")
    ]


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_format_value(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_format_value, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def figure_rows(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the metrics table from the JSON of an evaluation: all, folds, then each language."""
    rows = _pair("", evaluation)
    for code, figures in evaluation.get("languages", {}).items():
        rows += _pair(f"{code}: ", figures)
    return rows


def _pair(prefix: str, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for direction in ("text_to_image", "image_to_text"):
        searched = (
            f"of {figures['images']:,} photos"
            if direction == "text_to_image"
            else f"of {figures['captions']:,} captions"
        )
        bounds = figures.get("interval", {}).get(direction, {})
        recalls = [(figures[direction][key], bounds.get(key)) for key in ("r1", "r5", "r10")]
        name = prefix + direction.replace("_", " ")
        rows.append({"name": name, "searched": searched, "recalls": recalls, "ranks": figures[direction], "rsum": None})
    rows[0]["rsum"] = (figures["rsum"], figures.get("interval", {}).get("rsum"))
    if "folds" in figures:
        rows += _pair(f"{prefix}mean of {figures['folds']['count']} folds, ", figures["folds"])
    return rows
