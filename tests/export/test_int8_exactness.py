"""int8 graphs return the same vectors on every CPU: those of an evaluation in integers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

import integer_reference
from photoseek.bundle.onnx_session import OnnxSession
from photoseek_export.errors import ExportError
from photoseek_export.quantize import quantize_dynamic_int8, quantize_static_int8

Array = npt.NDArray[Any]
SIZE = 32
WORDS, WIDTH, DIM = 20, 256, 64
ROUNDING = 2e-3
"""Maximum difference relative to the largest component: rounding errors of float32 may round to another integer."""


def _positive(seed: int, *shape: int) -> Array:
    """Return weights of one sign close to their maximum, so that no sum of products cancels."""
    return np.random.default_rng(seed).uniform(0.8, 1.0, shape).astype(np.float32)


def _write(path: Path, source: str, tensors: Mapping[str, Array], shape: str) -> Path:
    """Write a graph in ONNX's text format; ``tensors`` are its weights."""
    model = onnx.parser.parse_model(
        f'<ir_version: 9, opset_import: ["": 18]> graph {shape} {{ {source} }}'  # the types of inputs and outputs
    )
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in tensors.items())
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{number}"
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="module")
def text_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 text tower of two layers whose sums of two products exceed 16 bits."""
    folder = tmp_path_factory.mktemp("text")
    tensors = {
        "words": _positive(0, WORDS, WIDTH),
        "first": _positive(1, WIDTH, WIDTH),
        "second": _positive(2, WIDTH, DIM),
    }
    source = """
        tokens = Gather (words, input_ids)
        hidden = MatMul (tokens, first)
        active = Relu (hidden)
        outputs = MatMul (active, second)
        text_embeds = ReduceMean <keepdims = 0> (outputs, axis)
    """
    full = _write(
        folder / "full.onnx",
        source,
        {**tensors, "axis": np.array([1])},
        f"(int64[batch, sequence] input_ids) => (float[batch, {DIM}] text_embeds)",
    )
    quantize_dynamic_int8(full, folder / "int8.onnx")
    return folder / "int8.onnx"


@pytest.fixture(scope="module")
def vision_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 image tower with all kinds of convolutions whose sums of two products exceed 16 bits."""
    folder = tmp_path_factory.mktemp("vision")
    shapes = {"stem": (32, 3, 3, 3), "depthwise": (32, 1, 3, 3), "point": (32, 32, 1, 1), "full": (DIM, 32, 3, 3)}
    tensors = {name: _positive(number, *shape) for number, (name, shape) in enumerate(shapes.items())}
    source = """
        a = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (pixel_values, stem)
        b = Relu (a)
        c = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (b)
        d = Conv <pads = [1, 1, 1, 1], group = 32> (c, depthwise)
        e = Relu (d)
        f = Conv (e, point)
        g = Add (f, c)
        h = Relu (g)
        i = Conv (h, full, bias)
        j = GlobalAveragePool (i)
        image_embeds = Flatten (j)
    """
    full = _write(
        folder / "full.onnx",
        source,
        {**tensors, "bias": _positive(9, DIM)},
        f"(float[batch, 3, {SIZE}, {SIZE}] pixel_values) => (float[batch, {DIM}] image_embeds)",
    )
    quantize_static_int8(full, folder / "int8.onnx", _positive(10, 16, 3, SIZE, SIZE))
    return folder / "int8.onnx"


def _vectors(path: Path, feeds: Mapping[str, Array], runtime: bool) -> Array:
    """Return the output in photoseek's session, or in one with onnxruntime's defaults."""
    if runtime:
        return OnnxSession(path, threads=1).run(feeds)
    found: Array = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, dict(feeds))[0]
    return found


