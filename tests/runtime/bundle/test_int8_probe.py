"""Whether int8 is faster on a computer is measured once and remembered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photoseek.bundle import int8_probe
from photoseek.bundle.onnx_session import OnnxSession
from photoseek.system.cache_dir import cache_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    int8_probe.prefers_int8.cache_clear()
    yield cache_folder() / "int8.json"
    int8_probe.prefers_int8.cache_clear()


def remembered(cache: Path) -> bool:
    (answer,) = json.loads(cache.read_text()).values()
    assert isinstance(answer, bool)
    return answer


@pytest.mark.parametrize(("ratio", "faster"), [(0.5, True), (0.95, False), (3.0, False)])
def test_int8_is_preferred_if_it_is_clearly_faster(
    cache: Path, monkeypatch: pytest.MonkeyPatch, ratio: float, faster: bool
) -> None:
    monkeypatch.setattr(int8_probe, "measure_int8_ratio", lambda: ratio)
    assert int8_probe.prefers_int8() is faster
    assert remembered(cache) is faster


def test_the_next_process_does_not_measure_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = int8_probe.prefers_int8()
    int8_probe.prefers_int8.cache_clear()
    monkeypatch.setattr(int8_probe, "measure_int8_ratio", lambda: pytest.fail("measured again"))
    assert int8_probe.prefers_int8() is first
    assert remembered(cache) is first


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"another cpu": true}'])
def test_a_damaged_or_foreign_memory_is_replaced(cache: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    monkeypatch.setattr(int8_probe, "measure_int8_ratio", lambda: 0.5)
    assert int8_probe.prefers_int8() is True
    assert remembered(cache) is True


def test_a_cache_that_cannot_be_written_is_no_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.parent.joinpath("photoseek").write_text("a file")
    monkeypatch.setattr(int8_probe, "measure_int8_ratio", lambda: 0.5)
    assert int8_probe.prefers_int8() is True


def test_a_slower_graph_has_a_larger_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five milliseconds are many times what either graph takes."""
    run = OnnxSession.run

    def slow(session: OnnxSession, feeds: object) -> object:
        time.sleep(0.005 if session.path.name == "int8.onnx" else 0)
        return run(session, feeds)  # type: ignore[arg-type]

    monkeypatch.setattr(OnnxSession, "run", slow)
    assert int8_probe.measure_int8_ratio() > 1.5
