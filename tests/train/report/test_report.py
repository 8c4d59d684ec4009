"""The report of a run: self-contained, safe with any text, with the worst failures."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from photoseek.captions import Caption
from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.vectors import normalize
from photoseek_train.cli.app import app
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.errors import CheckpointDamaged, CheckpointNotFound, DataError, SettingsError
from photoseek_train.evaluation.evaluate import evaluate_split
from photoseek_train.evaluation.examples import ExampleCounts, select_examples
from photoseek_train.features.encode import SplitVectors
from photoseek_train.model.checkpoint import CheckpointFiles, write_history
from photoseek_train.report.charts import HEIGHT, WIDTH, build_charts, nice_ticks
from photoseek_train.report.report import ReportData, write_report
from photoseek_train.report.run_report import DataFiles, files_of
from photoseek_train.training.environment import read_environments, record_environment
from photoseek_train.training.run_folder import Run
from tiny_photos import write_color
from toy_world import World

HOSTILE = '<script>alert(1)</script> & "quotes" {{ 7 * 7 }} </style>'


class Page(HTMLParser):
    """The tags of a page, and the addresses that a browser could request."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = ("src", "href", "srcset", "action", "data", "xlink:href", "poster")
        self.addresses += [value or "" for name, value in attrs if name in names]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def split(tmp_path: Path) -> tuple[CaptionedPhotos, SplitVectors]:
    """Four photos on four axes; the caption of the last one, which is hostile, is closest to the first."""
    names = ["a.png", "b.png", "c.png", "<b>d & e.png"]
    for row, name in enumerate(names):
        write_color(tmp_path / "images" / name, (60 * row, 90, 200))
    captions = [Caption(name, 0, f"picture {name[0]}") for name in names[:3]] + [Caption(names[3], 0, HOSTILE)]
    texts = normalize([[1, 0, 0, 0], [0, 1, 0, 0], [0.2, 0, 1, 0], [1, 0.5, 0.25, 0]])
    return CaptionedPhotos(tmp_path / "images", tuple(names), tuple(captions)), SplitVectors(
        np.eye(4, dtype=np.float32), texts
    )


def test_the_failure_is_selected_with_its_rank_and_margin(split: tuple[CaptionedPhotos, SplitVectors]) -> None:
    found = select_examples(*split, ExampleCounts(captions=4, photos=4, failures=3, answers=2))
    (worst,) = found.worst
    (confusion,) = found.confusions
    assert (worst.row, worst.rank) == (confusion.row, confusion.rank) == (3, 4)
    length = np.sqrt(1 + 0.25 + 0.0625)
    assert worst.margin == pytest.approx(1 / length)
    assert [(answer.row, answer.right) for answer in worst.answers] == [(0, False), (1, False)]
    assert [search.rank for search in found.captions] == [1, 1, 1, 4]
    assert found.captions[2].margin == pytest.approx((0.2 - 1) / np.sqrt(1.04))
    assert [search.rank for search in found.photos] == [1, 1, 1, 4]
    assert found.photos[0].answers[0].right


