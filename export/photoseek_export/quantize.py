"""int8 quantization of graphs.

Text towers use dynamic quantization: queries are short, so time is spent reading weights; activations are scaled by
their actual range. Image towers use static quantization (QDQ) with ranges calibrated on photos, so that chains of
convolutions stay in int8. Weights are scaled per channel
(https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). Projectors stay in float32: they are
cheap, and their rounding errors would affect the vectors directly.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from photoseek.errors import PhotoError
from photoseek.photos.decode import decode_photo
from photoseek.photos.preprocessing import Preprocessing
from photoseek.sources.local import scan
from photoseek_export.errors import ExportError
from photoseek_export.onnx_logging import only_errors

TEXT_OPERATORS = ("MatMul", "Gather")
"""Operators to quantize in a text tower: the layers' weights and the embedding tables."""

IMAGE_OPERATORS = ("Conv", "Add", "MaxPool")
"""Operators to quantize in an image tower; Add and MaxPool keep activations between convolutions in int8."""

CALIBRATION_PHOTOS = 128
"""Photos that calibrate the ranges of activations."""

_MIN_IMAGES = 16
_BATCH = 16


def quantize_text(source: Path, target: Path) -> None:
    """Write the int8 version of a text tower's graph, preferably of a fused one."""
    with only_errors():  # onnxruntime logs advice on the root logger
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=list(TEXT_OPERATORS),
            per_channel=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_projector_nodes(source),
            extra_options={"MatMulConstBOnly": True},  # attention scores are not weights
        )


def quantize_vision(source: Path, target: Path, pictures: npt.NDArray[np.float32]) -> None:
    """Write the int8 version of an image tower's graph.

    Args:
        source: The float32 graph.
        target: Output file.
        pictures: Preprocessed calibration photos, (n, 3, height, width).
    """
    with only_errors(), tempfile.TemporaryDirectory(dir=target.parent) as work:
        prepared = Path(work, "prepared.onnx")
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Batches(pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(IMAGE_OPERATORS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )


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
    left_out = {Path(name).name for name in without}
    found = sorted((each for each in scan(folder) if Path(each.path).name not in left_out), key=lambda each: each.path)
    random.Random(seed).shuffle(found)
    pictures: list[npt.NDArray[np.float32]] = []
    for photo in found:
        if len(pictures) == CALIBRATION_PHOTOS:
            break
        try:
            pictures.append(preprocessing(decode_photo(photo.under(folder), preprocessing.min_edge).image))
        except PhotoError:
            continue
    if len(pictures) < _MIN_IMAGES:
        raise ExportError(
            f"{folder}: expected at least {_MIN_IMAGES} readable photos to calibrate int8 with, besides those of the "
            f"evaluation, found {len(pictures)}; pass a folder with more: --calibration DIR"
        )
    return np.stack(pictures)


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """The calibration batches for onnxruntime."""

    def __init__(self, pictures: npt.NDArray[np.float32]) -> None:
        self._rest = iter(np.array_split(pictures, -(-len(pictures) // _BATCH)))

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        batch = next(self._rest, None)
        return None if batch is None else {"pixel_values": batch}


def _projector_nodes(text_graph: Path) -> list[str]:
    """Return the node names of the projector's layers after onnxruntime's quantizer has split them."""
    nodes = onnx.load(str(text_graph), load_external_data=False).graph.node
    return [f"{node.name}_MatMul" for node in nodes if node.op_type == "Gemm"]
