"""Conversion of float32 graphs: fp16 weights on disk, and int8 quantization.

fp16 halves the size of a bundle at the speed of fp32: each large weight is stored as float16 followed by a Cast, which
onnxruntime folds into a float32 constant when it loads the graph. Weights are rounded to 11 significant bits;
activations are not affected.

int8 text towers, and image towers of transformer layers, use dynamic quantization: activations are scaled by their
actual range. Image towers of convolutions use static quantization (QDQ) with ranges calibrated on photos, so that
chains of convolutions stay in int8, and with corrected biases. Weights are scaled per channel. Projectors stay in
float32: they are cheap, and their rounding errors would affect the vectors directly.

Weights have 7 bits (-64 to 64), so that vectors do not depend on the CPU. Activations are uint8; without VNNI, the
kernels of x86 add two products of uint8 and int8 in 16 bits, where 2 * 255 * 127 saturates and 2 * 255 * 64 = 32,640
does not (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html, "When to use reduce-range and
per-channel quantization"). The alternative, uint8 weights, is exact, too, but slower: its kernels do not use AVX-512
VNNI or AVX-VNNI, and only symmetric int8 weights have convolutions without im2col. docs/int8.md has the measurements.
"""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.fusion_gelu import FusionGelu
from onnxruntime.transformers.onnx_model import OnnxModel

from photoseek.errors import PhotoError
from photoseek.photos.decode import decode_photo
from photoseek.photos.preprocessing import Preprocessing
from photoseek.sources.local import scan
from photoseek_export.bias_correction import correct_biases
from photoseek_export.errors import ExportError
from photoseek_export.logs import only_errors

CALIBRATION_PHOTOS = 128
"""Photos that calibrate the ranges of activations."""

_WEIGHTS: dict[str, Any] = {"weight_type": QuantType.QInt8, "reduce_range": True, "per_channel": True}
_PRODUCTS = ("MatMul", "Gemm", "Gather")
_CONTRIB = "com.microsoft"
_MIN_SHARE = 0.5
_MIN_IMAGES = 16
_BATCH = 16
_MIN_FP16_SIZE = 256  # elements: for smaller weights, a Cast node needs more bytes than it saves
_FP16_MAX = float(np.finfo(np.float16).max)


def store_weights_fp16(source: Path, target: Path) -> None:
    """Write the graph at ``source`` to ``target`` with its large float32 weights as float16.

    Raises:
        ExportError: A weight exceeds float16's range of +-65,504.
    """
    model = onnx.load(str(source))
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _MIN_FP16_SIZE:
            continue
        if not np.abs(values).max() <= _FP16_MAX:
            raise ExportError(f"{source.name}: weight {tensor.name!r} exceeds the range of fp16; export fp32 only")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT))
    for position, node in enumerate(casts):
        model.graph.node.insert(position, node)
    onnx.save(model, str(target))


def is_convolutional(source: Path) -> bool:
    """Return whether most weights of a graph are those of convolutions, which dynamic quantization does not convert."""
    return _share_of_products(onnx.load(str(source)).graph) < _MIN_SHARE


def quantize_dynamic_int8(source: Path, target: Path, **settings: Any) -> None:
    """Write the int8 version of a graph whose weights are those of matrix products, preferably of a fused one.

    Embedding tables have 8 bits: nothing is multiplied by them. ``settings`` of ``quantize_dynamic`` replace the
    defaults.

    Raises:
        ExportError: Most weights are those of convolutions, which only ``quantize_static_int8`` converts.
    """
    model = onnx.load(str(source))
    if (share := _share_of_products(model.graph)) < _MIN_SHARE:
        raise ExportError(
            f"{source.name}: expected most weights in matrix products to convert to int8, found {share:.0%}; "
            "only photoseek-export CHECKPOINT --int8 converts convolutions, with calibration photos"
        )
    excluded = [f"{node.name}_MatMul" for node in model.graph.node if node.op_type == "Gemm"]
    with only_errors():  # onnxruntime logs advice on the root logger
        quantize_dynamic(
            _fuse_gelu(model),
            target,
            op_types_to_quantize=["MatMul", "Gather"],  # weights of layers, and embedding tables
            nodes_to_exclude=excluded,
            extra_options={
                "MatMulConstBOnly": True,  # attention scores are not weights
                "WeightSymmetric": False,  # for weights without zero points, Arm's SME kernels scale activations by row
            },
            **{**_WEIGHTS, **settings},
        )


