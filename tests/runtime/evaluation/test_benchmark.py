"""Benchmarks measure every step, in milliseconds that add up."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from photoseek import Gallery, Searcher
from photoseek.cli.app import app
from photoseek.errors import PhotoseekError, QueryError
from photoseek.evaluation.benchmark import BenchReport, Latency, bench, run_cold
from photoseek.gallery.snapshot.sample_queries import sample_queries
from photoseek.languages import detect_language


def test_latencies_match_values_worked_by_hand() -> None:
    assert Latency.of([0.001 * value for value in range(101)]) == Latency(50.0, 95.0, 99.0, 101)


def test_every_step_is_measured(gallery: Gallery) -> None:
    found = bench(Searcher(gallery), ["red", "green", " "], repeats=3, photos=7)
    assert {step: latency.calls for step, latency in found.query.items()} == dict.fromkeys(
        ("tokenize", "encode", "search", "total"), 6
    )
    for latency in (*found.query.values(), found.cold):
        assert 0 <= latency.p50 <= latency.p95 <= latency.p99
    assert found.query["total"].p50 >= found.query["search"].p50 > 0
    assert found.cold.p50 > found.query["total"].p99
    assert found.cold_peak_mb > 20
    assert found.peak_mb > 20
    assert set(found.photos) == {"decode", "preprocess", "encode", "all"}
    assert min(found.photos.values()) > 0
    assert found.setting["photos"] == 24
    assert json.loads(json.dumps(found.to_json()))["query"]["total"]["calls"] == 6


def test_a_cold_run_excludes_the_memory_of_this_process() -> None:
    allocated = np.ones(40_000_000)  # 320 MB
    seconds, peak = run_cold([sys.executable, "-c", "import time; time.sleep(0.2)"])
    assert allocated.nbytes / 1e6 > 300 > peak > 1
    assert 0.2 < seconds < 30
    with pytest.raises(PhotoseekError, match=r"failed: .*no such thing"):
        run_cold([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_removed_photos_are_not_timed(gallery: Gallery, photos: Path) -> None:
    for file in photos.rglob("*.png"):
        shutil.move(file, file.with_suffix(".gone"))
    found = bench(Searcher(gallery), ["red"], repeats=1)
    assert found.photos == {}
    assert found.query["total"].calls == 1


@pytest.mark.parametrize(
    ("queries", "repeats", "message"), [(["", " "], 1, "queries, one per line"), (["red"], 0, "1 repeat")]
)
def test_empty_benchmarks_are_rejected(gallery: Gallery, queries: list[str], repeats: int, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        bench(Searcher(gallery), queries, repeats=repeats)


def test_the_command_prints_a_table_or_json(gallery: Gallery, tmp_path: Path) -> None:
    queries = tmp_path / "queries.txt"
    queries.write_text("-20 degrees, red\nblue\n", "utf-8")  # no option, though it looks like one
    arguments = ["bench", "--gallery", str(gallery.path), "--queries", str(queries), "--repeats", "1", "--photos", "3"]
    table = CliRunner().invoke(app, arguments)
    assert table.exit_code == 0, table.output
    for part in ("tokenize", "p99", "photoseek search, cold", "decode", "peak memory", "bundle tiny, precision fp32"):
        assert part in table.output
    result = json.loads(CliRunner().invoke(app, [*arguments, "--exact", "--json"]).output)
    assert set(result) == set(BenchReport.__dataclass_fields__)
    assert result["setting"]["engine"] == "exact"


def test_queries_that_are_not_text_are_rejected(gallery: Gallery, tmp_path: Path) -> None:
    queries = tmp_path / "latin.txt"
    queries.write_bytes("café".encode("latin-1"))
    done = CliRunner().invoke(app, ["bench", "--gallery", str(gallery.path), "--queries", str(queries)])
    assert isinstance(done.exception, QueryError)
    assert "latin.txt: expected UTF-8 text" in str(done.exception)


def test_sample_queries_match_the_languages() -> None:
    english, chinese = sample_queries(["en"]), sample_queries(["zh"])
    assert {detect_language(text) for text in english} == {"en"}
    assert {detect_language(text) for text in chinese} == {"zh"}
    assert sample_queries(["en", "zh"]) == [*english, *chinese]
    assert sample_queries(["fr"]) == english
