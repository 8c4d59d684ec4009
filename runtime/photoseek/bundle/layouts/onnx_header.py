"""The inputs, outputs and external data of an ONNX file, read without its weights.

An onnxruntime session reads and optimizes the weights first, up to a gigabyte. Field numbers are those of
``onnx.proto`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), the encoding is protobuf's
(https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from photoseek.bundle.json_files import placeholder_hint
from photoseek.errors import BundleDamaged

Shape = tuple[int | None, ...]
"""None: a dimension of any length."""

_GRAPH = 7  # of ModelProto
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12  # of GraphProto
_ATTRIBUTE, _TENSOR = 5, 5  # of NodeProto, of AttributeProto
_TENSOR_NAME, _EXTERNAL_DATA = 8, 13  # of TensorProto
_INTEGER_TYPES = (6, 7)  # TensorProto.INT32, INT64


@dataclass(frozen=True)
class TensorInfo:
    """An input or an output.

    Attributes:
        name: Its name.
        shape: Of its tensor; None if the graph does not declare it.
        is_integer: Whether its type is int32 or int64.
    """

    name: str
    shape: Shape | None
    is_integer: bool = False


@dataclass(frozen=True)
class GraphHeader:
    """What an ONNX file declares.

    Attributes:
        path: The file.
        inputs: By name, without weights.
        outputs: By name, in their order.
        external_data: Files with weights, by paths relative to the folder of the file.
    """

    path: Path
    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]
    external_data: tuple[str, ...]


def read_header(path: Path) -> GraphHeader:
    """Read what an ONNX file declares.

    Raises:
        BundleDamaged: It is not an ONNX file, or names weights outside its folder.
    """
    try:
        with path.open("rb") as file:
            # Never closed explicitly: that fails while a slice of it is alive, such as in an error's traceback.
            return _read(path, memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except OSError as error:
        raise BundleDamaged(f"{path}: {error.strerror or error}") from error
    except (ValueError, IndexError, TypeError) as error:  # an empty file cannot be mapped
        raise BundleDamaged(
            f"{path}: expected an ONNX graph: {error}{placeholder_hint(path)}; copy it again"
        ) from error


def _read(path: Path, model: memoryview) -> GraphHeader:
    graph = next(_find(model, _GRAPH), None)
    if graph is None:
        raise ValueError("found no graph")
    weights = {_text(tensor, _TENSOR_NAME) for tensor in _find(graph, _INITIALIZER)}
    inputs = {tensor.name: tensor for tensor in map(_tensor_info, _find(graph, _INPUT)) if tensor.name not in weights}
    outputs = {tensor.name: tensor for tensor in map(_tensor_info, _find(graph, _OUTPUT))}
    if not inputs or not outputs:
        raise ValueError("found no inputs or no outputs")
    entries = chain(
        _find(graph, _INITIALIZER, _EXTERNAL_DATA), _find(graph, _NODE, _ATTRIBUTE, _TENSOR, _EXTERNAL_DATA)
    )
    locations = tuple(dict.fromkeys(_text(entry, 2) for entry in entries if _text(entry, 1) == "location"))
    for name in locations:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name:
            raise ValueError(f"found weights outside its folder: {name!r:.80}")
    return GraphHeader(path, inputs, outputs, locations)


def _tensor_info(value: memoryview) -> TensorInfo:
    """Read ValueInfoProto: name 1, type 2 (TypeProto: tensor_type 1: elem_type 1, shape 2: dim 1: dim_value 1)."""
    name, tensor = _text(value, 1), next(_find(value, 2, 1), None)
    if tensor is None:
        return TensorInfo(name, None)
    shape = next(_find(tensor, 2), None)
    sizes = None if shape is None else [_integer(dimension, 1) for dimension in _find(shape, 1)]
    declared = None if sizes is None else tuple(size if 0 < size < 2**31 else None for size in sizes)
    return TensorInfo(name, declared, _integer(tensor, 1) in _INTEGER_TYPES)


def _text(message: memoryview, number: int) -> str:
    return str(next(_find(message, number), b""), "utf-8")


def _integer(message: memoryview, number: int) -> int:
    return next((value for field, value in _fields(message) if field == number and isinstance(value, int)), 0)


def _find(message: memoryview, number: int, *inner: int) -> Iterator[memoryview]:
    """Yield every embedded message at a path of field numbers."""
    for field, value in _fields(message):
        if field == number and not isinstance(value, int):
            yield from _find(value, *inner) if inner else (value,)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield number and value of each field: a slice of the message, or an integer."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire_type == 2:
            size, position = _varint(message, position)
        elif wire_type in (1, 5):
            size = 8 if wire_type == 1 else 4
        else:
            raise ValueError(f"found a field of type {wire_type}, which protobuf does not have")
        if not number or position + size > len(message):
            raise ValueError("found it truncated")
        yield number, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return an integer of seven bits a byte, the lowest first, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("found a number of more than ten bytes")
