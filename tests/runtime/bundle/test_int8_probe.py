"""Whether int8 is faster on a computer is measured once and remembered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx.parser
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
    *_, answer = json.loads(cache.read_text()).values()
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


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"another cpu": false}'])
def test_a_damaged_file_is_replaced_and_another_cpu_remembered(
    cache: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    monkeypatch.setattr(int8_probe, "measure_int8_ratio", lambda: 0.5)
    assert int8_probe.prefers_int8() is True
    assert remembered(cache) is True
    assert ("another cpu" in json.loads(cache.read_text())) == ("another cpu" in content)


def test_a_cache_that_cannot_be_written_is_no_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.parent.joinpath("photoseek").write_text("a file")
    monkeypatch.setattr(int8_probe, "measure_int8_ratio", lambda: 0.5)
    assert int8_probe.prefers_int8() is True


def test_the_graphs_are_the_same_layer_in_both_precisions() -> None:
    """ONNX text, of which the files are the binary form; onnxruntime folds the constant weights."""
    folder = Path(int8_probe.__file__).parent / "int8_probe_graphs"
    head = '<ir_version: 9, opset_import: ["" : 17]> probe (float[10, 384] x) => (float[10, 384] y)'
    shapes = """
        up_shape = Constant <value = int64[2] {384, 1536}> ()
        down_shape = Constant <value = int64[2] {1536, 384}> ()
    """
    fp32 = """
        up = ConstantOfShape <value = float[1] {0.01}> (up_shape)
        down = ConstantOfShape <value = float[1] {0.01}> (down_shape)
        a = MatMul (x, up)
        b = Relu (a)
        y = MatMul (b, down)
    """
    int8 = """
        up = ConstantOfShape <value = int8[1] {3}> (up_shape)
        down = ConstantOfShape <value = int8[1] {3}> (down_shape)
        zero = Constant <value = int8 {0}> ()
        scale = Constant <value = float {0.003}> ()
        xq, xs, xz = DynamicQuantizeLinear (x)
        ai = MatMulInteger (xq, up, xz, zero)
        af = Cast <to = 1> (ai)
        as = Mul (xs, scale)
        a = Mul (af, as)
        b = Relu (a)
        bq, bs, bz = DynamicQuantizeLinear (b)
        yi = MatMulInteger (bq, down, bz, zero)
        yf = Cast <to = 1> (yi)
        ys = Mul (bs, scale)
        y = Mul (yf, ys)
    """
    for name, nodes in (("fp32.onnx", fp32), ("int8.onnx", int8)):
        assert onnx.load(str(folder / name)) == onnx.parser.parse_model(f"{head} {{{shapes}{nodes}}}")


def test_a_slower_graph_has_a_larger_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five milliseconds are many times what either graph takes."""
    run = OnnxSession.run

    def slow(session: OnnxSession, feeds: object) -> object:
        time.sleep(0.005 if session.path.name == "int8.onnx" else 0)
        return run(session, feeds)  # type: ignore[arg-type]

    monkeypatch.setattr(OnnxSession, "run", slow)
    assert int8_probe.measure_int8_ratio() > 1.5
