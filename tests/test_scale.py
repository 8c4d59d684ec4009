"""The table of docs/scale.md is the output of benchmarks/scale.py, which applies the formulas of the page."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "scale.py"
RESULTS = ROOT / "benchmarks" / "results"
TEXT = (ROOT / "docs" / "scale.md").read_text("utf-8")


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module  # dataclasses look up their module
    spec.loader.exec_module(module)
    return module


def rows(name: str) -> dict[str, dict[str, float]]:
    return dict(json.loads((RESULTS / f"{name}.json").read_text("utf-8"))["rows"])


def test_the_page_has_the_table_that_the_script_prints(
    scale: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT)])
    scale.main()
    table = capsys.readouterr().out.strip()
    assert len(table.splitlines()) > 10
    assert table in TEXT


def test_the_page_lists_every_assumption_with_its_value(scale: ModuleType) -> None:
    for name, value in vars(scale.Assumptions()).items():
        assert f"| `--{name.replace('_', '-')}` | {value:g} |" in TEXT


def test_a_measured_size_has_the_measured_figures(scale: ModuleType) -> None:
    given = scale.Assumptions()
    (graph,) = [each for each in scale.engines(RESULTS, given) if each.name == "faiss-hnsw"]
    plan = scale.plan(graph, 1_000_000, 70.0, given)
    measured = rows("search-1000000")["photoseek faiss-hnsw, tuned"]
    assert plan.basis == "measured"
    assert plan.milliseconds == measured["p50_ms"]
    assert plan.memory_gb == pytest.approx(measured["MB"] / 1000)
    assert plan.hours == pytest.approx((1_000_000 / 70 + 2 * measured["build_s"]) / 16 / 3600)


def test_an_extrapolated_row_equals_a_calculation_by_hand(scale: ModuleType) -> None:
    """A billion photos in a graph of 784.1 bytes each, in machines of 256 GB, three quarters filled."""
    given = scale.Assumptions()
    run = scale.Run(milliseconds=0.2, memory=784.1e6, index=784.1e6, build=100.0)
    plan = scale.plan(scale.Engine("graph", {1_000_000: run}, math.log), 10**9, 70.0, given)
    assert plan.shards == 5  # 784.1 / 192 = 4.08
    each = 2e8
    assert plan.milliseconds == pytest.approx(0.2 * math.log(each) / math.log(1e6))
    assert plan.queries_of_a_core == pytest.approx(1000 / (5 * plan.milliseconds))
    assert plan.disk_gb == pytest.approx(784.1 + 2048)
    build = 5 * 100 * each * math.log(each) / (1e6 * math.log(1e6))
    assert plan.hours == pytest.approx((1e9 / 70 + build) / 16 / 3600)
    assert plan.month == pytest.approx(784.1 / 0.75 * 3 + 2832.1 * 0.1 + 1 * 730 * 0.04)
    assert plan.million_queries == pytest.approx(1e6 * 5 * plan.milliseconds / 1000 / 3600 * 0.04)
    assert plan.basis == "from 1,000,000"


def test_exact_search_is_linear_and_expensive_cores_cost_more(scale: ModuleType) -> None:
    given, expensive = scale.Assumptions(), scale.Assumptions(core_hour=0.4)
    (exact,) = [each for each in scale.engines(RESULTS, given) if each.name == "exact"]
    million, ten = (scale.plan(exact, count, 70.0, given) for count in (1_000_000, 10_000_000))
    assert ten.milliseconds == pytest.approx(10 * million.milliseconds)
    assert million.memory_gb == pytest.approx(1.024)
    assert scale.plan(exact, 1_000_000, 70.0, expensive).million_queries == pytest.approx(10 * million.million_queries)
