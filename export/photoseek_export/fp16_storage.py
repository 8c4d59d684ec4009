"""fp16 weights on disk, fp32 in memory: half the size of a bundle, at the speed of fp32.

Each large weight is stored as float16 followed by a Cast, which onnxruntime folds into a float32 constant when it loads
the graph. Weights are rounded to 11 significant bits; activations are not affected.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from photoseek_export.errors import ExportError

_MIN_SIZE = 256  # elements: for smaller weights, a Cast node needs more bytes than it saves
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
        if tensor.data_type != TensorProto.FLOAT or values.size < _MIN_SIZE:
            continue
        if not np.abs(values).max() <= _FP16_MAX:
            raise ExportError(f"{source.name}: weight {tensor.name!r} exceeds the range of fp16; export fp32 only")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT))
    for position, node in enumerate(casts):
        model.graph.node.insert(position, node)
    onnx.save(model, str(target))
