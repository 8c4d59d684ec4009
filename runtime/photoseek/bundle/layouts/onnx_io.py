"""Detection of a graph's inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from photoseek.bundle.description import GraphSpec
from photoseek.bundle.json_files import expect_file
from photoseek.bundle.layouts.onnx_header import GraphHeader, TensorInfo, read_header
from photoseek.errors import BundleIncompatible

_DYNAMIC = ("int8", "uint8", "q8")
"""Precisions for which exporters scale activations by the batch, as quantize_dynamic does."""

_TEXT_INPUTS = {
    "input_ids": "input_ids",
    "attention_mask": "attention_mask",
    "token_type_ids": "token_type_ids",
    "text": "input_ids",
}
_VISION_INPUTS = {"pixel_values": "pixel_values", "image": "pixel_values"}


@dataclass(frozen=True)
class GraphIO:
    """A graph that was detected as a tower.

    Attributes:
        graph: The file, its inputs and its output.
        header: What the file declares.
        main: The input of tokens, or of pixels.
    """

    graph: GraphSpec
    header: GraphHeader
    main: TensorInfo

    @property
    def dim(self) -> int | None:
        """The length of its vectors; None if the graph does not declare it."""
        shape = self.header.outputs[str(self.graph.output)].shape
        return shape[-1] if shape else None

    @property
    def length(self) -> int | None:
        """Of a text tower: the exact number of tokens that it accepts; None: any number."""
        return self.main.shape[1] if self.main.shape and len(self.main.shape) == 2 else None

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Of an image tower: height and width of its pictures; None where the graph does not declare them."""
        if self.main.shape is None or len(self.main.shape) != 4:
            return None, None
        return self.main.shape[2], self.main.shape[3]

    def fixed_size(self) -> tuple[int, int]:
        """Return height and width of an image tower's pictures.

        Raises:
            BundleIncompatible: The graph does not declare them.
        """
        height, width = self.size
        if height is None or width is None:
            raise BundleIncompatible(
                f"{self.header.path}: expected pictures of a fixed size, found {height} x {width}; export it again"
            )
        return height, width


def text_io(folder: Path, file: str, precision: str, outputs: Sequence[str] = ()) -> GraphIO:
    """Return a text tower; ``outputs`` are the names that its embedding may have.

    Raises:
        BundleDamaged: The file is not an ONNX graph.
        BundleIncompatible: It has an unsupported input, or it is ambiguous which output is the embedding.
    """
    return _tower(folder, file, precision, outputs, _TEXT_INPUTS, "input_ids")


def vision_io(folder: Path, file: str, precision: str, outputs: Sequence[str] = ()) -> GraphIO:
    """Return an image tower; parameters and errors are those of ``text_io``."""
    return _tower(folder, file, precision, outputs, _VISION_INPUTS, "pixel_values")


def _tower(
    folder: Path, file: str, precision: str, outputs: Sequence[str], known: Mapping[str, str], main: str
) -> GraphIO:
    header = read_header(folder / file)
    if len(header.inputs) == 1:  # of any name
        known = dict.fromkeys(header.inputs, main)
    sources = {name: known.get(name) for name in header.inputs}
    if None in sources.values() or main not in sources.values():
        raise BundleIncompatible(
            f"{header.path}: expected inputs among {', '.join(known)}, found {', '.join(header.inputs)}; models with "
            "other inputs are not supported"
        )
    tensor = next(tensor for name, tensor in header.inputs.items() if sources[name] == main)
    _check_rank(header, tensor, main)
    renamed = {name: source for name, source in sources.items() if source is not None and source != name}
    output = _embedding(header, outputs)
    external_data = _external_data(folder, file, header)
    return GraphIO(GraphSpec(file, renamed, output, external_data, precision in _DYNAMIC), header, tensor)


def _external_data(folder: Path, file: str, header: GraphHeader) -> tuple[str, ...]:
    names = tuple((PurePosixPath(file).parent / name).as_posix() for name in header.external_data)
    for name in names:
        expect_file(folder / name, f"{file} has weights in it: copy it there")
    return names


def _check_rank(header: GraphHeader, tensor: TensorInfo, main: str) -> None:
    rank = 2 if main == "input_ids" else 4
    if tensor.is_integer != (main == "input_ids") or (tensor.shape is not None and len(tensor.shape) != rank):
        expected = "integers of 2 dimensions" if main == "input_ids" else "floats of 4 dimensions"
        found = f"{'integers' if tensor.is_integer else 'floats'} of {len(tensor.shape or ())}"
        raise BundleIncompatible(
            f"{header.path}: expected its input {tensor.name!r} as {expected}, found {found}; it is not such a tower"
        )


def _embedding(header: GraphHeader, names: Sequence[str]) -> str:
    """Return the output with one of these names, or the only one with a vector for each text or photo.

    Never the first one blindly: SigLIP's first output is the states of all tokens.
    """
    if named := [name for name in names if name in header.outputs]:
        return named[0]
    vectors = [name for name, tensor in header.outputs.items() if tensor.shape is None or len(tensor.shape) == 2]
    if names or len(vectors) != 1:
        expected = " or ".join(names) if names else "one of shape (batch, dim)"
        raise BundleIncompatible(
            f"{header.path}: expected an output {expected}, found {', '.join(header.outputs)}; "
            "export the model with its projection"
        )
    return vectors[0]
