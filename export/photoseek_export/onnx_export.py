"""Export of towers with their projectors as ONNX graphs with dynamic batch size and sequence length."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from photoseek_export.fp16_storage import store_weights_fp16
from photoseek_export.onnx_logging import only_errors
from photoseek_train.model.two_tower import TwoTower

OPSET = 18

MAX_FILE_BYTES = 1_900_000_000
"""Maximum bytes of weights in one file; protobuf is limited to 2 GB."""

BATCH = 2
"""Batch size of the traced example; parity is checked with other sizes."""

_LENGTH = 8


Embed = Callable[[Mapping[str, Tensor]], Tensor]
"""Maps a tower's inputs, by name, to its embeddings."""


class TextGraph(nn.Module):
    """``input_ids`` and, if the model takes it, ``attention_mask`` -> ``text_embeds``, not normalized."""

    def __init__(self, model: nn.Module, embed: Embed) -> None:
        super().__init__()
        self.model, self._embed = model, embed

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Embed tokens, both int64 (batch, sequence) -> float32 (batch, dim)."""
        mask = {} if attention_mask is None else {"attention_mask": attention_mask}
        return self._embed({"input_ids": input_ids, **mask})


class VisionGraph(nn.Module):
    """``pixel_values`` -> ``image_embeds``, not normalized."""

    def __init__(self, model: nn.Module, embed: Embed) -> None:
        super().__init__()
        self.model, self._embed = model, embed

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Embed photos, float32 (batch, 3, height, width) -> (batch, dim)."""
        return self._embed({"pixel_values": pixel_values})


def write_text_graph(model: TwoTower, path: Path) -> None:
    """Export the text tower; the model must use eager attention and be in evaluation mode."""
    longest = int(model.text_tower.bert.config.max_position_embeddings)
    write_masked_text_graph(TextGraph(model, lambda inputs: model.embed_text(**inputs)), longest, path)


def write_masked_text_graph(graph: TextGraph, longest: int, path: Path) -> None:
    """Export a text tower that takes up to ``longest`` tokens and a mask."""
    ids = torch.ones(BATCH, min(_LENGTH, longest - 1), dtype=torch.int64)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    axes = {0: Dim("batch"), 1: Dim("sequence", max=longest)}
    export_graph(graph, inputs, "text_embeds", dict.fromkeys(inputs, axes), path)


def write_vision_graph(model: nn.Module, embed: Embed, size: tuple[int, int], path: Path) -> None:
    """Export an image tower for images of (height, width)."""
    inputs = {"pixel_values": torch.zeros(BATCH, 3, *size)}
    axes = {"pixel_values": {0: Dim("batch")}}
    export_graph(VisionGraph(model, embed), inputs, "image_embeds", axes, path)


def export_graph(
    graph: nn.Module, inputs: Mapping[str, Tensor], output: str, dynamic: Mapping[str, Any], path: Path
) -> None:
    """Write an ONNX graph; more than ``MAX_FILE_BYTES`` of weights are stored in ``*.onnx.data``.

    Args:
        graph: The module; set to evaluation mode.
        inputs: An example of each input, by name.
        output: Name of the output.
        dynamic: Dynamic axes of the inputs.
        path: Output file.
    """
    weights = sum(tensor.numel() * tensor.element_size() for tensor in graph.state_dict().values())
    # The TorchScript exporter (dynamo=False) fixes BERT's mask to the traced length and silently returns wrong vectors.
    with _suppress_output():
        torch.onnx.export(
            graph.eval(),
            (),
            str(path),
            kwargs=dict(inputs),
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=dict(dynamic),
            opset_version=OPSET,
            dynamo=True,
            external_data=weights > MAX_FILE_BYTES,
            verbose=False,
        )


def write_precisions(
    file: Callable[[str], Path],
    precisions: Sequence[str],
    write: Callable[[Path], None],
    check: Callable[[Path, str], float],
    quantize: Callable[[Path, Path], None] | None = None,
) -> dict[str, float]:
    """Write a tower's graph in each precision, and compare each with PyTorch.

    Args:
        file: Maps a precision to its file.
        precisions: Among ``fp32``, ``fp16`` and, with ``quantize``, ``int8``.
        write: Writes the fp32 graph, from which the others are derived.
        check: Maps a file and its precision to the maximum difference from PyTorch.
        quantize: Writes the int8 graph from the fp32 one.

    Returns:
        The differences by precision.

    Raises:
        ParityError: A difference is too large.
    """
    full = file("fp32")
    write(full)
    found = {"fp32": check(full, "fp32")}
    make: Mapping[str, Callable[[Path, Path], None] | None] = {"fp16": store_weights_fp16, "int8": quantize}
    for precision in precisions:
        if convert := make.get(precision):
            convert(full, file(precision))
            found[precision] = check(file(precision), precision)
    if "fp32" not in precisions:
        for part in full.parent.glob(f"{full.name}*"):  # including the external weights of a large graph
            part.unlink()
    return {precision: found[precision] for precision in precisions}


@contextlib.contextmanager
def _suppress_output() -> Iterator[None]:
    """Suppress warnings of the exporter about axis names and optional packages."""
    with only_errors("torch.onnx"), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
