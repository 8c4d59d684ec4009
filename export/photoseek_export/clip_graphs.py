"""The towers of a CLIP, SigLIP or Chinese-CLIP -> ONNX graphs, compared with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from photoseek.manifest import Layout
from photoseek_export.clip_models import Clip
from photoseek_export.graphs import export_graph
from photoseek_export.half import store_half
from photoseek_export.parity import check_parity, random_pictures, random_texts

_BATCH, _LENGTH = 2, 8  # of the example that is traced; parity is checked with others

Embed = Callable[[Mapping[str, Tensor]], Tensor]


class _Text(nn.Module):
    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self.model, self._embed = clip.model, clip.embed_text

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        mask = {} if attention_mask is None else {"attention_mask": attention_mask}
        return self._embed({"input_ids": input_ids, **mask})


class _Vision(nn.Module):
    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self.model, self._embed = clip.model, clip.embed_image

    def forward(self, pixel_values: Tensor) -> Tensor:
        return self._embed({"pixel_values": pixel_values})


def write_clip_graphs(clip: Clip, folder: Path, precisions: Sequence[str]) -> dict[str, dict[str, float]]:
    """Write each precision's pair of graphs into ``onnx/`` of a folder.

    Args:
        clip: The model.
        folder: The bundle's.
        precisions: ``fp32``, ``fp16`` or both.

    Returns:
        The largest absolute difference from PyTorch, by precision and tower.

    Raises:
        ParityError: It is too large.
    """
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    text, vision = folder / Layout.text_model("fp32"), folder / Layout.vision_model("fp32")
    _write_text(clip, text)
    _write_vision(clip, vision)
    size = (clip.preprocessing.height, clip.preprocessing.width)
    parities = {
        "fp32": {
            "text": check_parity(clip.embed_text, _random_texts(clip), text),
            "vision": check_parity(clip.embed_image, random_pictures(size), vision),
        }
    }
    if "fp16" in precisions:
        half_text, half_vision = folder / Layout.text_model("fp16"), folder / Layout.vision_model("fp16")
        store_half(text, half_text)
        store_half(vision, half_vision)
        parities["fp16"] = {
            "text": check_parity(clip.embed_text, _random_texts(clip), half_text, "fp16"),
            "vision": check_parity(clip.embed_image, random_pictures(size), half_vision, "fp16"),
        }
    if "fp32" not in precisions:
        for path in (*text.parent.glob(f"{text.name}*"), *vision.parent.glob(f"{vision.name}*")):
            path.unlink()
    return {precision: parities[precision] for precision in precisions}


def _write_text(clip: Clip, path: Path) -> None:
    """SigLIP's takes texts of one length alone, as it was trained; the others' any length, with a mask."""
    batch = Dim("batch")
    if clip.reading.length is not None:
        ids = torch.ones(_BATCH, clip.reading.length, dtype=torch.int64)
        export_graph(_Text(clip), {"input_ids": ids}, "text_embeds", {"input_ids": {0: batch}}, path)
        return
    ids = torch.ones(_BATCH, min(_LENGTH, clip.reading.limit - 1), dtype=torch.int64)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    axes = {0: batch, 1: Dim("sequence", max=clip.reading.limit)}
    export_graph(_Text(clip), inputs, "text_embeds", dict.fromkeys(inputs, axes), path)


def _write_vision(clip: Clip, path: Path) -> None:
    pixels = torch.zeros(_BATCH, 3, clip.preprocessing.height, clip.preprocessing.width)
    axes = {"pixel_values": {0: Dim("batch")}}
    export_graph(_Vision(clip), {"pixel_values": pixels}, "image_embeds", axes, path)


def _random_texts(clip: Clip) -> Iterator[Mapping[str, Tensor]]:
    """Tokens of other batches and lengths than were traced; CLIP looks for the one that ends a text."""
    settings = clip.model.config.text_config
    vocabulary = int(settings.vocab_size)
    if clip.reading.length is None:
        end = settings.eos_token_id if clip.kind == "clip" else None
        if end == 2:  # of before it was corrected: the highest token is looked for
            end = vocabulary - 1
        yield from random_texts(vocabulary, clip.reading.limit, end)
        return
    random = torch.Generator().manual_seed(0)
    for batch in (1, 5):
        yield {"input_ids": torch.randint(0, vocabulary, (batch, clip.reading.length), generator=random)}
