"""The table of docs/scale.md is what benchmarks/scale.py computes from the results, by the formulae that it tells."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
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
    sys.modules["scale"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def rows(name: str) -> dict[str, dict[str, float]]:
    return dict(json.loads((RESULTS / f"{name}.json").read_text("utf-8"))["rows"])


def test_the_page_has_the_table_that_the_script_prints() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=True)
    table = done.stdout.strip()
    assert len(table.splitlines()) > 10
    assert table in TEXT


def test_every_assumption_is_told_with_its_value(scale: ModuleType) -> None:
    for name, value in vars(scale.Assumptions()).items():
        assert f"| `--{name.replace('_', '-')}` | {value:g} |" in TEXT


def test_a_measured_size_stands_with_its_own_figures(scale: ModuleType) -> None:
    given = scale.Assumptions()
    (graph,) = [each for each in scale.engines(RESULTS, given) if each.name == "faiss-hnsw"]
    plan = scale.plan(graph, 1_000_000, 70.0, given)
    measured = rows("search-1000000")["photoseek faiss-hnsw, tuned"]
    assert plan.basis == "measured"
    assert plan.milliseconds == measured["p50_ms"]
    assert plan.memory_gb == pytest.approx(measured["MB"] / 1000)
    assert plan.hours == pytest.approx((1_000_000 / 70 + 2 * measured["build_s"]) / 16 / 3600)


def test_what_is_extrapolated_by_hand(scale: ModuleType) -> None:
    """A thousand million photos in a graph of 784.1 bytes each, in machines of 256 GB, three quarters filled."""
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


def test_exact_search_grows_with_the_photos_and_dearer_cores_cost_more(scale: ModuleType) -> None:
    given, dear = scale.Assumptions(), scale.Assumptions(core_hour=0.4)
    (exact,) = [each for each in scale.engines(RESULTS, given) if each.name == "exact"]
    million, ten = (scale.plan(exact, count, 70.0, given) for count in (1_000_000, 10_000_000))
    assert ten.milliseconds == pytest.approx(10 * million.milliseconds)
    assert million.memory_gb == pytest.approx(1.024)
    assert scale.plan(exact, 1_000_000, 70.0, dear).million_queries == pytest.approx(10 * million.million_queries)