def test_failures_are_sorted_and_have_different_photos() -> None:
    rng = np.random.default_rng(0)
    names = tuple(f"{row}.jpg" for row in range(40))
    captions = tuple(Caption(names[row // 5], row % 5, "x") for row in range(200))
    vectors = SplitVectors(normalize(rng.normal(size=(40, 6))), normalize(rng.normal(size=(200, 6))))
    found = select_examples(CaptionedPhotos(Path(), names, captions), vectors, ExampleCounts(failures=8))
    scores = vectors.texts @ vectors.images.T
    photo_of = np.arange(200) // 5
    ranks = [int((scores[row] > scores[row, photo_of[row]]).sum()) + 1 for row in range(200)]
    wrong = [max(scores[row, photo] for photo in range(40) if photo != photo_of[row]) for row in range(200)]
    for failures in (found.worst, found.confusions):
        assert len({photo_of[search.row] for search in failures}) == len(failures) == 8
    assert [search.rank for search in found.worst] == sorted((search.rank for search in found.worst), reverse=True)
    assert found.worst[0].rank == max(ranks)
    for search in (*found.worst, *found.confusions, *found.captions):
        assert search.rank == ranks[search.row]
        assert search.margin == pytest.approx(wrong[search.row] - scores[search.row, photo_of[search.row]], abs=1e-5)
    margins = [search.margin for search in found.confusions]
    assert margins == sorted(margins, reverse=True)


def test_the_report_is_complete_safe_and_self_contained(
    frozen_run: Run, split: tuple[CaptionedPhotos, SplitVectors], tmp_path: Path
) -> None:
    (split[0].folder / "b.png").unlink()  # deleted after evaluation
    evaluation = evaluate_split(*split, EvaluationProtocol(resamples=50))
    findings = ReportData.of("four", *split, evaluation)
    page = write_report(frozen_run.path, findings, tmp_path / "report.html").read_text("utf-8")
    seen = Page(page)
    assert seen.addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in seen.addresses)
    assert not re.search(r"https?:|@import|url\(|javascript:", page)
    assert not {"script", "link", "iframe", "object", "embed"} & set(seen.tags)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;quotes&#34; {{ 7 * 7 }} &lt;/style&gt;" in page
    assert "&lt;b&gt;d &amp; e.png" in page
    assert "b.png cannot be read" in page
    failures = page[page.index('id="failures"') :]
    assert "alert(1)" in failures
    assert "rank 4" in failures
    assert "its photo, rank 4" in failures
    for chart in ("loss", "text to image, %", "rsum", "learning rate", "temperature", "seconds per epoch"):
        assert f'aria-label="{chart} by epoch"' in page
    for text in ("<dt>seed</dt><dd>0</dd>", "<dt>torch</dt>", "<dt>cores</dt>", "<dt>train images</dt><dd>48</dd>"):
        assert text in page
    assert frozen_run.best is not None
    assert f"<dd>{frozen_run.best.dev.rsum:.1f}</dd>" in page


@pytest.fixture
def run(frozen_run: Run, tmp_path: Path) -> Path:
    """A copy of a run without its weights, to be changed."""
    large = shutil.ignore_patterns(CheckpointFiles.WEIGHTS, CheckpointFiles.LAST, CheckpointFiles.FEATURES)
    return shutil.copytree(frozen_run.path, tmp_path / "run", ignore=large)


def test_a_run_in_progress_has_a_report_without_results(run: Path) -> None:
    page = write_report(run).read_text("utf-8")
    assert 'id="curves"' in page
    assert 'id="failures"' not in page
    (run / CheckpointFiles.HISTORY).write_text('{"epoch": 1}\nnonsense\n')
    with pytest.raises(CheckpointDamaged, match=r"history\.jsonl: expected a JSON object with an epoch"):
        write_report(run)


def test_fit_and_evaluate_and_report_write_reports(world: World, bert: Path, resnet: Path, tmp_path: Path) -> None:
    run, data = tmp_path / "run", ["--images", world.images, "--captions", world.captions]
    towers = ["--text-model", bert, "--image-weights", resnet, "--image-size", 32, "--max-tokens", 24]
    splits = ["--train", world.train, "--dev", world.dev, "--out", run]
    assert call("fit", *data, *towers, *splits, "--epochs", 2, "--batch-size", 16).exit_code == 0
    first = (run / "report.html").read_text("utf-8")
    assert "dev: 16 photos and 32 captions" in first
    assert json.loads((run / "data.json").read_text())["split"] == str(world.dev)
    written = call("report", run, "--out", tmp_path / "again.html")
    assert written.stdout.strip() == str(tmp_path / "again.html")
    again = (tmp_path / "again.html").read_text("utf-8")
    assert again[: again.index('id="examples"')] == first[: first.index('id="examples"')]  # the same figures and curves

    command = ["evaluate", run, *data, "--split", world.dev, "--report", tmp_path / "e" / "found.html"]
    found = json.loads(call(*command, "--folds", 2, "--sample", 10, "--resamples", 30, "--json").stdout)
    assert (found["images"], found["captions"], found["folds"]["images"], found["interval"]["resamples"]) == (
        10,
        20,
        5,
        30,
    )
    page = (tmp_path / "e" / "found.html").read_text("utf-8")
    assert "dev.txt: 10 photos and 20 captions" in page
    assert "mean of 2 folds, text to image" in page
    assert 'id="curves"' not in page


def test_errors_name_the_missing_run_or_data(run: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match="no run here"):
        files_of(tmp_path, None, None, None)
    with pytest.raises(SettingsError, match="pass --images, --captions and --split"):
        files_of(run, None, None, None)
    with pytest.raises(SettingsError, match="--images and --captions together"):
        files_of(run, tmp_path, None, None)
    files = DataFiles(tmp_path / "images", (tmp_path / "a", tmp_path / "b"), None)
    files.save(run)
    assert files_of(run, None, None, None) == files
    named = DataFiles(tmp_path / "images", (tmp_path / "dataset.json",), "val")  # a split of the caption file
    named.save(run)
    assert files_of(run, None, None, None) == named
    (run / CheckpointFiles.DATA).write_text("[]")
    with pytest.raises(DataError, match=r"data\.json: expected images, captions and split"):
        files_of(run, None, None, None)


def test_each_environment_is_recorded_once(tmp_path: Path) -> None:
    record_environment(tmp_path)
    record_environment(tmp_path)
    (now,) = read_environments(tmp_path)
    assert now["versions"]["torch"]
    (tmp_path / CheckpointFiles.ENVIRONMENT).write_text(json.dumps([{**now, "machine": {"cores": 1}}]))
    record_environment(tmp_path)
    assert [entry["machine"]["cores"] for entry in read_environments(tmp_path)] == [1, now["machine"]["cores"]]
    (tmp_path / CheckpointFiles.ENVIRONMENT).write_text("{")
    assert read_environments(tmp_path) == []


def test_curves_have_the_coordinates_of_their_numbers() -> None:
    recalls = {"r1": 0.0, "r5": 50.0, "r10": 100.0}
    rows = [
        {"epoch": epoch, "loss": loss, "lr": {"projectors": 0.001}, "dev": {"text_to_image": recalls}, "grad_norm": 2.0}
        for epoch, loss in ((1, 4.0), (2, 2.0), (3, 0.0))
    ]
    charts = {chart.title: chart for chart in build_charts(rows, best_epoch=3)}
    (loss,) = charts["loss"].curves
    assert [point.x for point in loss.points] == [46.0, 198.0, 350.0]
    assert [point.y for point in loss.points] == [10.0, 98.0, 186.0]
    assert charts["loss"].best == 350.0
    assert [tick.label for tick in charts["loss"].y_ticks] == ["0", "1", "2", "3", "4"]
    assert [curve.last for curve in charts["text to image, %"].curves] == ["0", "50", "100"]
    assert charts["temperature"].curves[0].points == ()  # missing in these records
    assert charts["grad norm"].curves[0].last == "2"  # a field of another version
    assert build_charts([], None) == []


@pytest.mark.parametrize(("low", "high"), [(0, 1), (3, 3), (0, 0), (-2, 7), (1e-7, 1e-3), (199.3, 210.4), (99, 99.01)])
def test_ticks_are_round_and_enclose_the_numbers(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 7
    np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-6)


def test_short_and_long_runs_are_drawn_inside_the_chart(tmp_path: Path) -> None:
    write_history(tmp_path, [{"epoch": epoch, "loss": 1 / epoch} for epoch in range(1, 251)])
    rows = [json.loads(line) for line in (tmp_path / CheckpointFiles.HISTORY).read_text().splitlines()]
    for history in (rows[:1], rows):
        loss = build_charts(history, None)[0]
        assert len(loss.x_ticks) <= 10
        assert all(0 <= point.x <= WIDTH and 0 <= point.y <= HEIGHT for point in loss.curves[0].points)
