"""Towers to export: each is written in every precision and compared with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from photoseek.bundle.manifest import Layout
from photoseek_export.attention_fusion import write_fused_graph
from photoseek_export.onnx_export import Embed, write_text_graph, write_vision_graph
from photoseek_export.parity import check_parity, random_images, random_texts
from photoseek_export.quantize import quantize_dynamic_int8, quantize_static_int8, store_weights_fp16
from photoseek_export.steps import StepCallback, no_step
from photoseek_train.model.checkpoint import LoadedCheckpoint

Convert = Callable[[Path, Path], None]
"""Converts the fp32 graph in one file to another precision in another file."""


@dataclass(frozen=True)
class Tower:
    """A tower with its projector.

    Attributes:
        file: Maps a precision to the name of the graph's file in a bundle.
        embed: The tower in PyTorch, in evaluation mode.
        inputs: Returns inputs for the comparison, of other shapes than the traced one.
        write: Writes the fp32 graph.
        quantize: Converts it to int8. None: not supported.
    """

    file: Callable[[str], str]
    embed: Embed
    inputs: Callable[[], Iterable[Mapping[str, Tensor]]]
    write: Callable[[Path], None]
    quantize: Convert | None = None

    def export(self, folder: Path, precisions: Sequence[str], on_step: StepCallback = no_step) -> dict[str, float]:
        """Write the graph of each precision into a bundle's folder; the others are converted from fp32.

        Returns:
            The maximum differences from PyTorch by precision.

        Raises:
            ParityError: A difference is too large.
        """
        full = folder / self.file("fp32")
        on_step(f"write {self.file('fp32')}")
        self.write(full)
        found = {"fp32": self.check(full)}
        conversions: dict[str, Convert | None] = {"fp16": store_weights_fp16, "int8": self.quantize}
        for precision in precisions:
            if convert := conversions.get(precision):
                graph = folder / self.file(precision)
                on_step(f"write {self.file(precision)}")
                convert(full, graph)
                found[precision] = self.check(graph, precision)
        if "fp32" not in precisions:
            for part in full.parent.glob(f"{full.name}*"):  # including the external weights of a large graph
                part.unlink()
        return {precision: found[precision] for precision in precisions}

    def check(self, graph: Path, precision: str = "fp32") -> float:
        """Compare a graph with PyTorch; see ``check_parity``."""
        return check_parity(self.embed, self.inputs(), graph, precision)


def text_tower(loaded: LoadedCheckpoint, language: str | None = None) -> Tower:
    """Return the text tower of a checkpoint; ``language`` is that of an additional tower, None for the main tower."""
    model, bert = loaded.model, loaded.model.text_tower.bert

    def embed(inputs: Mapping[str, Tensor]) -> Tensor:
        return model.embed_text(**inputs)

    write = partial(write_text_graph, model, embed, int(bert.config.max_position_embeddings))

    def quantize(full: Path, small: Path) -> None:
        fused = full.with_suffix(".fused")
        write_fused_graph(bert, write, fused)
        quantize_dynamic_int8(fused, small)
        fused.unlink()

    file = partial(Layout.text_model, language=language)
    return Tower(file, embed, partial(random_texts, int(bert.config.vocab_size)), write, quantize)


def vision_tower(loaded: LoadedCheckpoint, calibration: npt.NDArray[np.float32] | None) -> Tower:
    """Return the image tower of a checkpoint.

    Args:
        loaded: The checkpoint.
        calibration: Preprocessed photos that calibrate int8, (n, 3, height, width). None: int8 is not supported.
    """
    model, size = loaded.model, (loaded.config.preprocessing.height, loaded.config.preprocessing.width)

    def embed(inputs: Mapping[str, Tensor]) -> Tensor:
        return model.embed_image(**inputs)

    write = partial(write_vision_graph, model, embed, size)
    quantize = None if calibration is None else partial(quantize_static_int8, photos=calibration)
    return Tower(Layout.vision_model, embed, partial(random_images, size), write, quantize)
