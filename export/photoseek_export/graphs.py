"""Towers with their projectors -> ONNX graphs with dynamic batch and sequence."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from photoseek_export.logs import only_errors
from photoseek_train.model import TwoTower

OPSET = 18

LARGEST_FILE = 1_900_000_000
"""Bytes of weights in one file: protobuf ends at two gigabytes."""

_BATCH = 2  # of the example that is traced; parity is checked with others
_LENGTH = 8


class TextGraph(nn.Module):
    """``input_ids``, ``attention_mask`` -> ``text_embeds``, not of unit length."""

    def __init__(self, model: TwoTower) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Both int64 (batch, sequence) -> float32 (batch, dim)."""
        return self.model.embed_text(input_ids, attention_mask)


class VisionGraph(nn.Module):
    """``pixel_values`` -> ``image_embeds``, not of unit length."""

    def __init__(self, model: TwoTower) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        """float32 (batch, 3, height, width) -> (batch, dim)."""
        return self.model.embed_image(pixel_values)


def write_text_graph(model: TwoTower, path: Path) -> None:
    """Export the text tower; the model must have eager attention and be in evaluation mode."""
    ids = torch.ones(_BATCH, _LENGTH, dtype=torch.int64)
    longest = int(model.text_tower.bert.config.max_position_embeddings)
    axes = {0: Dim("batch"), 1: Dim("sequence", max=longest)}
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    export_graph(TextGraph(model), inputs, "text_embeds", {"input_ids": axes, "attention_mask": axes}, path)


def write_vision_graph(model: TwoTower, size: tuple[int, int], path: Path) -> None:
    """Export the image tower for pictures of (height, width)."""
    pixels = torch.zeros(_BATCH, 3, *size)
    axes = {"pixel_values": {0: Dim("batch")}}
    export_graph(VisionGraph(model), {"pixel_values": pixels}, "image_embeds", axes, path)


def export_graph(
    graph: nn.Module, inputs: Mapping[str, Tensor], output: str, dynamic: Mapping[str, Any], path: Path
) -> None:
    """Write an ONNX graph; weights of more than ``LARGEST_FILE`` bytes lie beside it, in ``*.onnx.data``.

    Args:
        graph: In evaluation mode once it is written.
        inputs: An example of each input, by name.
        output: What to call the output.
        dynamic: Which axes of the inputs are of any length.
        path: Where to.
    """
    weights = sum(tensor.numel() * tensor.element_size() for tensor in graph.state_dict().values())
    # The TorchScript exporter (dynamo=False) freezes BERT's mask to the traced length: wrong vectors, no error.
    with _quiet():
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
            external_data=weights > LARGEST_FILE,
            verbose=False,
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks about axis names and optional packages from the user."""
    with only_errors("torch.onnx"), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
