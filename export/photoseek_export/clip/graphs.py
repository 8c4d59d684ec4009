"""Export of the towers of a CLIP, SigLIP or Chinese-CLIP as ONNX graphs, verified against PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim

from photoseek.bundle.manifest import Layout
from photoseek_export.clip.models import Clip
from photoseek_export.onnx_export import (
    BATCH,
    TextGraph,
    export_graph,
    write_masked_text_graph,
    write_precisions,
    write_vision_graph,
)
from photoseek_export.parity import check_parity, random_images, random_texts


def write_clip_graphs(clip: Clip, folder: Path, precisions: Sequence[str]) -> dict[str, dict[str, float]]:
    """Write the graphs of each precision into ``onnx/`` of a folder.

    Args:
        clip: The model.
        folder: The bundle's folder.
        precisions: ``fp32``, ``fp16`` or both.

    Returns:
        The maximum absolute difference from PyTorch, by precision and tower.

    Raises:
        ParityError: A difference is too large.
    """
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    size = (clip.preprocessing.height, clip.preprocessing.width)
    text = write_precisions(
        lambda precision: folder / Layout.text_model(precision),
        precisions,
        partial(_write_text, clip),
        lambda graph, precision: check_parity(clip.embed_text, _random_texts(clip), graph, precision),
    )
    vision = write_precisions(
        lambda precision: folder / Layout.vision_model(precision),
        precisions,
        partial(write_vision_graph, clip.model, clip.embed_image, size),
        lambda graph, precision: check_parity(clip.embed_image, random_images(size), graph, precision),
    )
    return {precision: {"text": text[precision], "vision": vision[precision]} for precision in precisions}


def _write_text(clip: Clip, path: Path) -> None:
    """Export the text tower: SigLIP's takes texts of a fixed length, the others' any length with a mask."""
    graph = TextGraph(clip.model, clip.embed_text)
    if clip.text_input.padding.length is None:
        write_masked_text_graph(graph, clip.text_input.max_length, path)
        return
    ids = torch.ones(BATCH, clip.text_input.padding.length, dtype=torch.int64)
    export_graph(graph, {"input_ids": ids}, "text_embeds", {"input_ids": {0: Dim("batch")}}, path)


def _random_texts(clip: Clip) -> Iterator[Mapping[str, Tensor]]:
    """Yield tokens of other shapes than the traced one; CLIP looks up the end-of-text token."""
    settings = clip.model.config.text_config
    vocabulary = int(settings.vocab_size)
    if clip.text_input.padding.length is None:
        end = settings.eos_token_id if clip.kind == "clip" else None
        if end == 2:  # legacy configurations: transformers looks up the highest token id instead
            end = vocabulary - 1
        yield from random_texts(vocabulary, clip.text_input.max_length, end)
        return
    random = torch.Generator().manual_seed(0)
    for batch in (1, 5):
        yield {"input_ids": torch.randint(0, vocabulary, (batch, clip.text_input.padding.length), generator=random)}