def _fuse_gelu(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace each GELU that an exporter has written as five operators by one; sessions fuse only some forms."""
    fusion = FusionGelu(OnnxModel(model))
    fusion.apply()
    fused: onnx.ModelProto = fusion.model.model
    if fusion.nodes_to_add and not any(each.domain == _CONTRIB for each in fused.opset_import):
        fused.opset_import.append(helper.make_opsetid(_CONTRIB, 1))
    return fused


def quantize_static_int8(source: Path, target: Path, photos: npt.NDArray[np.float32], **settings: Any) -> None:
    """Write the int8 version of the graph of a convolutional image tower.

    Args:
        source: The float32 graph.
        target: Output file.
        photos: Preprocessed calibration photos, (n, 3, height, width).
        settings: Those of ``quantize_static`` that replace the defaults.
    """
    with only_errors(), tempfile.TemporaryDirectory(dir=target.parent) as work:
        prepared = Path(work, "prepared.onnx")
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Batches(photos),
            quant_format=QuantFormat.QDQ,
            # Add and MaxPool keep activations in int8; Relu and Clip (ReLU6) narrow the range of a convolution.
            op_types_to_quantize=["Conv", "Relu", "Clip", "Add", "MaxPool"],
            calibrate_method=CalibrationMethod.MinMax,
            **{"activation_type": QuantType.QUInt8, **_WEIGHTS, **settings},
        )
        correct_biases(prepared, target, photos)


def calibration_images(
    folder: Path, preprocessing: Preprocessing, without: Sequence[str] = (), seed: int = 0
) -> npt.NDArray[np.float32]:
    """Return a random sample of a folder's photos, preprocessed: float32 (n, 3, height, width).

    Args:
        folder: Folder of photos similar to those that will be indexed, including subfolders.
        preprocessing: Preprocessing of the image tower.
        without: File names to exclude: those of the evaluation.
        seed: Seed of the sample.

    Raises:
        ExportError: The folder has too few readable photos.
    """
    excluded = {Path(name).name for name in without}
    found = sorted((each for each in scan(folder) if Path(each.path).name not in excluded), key=lambda each: each.path)
    random.Random(seed).shuffle(found)
    photos: list[npt.NDArray[np.float32]] = []
    for photo in found:
        if len(photos) == CALIBRATION_PHOTOS:
            break
        try:
            photos.append(preprocessing(decode_photo(photo.under(folder), preprocessing.min_edge).image))
        except PhotoError:
            continue
    if len(photos) < _MIN_IMAGES:
        raise ExportError(
            f"{folder}: expected at least {_MIN_IMAGES} readable photos to calibrate int8 with, not counting those of "
            f"the evaluation, found {len(photos)}; pass a folder with more: --calibration DIR"
        )
    return np.stack(photos)


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """The calibration batches for onnxruntime."""

    def __init__(self, photos: npt.NDArray[np.float32]) -> None:
        self._rest = iter(np.array_split(photos, -(-len(photos) // _BATCH)))

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        batch = next(self._rest, None)
        return None if batch is None else {"pixel_values": batch}


def _share_of_products(graph: onnx.GraphProto) -> float:
    """Return the share of products and tables in the float32 weights, not counting an embedding of patches."""
    sizes = {each.name: math.prod(each.dims) for each in graph.initializer if each.data_type == TensorProto.FLOAT}
    inputs = {each.name for each in graph.input}
    found = {"Conv": 0, **dict.fromkeys(_PRODUCTS, 0)}
    for node in graph.node:
        if node.op_type in found and node.input[0] not in inputs:
            found[node.op_type] += sum(sizes.get(name, 0) for name in node.input)
    return 1 - found["Conv"] / max(1, sum(found.values()))
