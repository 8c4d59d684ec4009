"""Limits of this machine: memory bandwidth, float32 and int8 products, and the minimum time of a text query.

python benchmarks/limits.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import models
import numpy as np
import onnx
import onnxruntime
from contest import CACHE, write
from onnx import TensorProto, helper, numpy_helper
from torchvision.models import ResNet18_Weights

from photoseek import Bundle
from photoseek.bundle.manifest import Layout
from photoseek.encoders.encoders import TextEncoder
from photoseek.system.cpu import available_cores

_GIGABYTE = 1 << 30
_SIDE = 2048
_ROUNDS = 25


def main() -> None:
    """Run the benchmark and write the result."""
    bandwidth, peaks = _bandwidth(), {"fp32": _product(np.float32), "int8": _product(np.int8)}
    rows: dict[str, Any] = {"memory": {"read_GB_per_s": round(bandwidth / 1e9, 1)}}
    rows |= {f"{precision} products": {"Gop_per_s": round(peak / 1e9, 1)} for precision, peak in peaks.items()}
    folder = models.bundle()
    encoder = TextEncoder(Bundle.load(folder))
    tokens = statistics.median(encoder.count_tokens(text) for text in models.captions())
    for precision, peak in peaks.items():
        graph = onnx.load(str(folder / Layout.text_model(precision)))
        weights = [numpy_helper.to_array(tensor) for tensor in graph.graph.initializer]
        streamed = sum(weight.nbytes for weight in weights if weight.ndim == 2 and min(weight.shape) >= 256)
        streamed -= max(weight.nbytes for weight in weights)  # the embedding table, of which a query reads a few rows
        operations = 2 * tokens * streamed / (4 if precision == "fp32" else 1)
        rows[f"text query, {precision}"] = {
            "tokens": tokens,
            "read_MB": round(streamed / 1e6, 1),
            "streamed_once_ms": round(1000 * streamed / bandwidth, 2),
            "Gop": round(operations / 1e9, 2),
            "multiplied_at_peak_ms": round(1000 * operations / peak, 2),
        }
    operations = 2e9 * ResNet18_Weights.IMAGENET1K_V1.meta["_ops"]  # which counts a multiply-add as one
    rows["photo, int8"] = {
        "Gop": round(operations / 1e9, 2),
        "multiplied_at_peak_ms": round(1000 * operations / peaks["int8"], 2),
    }
    for count in (31_783, 1_000_000):
        size = count * 256 * 4
        rows[f"search, {count:,} x 256 in float32"] = {
            "read_MB": round(size / 1e6, 1),
            "streamed_once_ms": round(1000 * size / bandwidth, 2),
        }
    write("limits", "Limits of this machine", rows, _ROUNDS)


def _bandwidth() -> float:
    """Return the bytes per second that all cores together read from an array larger than any cache."""
    parts = np.array_split(np.ones(_GIGABYTE // 8), available_cores())
    with ThreadPoolExecutor(len(parts)) as pool:
        return _GIGABYTE / _fastest(lambda: list(pool.map(np.sum, parts)))


def _product(kind: Any) -> float:
    """Return the multiplications and additions per second of a square matrix product in onnxruntime, on all cores."""
    int8 = kind is np.int8
    shape = [_SIDE, _SIDE]
    left = np.ones(shape, dtype=np.uint8 if int8 else kind)
    node = helper.make_node("MatMulInteger" if int8 else "MatMul", ["a", "b"], ["c"])
    kinds = (TensorProto.UINT8, TensorProto.INT32) if int8 else (TensorProto.FLOAT, TensorProto.FLOAT)
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("a", kinds[0], shape)],
        [helper.make_tensor_value_info("c", kinds[1], shape)],
        [numpy_helper.from_array(np.ones(shape, dtype=kind), "b")],
    )
    path = CACHE / f"product-{np.dtype(kind).name}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return 2 * _SIDE**3 / _fastest(lambda: session.run(None, {"a": left}))


def _fastest(work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)  # other work on the machine only adds to the time


if __name__ == "__main__":
    main()
