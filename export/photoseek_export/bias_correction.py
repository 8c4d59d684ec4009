"""Correction of the biases of int8 convolutions for the rounding errors of their weights.

Rounding a weight by E changes the mean output of its channel by E times the mean of its input, which is not zero after
a ReLU. This change is subtracted from the bias (Nagel et al., "Data-Free Quantization Through Weight Equalization and
Bias Correction", ICCV 2019, section 4.2; here with means over calibration photos). Depthwise convolutions need it most:
their channels have as few as nine weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import NodeProto, TensorProto, numpy_helper

_PHOTOS = 32
_MAX_BIAS = int(0.9999 * 2**31)  # onnxruntime reserves the rest of int32 for the sums of channels of tiny weights
_BATCH = 4  # the inputs of all convolutions are in memory


def correct_biases(source: Path, quantized: Path, photos: npt.NDArray[np.float32]) -> None:
    """Correct the biases in the QDQ graph ``quantized`` that was made from the float32 graph ``source``.

    Args:
        source: The float32 graph; its convolutions have the same names.
        quantized: The graph to change.
        photos: Preprocessed calibration photos, (n, 3, height, width).
    """
    full, model = onnx.load(str(source)), onnx.load(str(quantized))
    weights = {tensor.name: tensor for tensor in full.graph.initializer}
    convolutions = [node for node in full.graph.node if node.op_type == "Conv"]
    means = _channel_means(full, [node.input[0] for node in convolutions], photos[:_PHOTOS])
    integers = {tensor.name: tensor for tensor in model.graph.initializer}
    dequantized = {node.output[0]: node for node in model.graph.node if node.op_type == "DequantizeLinear"}
    nodes = {node.name: node for node in model.graph.node if node.op_type == "Conv"}
    for convolution in convolutions:
        _, weight, *bias = [dequantized.get(name) for name in nodes[convolution.name].input]
        if weight is None or not bias or bias[0] is None:
            continue  # not quantized, or without a bias
        rounded = _integers(weight, integers) * _scale(weight, integers).reshape(-1, 1, 1, 1)
        errors = rounded - numpy_helper.to_array(weights[convolution.input[1]])
        shift = _mean_of_output(errors, means[convolution.input[0]])
        corrected = _integers(bias[0], integers) - shift / _scale(bias[0], integers)
        corrected = np.clip(np.rint(corrected), -_MAX_BIAS, _MAX_BIAS)
        _replace(integers[bias[0].input[0]], corrected.astype(np.int32))
    onnx.save(model, str(quantized))


def _channel_means(
    model: onnx.ModelProto, names: list[str], photos: npt.NDArray[np.float32]
) -> Mapping[str, npt.NDArray[np.float64]]:
    """Return the mean of each channel of the tensors, (channels,), by name."""
    image = model.graph.input[0].name
    hidden = [name for name in dict.fromkeys(names) if name != image]
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in hidden)
    session = ort.InferenceSession(exposed.SerializeToString(), providers=["CPUExecutionProvider"])
    sums: dict[str, Any] = dict.fromkeys([image, *hidden], 0.0)
    for start in range(0, len(photos), _BATCH):
        batch = photos[start : start + _BATCH]
        found = session.run(hidden, {image: batch}) if hidden else []  # of no names, run returns all outputs
        for name, values in zip([image, *hidden], [batch, *found], strict=True):
            sums[name] = sums[name] + values.mean(axis=(2, 3), dtype=np.float64).sum(axis=0)
    return {name: total / len(photos) for name, total in sums.items()}


def _mean_of_output(weights: npt.NDArray[Any], inputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean output of a convolution, (out,), for inputs of these means, (in,); padding is neglected.

    ``weights`` are (out, in / groups, height, width).
    """
    out, width = weights.shape[:2]
    of_channel = np.repeat(inputs.reshape(-1, width), out * width // len(inputs), axis=0)
    means: npt.NDArray[np.float64] = (weights.sum(axis=(2, 3)) * of_channel).sum(axis=1)
    return means


def _integers(node: NodeProto, tensors: Mapping[str, TensorProto]) -> npt.NDArray[np.float64]:
    """Return the constant input of a DequantizeLinear minus its zero points, which are those of channels or of all."""
    values, _, *zeros = (numpy_helper.to_array(tensors[name]).astype(np.float64) for name in node.input)
    return values - zeros[0].reshape(-1, *[1] * (values.ndim - 1)) if zeros else values


def _scale(node: NodeProto, tensors: Mapping[str, TensorProto]) -> npt.NDArray[np.float64]:
    return numpy_helper.to_array(tensors[node.input[1]]).astype(np.float64)


def _replace(tensor: TensorProto, values: npt.NDArray[np.int32]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