def _check(path: Path, feeds: Mapping[str, Array], runtime: bool) -> None:
    expected = integer_reference.evaluate(path, feeds)
    np.testing.assert_allclose(_vectors(path, feeds, runtime), expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


@pytest.mark.parametrize("runtime", [True, False], ids=["photoseek", "onnxruntime"])
def test_texts(text_graph: Path, runtime: bool) -> None:
    _check(text_graph, {"input_ids": np.arange(10)[None] % WORDS}, runtime)


@pytest.mark.parametrize("runtime", [True, False], ids=["photoseek", "onnxruntime"])
def test_photos(vision_graph: Path, runtime: bool) -> None:
    _check(vision_graph, {"pixel_values": _positive(11, 2, 3, SIZE, SIZE)}, runtime)


def test_two_products_fit_in_16_bits(text_graph: Path, vision_graph: Path) -> None:
    """Also where the CPU's kernels would not add them in 16 bits."""
    for path in (text_graph, vision_graph):
        graph = onnx.load(str(path)).graph
        rows = {node.input[0] for node in graph.node if node.op_type == "Gather"}
        weights = [numpy_helper.to_array(each) for each in graph.initializer if each.dims and each.name not in rows]
        integers = [each.astype(int) for each in weights if each.dtype == np.int8 and each.ndim > 1]
        assert len(integers) in (2, 4)
        assert 2 * 255 * max(np.abs(each).max() for each in integers) <= np.iinfo(np.int16).max


def test_towers_of_convolutions_need_calibration(vision_graph: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"expected most weights in matrix products to convert to int8, found \d+%"):
        quantize_dynamic_int8(vision_graph.with_name("full.onnx"), tmp_path / "int8.onnx")


def test_rounding_weights_leaves_the_mean_outputs_of_convolutions(tmp_path: Path) -> None:
    """With weights rounded to 64 steps and without correction, means of channels differ by up to 1 %."""
    random = np.random.default_rng(0)
    full = _write(
        tmp_path / "full.onnx",
        """
        a = Conv <group = 3> (pixel_values, weights, bias)
        b = GlobalAveragePool (a)
        image_embeds = Flatten (b)
        """,
        {"weights": random.normal(size=(48, 1, 3, 3)).astype(np.float32), "bias": _positive(1, 48)},
        f"(float[batch, 3, {SIZE}, {SIZE}] pixel_values) => (float[batch, 48] image_embeds)",
    )
    photos = random.uniform(0, 2, (16, 3, SIZE, SIZE)).astype(np.float32)
    quantize_static_int8(full, tmp_path / "int8.onnx", photos)
    exact, rounded = (
        OnnxSession(tmp_path / name).run({"pixel_values": photos}).mean(axis=0) for name in ("full.onnx", "int8.onnx")
    )
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=1e-3 * np.abs(exact).max())


def test_a_gelu_of_five_operators_becomes_one(tmp_path: Path) -> None:
    """Torch exports 0.5 * x * (1 + erf(x / sqrt(2))), of which sessions fuse only some orders of the products."""
    random = np.random.default_rng(0)
    tensors = {
        "first": random.normal(size=(16, 64)).astype(np.float32),
        "second": random.normal(size=(64, 8)).astype(np.float32),
        **{name: np.array(value, np.float32) for name, value in (("root", 2**0.5), ("one", 1.0), ("half", 0.5))},
    }
    source = """
        hidden = MatMul (x, first)
        scaled = Div (hidden, root)
        error = Erf (scaled)
        sum = Add (error, one)
        halved = Mul (hidden, half)
        active = Mul (halved, sum)
        y = MatMul (active, second)
    """
    plain = _write(tmp_path / "plain.onnx", source, tensors, "(float[n, 16] x) => (float[n, 8] y)")
    quantize_dynamic_int8(plain, tmp_path / "int8.onnx")
    operators = {node.op_type for node in onnx.load(tmp_path / "int8.onnx").graph.node}
    assert "Gelu" in operators
    assert "Erf" not in operators
    feeds = {"x": random.normal(size=(5, 16)).astype(np.float32)}
    expected, found = (OnnxSession(path, threads=1).run(feeds) for path in (plain, tmp_path / "int8.onnx"))
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
