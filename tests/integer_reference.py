"""Evaluation of int8 graphs by the definitions of the ONNX operators, in integers: independent of the CPU's kernels.

Only operators on integers are evaluated here (https://onnx.ai/onnx/operators/: DynamicQuantizeLinear, MatMulInteger,
QuantizeLinear, DequantizeLinear, and Conv between the last two). The others compute in float32, and onnxruntime runs
them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from numpy.lib.stride_tricks import sliding_window_view
from onnx import NodeProto, helper, numpy_helper

Array = npt.NDArray[Any]


def evaluate(path: Path, feeds: Mapping[str, Array]) -> Array:
    """Return the first output of a graph."""
    model = onnx.load(str(path))
    evaluation = _Evaluation(model, {**_initializers(model), **feeds})
    for node in model.graph.node:
        evaluation.run(node)
    return evaluation.values[model.graph.output[0].name]


class _Evaluation:
    """The values of a graph, by name; ``integers`` are those of dequantized tensors, with their scales."""

    def __init__(self, model: onnx.ModelProto, values: dict[str, Array]) -> None:
        self.values = values
        self._integers: dict[str, tuple[Array, Array]] = {}
        self._opsets = model.opset_import
        self._operators: Mapping[str, Callable[..., tuple[Array, ...]]] = {
            "DynamicQuantizeLinear": _quantize_dynamically,
            "MatMulInteger": _multiply,
            "QuantizeLinear": _quantize,
        }

    def run(self, node: NodeProto) -> None:
        inputs = [self.values[name] for name in node.input if name]
        if node.op_type == "DequantizeLinear":
            found: tuple[Array, ...] = (self._dequantize(node, *inputs),)
        elif node.op_type == "Conv" and all(name in self._integers for name in node.input):
            found = (self._convolve(node),)
        elif operator := self._operators.get(node.op_type):
            found = operator(*inputs)
        else:
            found = self._run_in_float(node)
        self.values.update(zip(node.output, map(np.asarray, found), strict=True))  # numpy's arithmetic returns scalars

    def _dequantize(self, node: NodeProto, values: Array, scale: Array, zero: Array | int = 0) -> Array:
        axis = next((each.i for each in node.attribute if each.name == "axis"), 1)
        shape = [1] * values.ndim
        if np.size(scale) > 1:
            shape[axis] = -1
        integers = values.astype(np.int64) - np.reshape(np.asarray(zero, np.int64), shape if np.ndim(zero) else ())
        self._integers[node.output[0]] = (integers, np.ravel(scale))
        return (integers * np.reshape(scale, shape if np.size(scale) > 1 else ())).astype(np.float32)

    def _convolve(self, node: NodeProto) -> Array:
        (pixels, input_scale), (weights, weight_scale) = (self._integers[name] for name in node.input[:2])
        sums = _convolve(pixels, weights, node)
        if len(node.input) > 2:
            sums = sums + self._integers[node.input[2]][0][:, None, None]
        scales = input_scale.astype(np.float64) * weight_scale  # of each channel, or of all
        return (sums * scales[:, None, None]).astype(np.float32)

    def _run_in_float(self, node: NodeProto) -> tuple[Array, ...]:
        fed = {name: self.values[name] for name in node.input if name}
        types = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in fed.items()}
        graph = helper.make_graph(
            [node],
            "node",
            [helper.make_tensor_value_info(name, types[name], array.shape) for name, array in fed.items()],
            [onnx.ValueInfoProto(name=name) for name in node.output if name],
        )
        model = helper.make_model(graph, opset_imports=self._opsets, ir_version=10)
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        found = iter(session.run(None, fed))
        return tuple(next(found) if name else np.empty(0) for name in node.output)


def _quantize_dynamically(values: Array) -> tuple[Array, Array, Array]:
    low, high = min(np.float32(0), values.min()), max(np.float32(0), values.max())
    scale = np.float32((high - low) / np.float32(255)) or np.float32(1)
    zero = np.clip(np.rint(-low / scale), 0, 255).astype(np.uint8)
    return *_quantize(values, scale, zero), np.asarray(scale), np.asarray(zero)


def _quantize(values: Array, scale: Array, zero: Array) -> tuple[Array]:
    limits = np.iinfo(zero.dtype)
    return (np.clip(np.rint(values / scale) + zero, limits.min, limits.max).astype(zero.dtype),)


def _multiply(left: Array, right: Array, left_zero: Array | int = 0, right_zero: Array | int = 0) -> tuple[Array]:
    """Multiply matrices; float64 adds integers exactly, and numpy multiplies it faster than int64."""
    a, b = left - np.asarray(left_zero, np.float64), right - np.asarray(right_zero, np.float64)
    return ((a @ b).astype(np.int32),)


def _convolve(pixels: Array, weights: Array, node: NodeProto) -> Array:
    """Return the sums of a convolution, (batch, out, height, width); float64 adds them exactly."""
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    (down, across), groups = attributes.get("strides", (1, 1)), attributes.get("group", 1)
    if attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or set(attributes.get("dilations", (1,))) != {1}:
        raise NotImplementedError(f"{node.name}: auto_pad and dilations")
    out, _, height, width = weights.shape
    padded = np.pad(pixels.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    patches = sliding_window_view(padded, (height, width), axis=(2, 3))[:, :, ::down, ::across]
    batch, channels, rows, columns = patches.shape[:4]
    grouped = patches.reshape(batch, groups, channels // groups, rows, columns, height, width)
    columns_of = grouped.transpose(0, 1, 3, 4, 2, 5, 6).reshape(batch, groups, rows * columns, -1)
    kernels = weights.astype(np.float64).reshape(groups, out // groups, -1).transpose(0, 2, 1)
    sums = (columns_of @ kernels).transpose(0, 1, 3, 2)
    return sums.reshape(batch, out, rows, columns)


def _initializers(model: onnx.ModelProto) -> dict[str, Array]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
