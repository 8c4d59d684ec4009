"""Export of towers with their projectors as ONNX graphs with dynamic batch size and sequence length."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from photoseek_export.logs import only_errors

OPSET = 18

MAX_FILE_BYTES = 1_900_000_000
"""Maximum bytes of weights in one file, because protobuf is limited to 2 GB."""

_BATCH, _LENGTH = 2, 8  # of the traced example; parity is checked with other shapes

Embed = Callable[[Mapping[str, Tensor]], Tensor]
"""Maps a tower's inputs, by name, to its embeddings."""


class _Graph(nn.Module):
    """A tower as a module; the names of the parameters of ``forward`` become those of the graph's inputs."""

    def __init__(self, model: nn.Module, embed: Embed) -> None:
        super().__init__()
        self.model, self._embed = model, embed


class TextGraph(_Graph):
    """``input_ids`` and, if the model takes it, ``attention_mask`` -> ``text_embeds``, not normalized."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Embed tokens, both int64 (batch, sequence) -> float32 (batch, dim)."""
        mask = {} if attention_mask is None else {"attention_mask": attention_mask}
        return self._embed({"input_ids": input_ids, **mask})


class VisionGraph(_Graph):
    """``pixel_values`` -> ``image_embeds``, not normalized."""

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Embed photos, float32 (batch, 3, height, width) -> (batch, dim)."""
        return self._embed({"pixel_values": pixel_values})


def write_text_graph(model: nn.Module, embed: Embed, longest: int, path: Path, *, fixed: bool = False) -> None:
    """Export a text tower, which must use eager attention.

    Args:
        model: The model.
        embed: Its text tower.
        longest: Maximum number of tokens.
        path: Output file.
        fixed: Whether texts always have ``longest`` tokens and no mask.
    """
    ids = torch.ones(_BATCH, longest if fixed else min(_LENGTH, longest - 1), dtype=torch.int64)
    inputs = {"input_ids": ids, **({} if fixed else {"attention_mask": torch.ones_like(ids)})}
    axes = {0: Dim("batch"), **({} if fixed else {1: Dim("sequence", max=longest)})}
    export_graph(TextGraph(model, embed), inputs, "text_embeds", dict.fromkeys(inputs, axes), path)


def write_vision_graph(model: nn.Module, embed: Embed, size: tuple[int, int], path: Path) -> None:
    """Export an image tower for images of (height, width)."""
    inputs = {"pixel_values": torch.zeros(_BATCH, 3, *size)}
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


@contextlib.contextmanager
def _suppress_output() -> Iterator[None]:
    """Suppress warnings of the exporter about axis names and optional packages."""
    with only_errors("torch.onnx"), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
