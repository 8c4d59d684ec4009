"""Inputs, outputs and external data of a graph are read without its weights."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from photoseek.bundle.layouts.onnx_header import TensorInfo, read_header
from photoseek.bundle.onnx_session import OnnxSession
from photoseek.errors import BundleDamaged


def model(batch: str | int = "batch") -> onnx.ModelProto:
    """``int32`` (batch, 3) and a float16 factor -> float16, with a weight among the inputs, as from old exporters."""
    weight = numpy_helper.from_array(np.arange(3, dtype=np.float16), "weight")
    constant = helper.make_tensor("value", TensorProto.FLOAT16, [1], [1.0])
    nodes = [
        helper.make_node("Constant", [], ["one"], value=constant),
        helper.make_node("Cast", ["text"], ["numbers"], to=TensorProto.FLOAT16),
        helper.make_node("Mul", ["numbers", "weight"], ["weighed"]),
        helper.make_node("Mul", ["weighed", "factor"], ["states"]),
        helper.make_node("Add", ["states", "one"], ["embedding"]),
    ]
    inputs = [
        helper.make_tensor_value_info("text", TensorProto.INT32, [batch, 3]),
        helper.make_tensor_value_info("weight", TensorProto.FLOAT16, [3]),
        helper.make_tensor_value_info("factor", TensorProto.FLOAT16, [batch, 3]),
    ]
    outputs = [
        helper.make_tensor_value_info("states", TensorProto.FLOAT16, [batch, 3]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT16, [batch, 3]),
    ]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def save(path: Path, batch: str | int = "batch") -> Path:
    onnx.save(model(batch), str(path))
    return path


def test_inputs_and_outputs_are_read(tmp_path: Path) -> None:
    header = read_header(save(tmp_path / "model.onnx"))
    assert header.inputs == {"text": TensorInfo("text", (None, 3), True), "factor": TensorInfo("factor", (None, 3))}
    assert list(header.outputs) == ["states", "embedding"]
    assert header.external_data == ()


def test_external_data_of_weights_and_constants_is_read(tmp_path: Path) -> None:
    changed = model()
    for tensor in (changed.graph.initializer[0], changed.graph.node[0].attribute[0].t):
        tensor.external_data.add(key="offset", value="0")
        tensor.external_data.add(key="location", value=f"{tensor.name}.data")
    (tmp_path / "model.onnx").write_bytes(changed.SerializeToString())
    assert set(read_header(tmp_path / "model.onnx").external_data) == {"weight.data", "value.data"}


def test_damage_raises_an_error_and_never_crashes(tmp_path: Path) -> None:
    random, intact = Random(3), model().SerializeToString()
    for _ in range(400):
        content = bytearray(intact)
        for _ in range(random.randint(1, 4)):
            content[random.randrange(len(content))] = random.randrange(256)
        (tmp_path / "model.onnx").write_bytes(content[: random.randint(1, len(content))])
        with contextlib.suppress(BundleDamaged):
            read_header(tmp_path / "model.onnx")


@pytest.mark.parametrize("batch", ["batch", 1, 2])
def test_inputs_are_cast_and_batched_as_the_graph_declares(tmp_path: Path, batch: str | int) -> None:
    """The feeds are int64 and float32; the last batch of a graph with a fixed batch size is padded."""
    graph = OnnxSession(save(tmp_path / "model.onnx", batch), inputs={"text": "input_ids"}, output="embedding")
    feeds = {"input_ids": np.arange(15).reshape(5, 3), "factor": np.full((5, 3), 0.5, dtype=np.float32)}
    found = graph.run(feeds)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, feeds["input_ids"] * np.arange(3) * 0.5 + 1)
