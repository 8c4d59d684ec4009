"""Which of a graph's inputs and outputs are which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photoseek.bundle.description import GraphSpec
from photoseek.bundle.layouts.onnx_header import GraphFile, TensorInfo, read_graph_file
from photoseek.errors import BundleIncompatible

_DYNAMIC = ("int8", "uint8", "q8")
"""Precisions in which exporters scale activations by the run, as quantize_dynamic does."""

_TEXT_INPUTS = {
    "input_ids": "input_ids",
    "attention_mask": "attention_mask",
    "token_type_ids": "token_type_ids",
    "text": "input_ids",
}
_VISION_INPUTS = {"pixel_values": "pixel_values", "image": "pixel_values"}


class GraphIO:
    """A graph that was recognised as a tower: what the runtime needs, and what the layout is still to be told.

    Attributes:
        graph: The file, and how it is fed and read.
        face: Its inputs and outputs.
        embedding: The output that is the embedding.
        main: The input of tokens, or of pixels.
    """

    def __init__(self, graph: GraphSpec, face: GraphFile) -> None:
        self.graph = graph
        self.face = face
        self.embedding = face.outputs[graph.output or next(iter(face.outputs))]
        takes = {name: graph.inputs.get(name, name) for name in face.inputs}
        self.main = next(port for name, port in face.inputs.items() if takes[name] in ("input_ids", "pixel_values"))

    @property
    def dim(self) -> int | None:
        """The length of its vectors; None where the graph does not tell."""
        return self.embedding.shape[-1] if self.embedding.shape else None

    @property
    def length(self) -> int | None:
        """Of a text tower: how many tokens it takes, no more and no fewer; None: any number."""
        return self.main.shape[1] if self.main.shape and len(self.main.shape) == 2 else None

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Of an image tower: height and width of its pictures."""
        if self.main.shape is None or len(self.main.shape) != 4:
            return None, None
        return self.main.shape[2], self.main.shape[3]


def text_io(folder: Path, file: str, precision: str, outputs: Sequence[str] = ()) -> GraphIO:
    """A text tower; ``outputs`` are the names that its embedding may have.

    Raises:
        BundleDamaged: The file is no graph.
        BundleIncompatible: It wants what is not fed here, or it cannot be told which output is the embedding.
    """
    return _tower(folder, file, precision, outputs, _TEXT_INPUTS, "input_ids")


def vision_io(folder: Path, file: str, precision: str, outputs: Sequence[str] = ()) -> GraphIO:
    """The same for an image tower."""
    return _tower(folder, file, precision, outputs, _VISION_INPUTS, "pixel_values")


def _tower(
    folder: Path, file: str, precision: str, outputs: Sequence[str], known: dict[str, str], main: str
) -> GraphIO:
    face = read_graph_file(folder / file)
    takes = dict(known)
    if len(face.inputs) == 1:  # whatever its name is
        takes = dict.fromkeys(face.inputs, main)
    unknown = [name for name in face.inputs if name not in takes]
    if unknown or main not in [takes[name] for name in face.inputs]:
        raise BundleIncompatible(
            f"{face.path}: expected inputs among {', '.join(known)}, found {', '.join(face.inputs)}; "
            "a model that wants others cannot be run here"
        )
    port = next(port for name, port in face.inputs.items() if takes[name] == main)
    _expect_rank(face, port, main)
    renamed = {name: takes[name] for name in face.inputs if takes[name] != name}
    output = _embedding(face, outputs)
    return GraphIO(GraphSpec(file, renamed, output, batch_size_one=precision in _DYNAMIC), face)


def _expect_rank(face: GraphFile, port: TensorInfo, main: str) -> None:
    rank = 2 if main == "input_ids" else 4
    if port.integers != (main == "input_ids") or (port.shape is not None and len(port.shape) != rank):
        what = "whole numbers of 2 dimensions" if main == "input_ids" else "numbers of 4 dimensions"
        shape = None if port.shape is None else len(port.shape)
        raise BundleIncompatible(
            f"{face.path}: expected its input {port.name!r} as {what}, found {'whole ' if port.integers else ''}"
            f"numbers of {shape}; it is no tower of that kind"
        )


def _embedding(face: GraphFile, wanted: Sequence[str]) -> str:
    """The output by its name, or the only one that has a vector for each text or photo.

    Never the first one blindly: SigLIP's first output is the states of all tokens.
    """
    named = [name for name in wanted if name in face.outputs]
    if named:
        return named[0]
    vectors = [name for name, port in face.outputs.items() if port.shape is None or len(port.shape) == 2]
    if wanted or len(vectors) != 1:
        expected = " or ".join(wanted) if wanted else "one of shape (batch, dim)"
        raise BundleIncompatible(
            f"{face.path}: expected an output {expected}, found {', '.join(face.outputs)}; its embedding cannot be "
            "told: export the model with its projection"
        )
    return vectors[0]
