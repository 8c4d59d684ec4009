"""What an ONNX file says of its inputs, outputs and outside weights, read without its weights.

An onnxruntime session would tell the same after it has read and optimised a gigabyte. The numbers of the fields are
those of ``onnx.proto`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), the encoding is protobuf's.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from photoseek.bundle.manifest import upgrade_hint
from photoseek.errors import BundleDamaged

Shape = tuple[int | None, ...]
"""None: a dimension of any length."""

_GRAPH = 7  # of ModelProto
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12  # of GraphProto
_TENSOR_NAME, _TENSOR_EXTERNAL = 8, 13
_ATTRIBUTE, _ATTRIBUTE_TENSOR = 5, 5  # of NodeProto, of AttributeProto
_INTEGERS = (6, 7)  # TensorProto.INT32, INT64


@dataclass(frozen=True)
class TensorInfo:
    """An input or an output.

    Attributes:
        name: As the graph has it.
        shape: Of its tensor; None where the graph does not tell.
        integers: Whether it takes whole numbers.
    """

    name: str
    shape: Shape | None
    integers: bool = False


@dataclass(frozen=True)
class GraphFile:
    """The face of a graph.

    Attributes:
        path: The file.
        inputs: By name, without those that are weights.
        outputs: By name, in their order.
        outside: Files beside it that hold weights, by the paths that the graph has for them.
    """

    path: Path
    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]
    outside: tuple[str, ...]


def read_graph_file(path: Path) -> GraphFile:
    """Read the face of a graph.

    Raises:
        BundleDamaged: It is no ONNX file, or names weights outside its folder.
    """
    try:
        with path.open("rb") as file:
            # Never closed by hand: that fails as long as a slice of it lives, such as in an error's traceback.
            return _read(path, memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except OSError as error:
        raise BundleDamaged(f"{path}: {error.strerror or error}") from error
    except (ValueError, IndexError, TypeError) as error:  # an empty file cannot be mapped
        raise BundleDamaged(f"{path}: expected an ONNX graph: {error}{upgrade_hint(path)}; copy it again") from error


def _read(path: Path, model: memoryview) -> GraphFile:
    graph = _one(model, _GRAPH)
    if graph is None:
        raise ValueError("no graph in it")
    inputs: list[TensorInfo] = []
    outputs: list[TensorInfo] = []
    weights: set[str] = set()
    outside: list[str] = []
    for number, value in _fields(graph):
        if isinstance(value, int):
            continue
        if number == _INPUT:
            inputs.append(_port(value))
        elif number == _OUTPUT:
            outputs.append(_port(value))
        elif number == _INITIALIZER:
            weights.add(_text(value, _TENSOR_NAME))
            outside += _outside(value)
        elif number == _NODE:
            for attribute in _all(value, _ATTRIBUTE):
                for tensor in _all(attribute, _ATTRIBUTE_TENSOR):
                    outside += _outside(tensor)
    for name in outside:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name:
            raise ValueError(f"weights outside its folder: {name!r:.80}")
    if not inputs or not outputs:
        raise ValueError("no inputs or no outputs in it")
    taken = {port.name: port for port in inputs if port.name not in weights}
    return GraphFile(path, taken, {port.name: port for port in outputs}, tuple(dict.fromkeys(outside)))


def _port(value: memoryview) -> TensorInfo:
    """ValueInfoProto: name 1, type 2 -> TypeProto: tensor_type 1 -> elem_type 1, shape 2 -> dim 1 -> dim_value 1."""
    name, kind = _text(value, 1), _one(value, 2)
    tensor = None if kind is None else _one(kind, 1)
    if tensor is None:
        return TensorInfo(name, None)
    element = next((number for field, number in _fields(tensor) if field == 1), 0)
    shape = _one(tensor, 2)
    dims = None if shape is None else tuple(_dimension(each) for each in _all(shape, 1))
    return TensorInfo(name, dims, element in _INTEGERS)


def _dimension(value: memoryview) -> int | None:
    found = next((number for field, number in _fields(value) if field == 1 and isinstance(number, int)), 0)
    return found if 0 < found < 2**31 else None


def _outside(tensor: memoryview) -> list[str]:
    """Where a tensor's numbers lie, if not in it."""
    pairs = ((_text(entry, 1), _text(entry, 2)) for entry in _all(tensor, _TENSOR_EXTERNAL))
    return [value for key, value in pairs if key == "location"]


def _text(message: memoryview, number: int) -> str:
    found = _one(message, number)
    return "" if found is None else str(found, "utf-8")


def _one(message: memoryview, number: int) -> memoryview | None:
    return next(_all(message, number), None)


def _all(message: memoryview, number: int) -> Iterator[memoryview]:
    for field, value in _fields(message):
        if field == number and not isinstance(value, int):
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and value of each field: a slice of the message, or a whole number."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == 2:
            size, place = _varint(message, place)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"a field of type {wire}, which protobuf does not have")
        if not number or place + size > len(message):
            raise ValueError("it ends in the middle")
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number of more than ten bytes")
