"""The models of ``clip_models`` in the folder layouts of other programs."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
import transformers
from torch import Tensor, nn

import clip_models as clip

BATCH = {0: "batch"}


@dataclass(frozen=True)
class Reference:
    """A model as transformers runs it."""

    model: Any
    tokenizer: Any
    processor: Any


def export(
    graph: nn.Module,
    path: Path,
    inputs: Mapping[str, Tensor],
    output: str | list[str],
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
) -> None:
    """Write an ONNX graph with the TorchScript exporter, as most programs do; axes not in ``dynamic`` are fixed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    outputs = [output] if isinstance(output, str) else output
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes={**dynamic, **dict.fromkeys(outputs, BATCH)} if dynamic else None,
            opset_version=18,
            dynamo=False,
        )


def save_configuration(reference: Reference, folder: Path) -> None:
    """Write the files that transformers saves in addition to weights."""
    folder.mkdir(parents=True, exist_ok=True)
    reference.model.config.save_pretrained(folder)
    reference.tokenizer.save_pretrained(folder)
    reference.processor.save_pretrained(folder)


def clip_processor(**settings: Any) -> Any:
    size = {"size": {"shortest_edge": clip.SIZE}, "crop_size": {"height": clip.SIZE, "width": clip.SIZE}}
    return transformers.CLIPImageProcessorPil(**{**size, **settings})


def chinese_processor() -> Any:
    """Return the image processor of OFA-Sys' models, which resizes to a square."""
    square = {"height": clip.SIZE, "width": clip.SIZE}
    return transformers.ChineseCLIPImageProcessorPil(size=square, do_center_crop=False)


def siglip_processor() -> Any:
    return transformers.SiglipImageProcessorPil(size={"height": clip.SIZE, "width": clip.SIZE})


def ids(model: Any, length: int, batch: int = 2) -> Tensor:
    vocabulary = int(model.config.text_config.vocab_size)
    found = torch.randint(0, vocabulary - 1, (batch, length), generator=torch.Generator().manual_seed(1))
    found[:, -1] = vocabulary - 1
    return found


class States(nn.Module):
    """SigLIP's towers as optimum and transformers.js export them: all states first, then the pooled output."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        found = self.tower(values)
        return found.last_hidden_state, found.pooler_output


def write_siglip(reference: Reference, folder: Path) -> Path:
    save_configuration(reference, folder)
    model = reference.model
    outputs = ["last_hidden_state", "pooler_output"]
    tokens, pixels = {"input_ids": ids(model, 64)}, {"pixel_values": torch.zeros(2, 3, clip.SIZE, clip.SIZE)}
    export(States(model.text_model), folder / "onnx/text_model.onnx", tokens, outputs, {"input_ids": BATCH})
    export(States(model.vision_model), folder / "onnx/vision_model.onnx", pixels, outputs, {"pixel_values": BATCH})
    return folder


class ImmichText(nn.Module):
    """A text tower from int32 tokens to unit vectors."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text = clip.Text(model)

    def forward(self, text: Tensor) -> Tensor:
        return nn.functional.normalize(self.text(text.long()))


def write_immich(reference: Reference, folder: Path, **pictures: Any) -> Path:
    """Write ``textual/`` and ``visual/`` with batch size 1, and open_clip's configuration."""
    model = reference.model
    export(ImmichText(model), folder / "textual/model.onnx", {"text": ids(model, 77, 1).int()}, "text_embedding")
    pixels = {"image": torch.zeros(1, 3, clip.SIZE, clip.SIZE)}
    export(clip.Vision(model), folder / "visual/model.onnx", pixels, "image_embedding")
    reference.tokenizer.save_pretrained(folder / "textual")
    config = {
        "embed_dim": 24,
        "vision_cfg": {},
        "text_cfg": {"context_length": 77, "vocab_size": len(reference.tokenizer)},
    }
    (folder / "config.json").write_text(json.dumps(config))
    settings = {
        "size": [clip.SIZE, clip.SIZE],
        "mode": "RGB",
        "mean": [0.48145466, 0.4578275, 0.40821073],
        "std": [0.26862954, 0.26130258, 0.27577711],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
        **pictures,
    }
    (folder / "visual/preprocess_cfg.json").write_text(json.dumps(settings))
    return folder


def write_rclip(reference: Reference, folder: Path) -> Path:
    """Write ``textual.onnx`` and ``visual.onnx`` for 77 tokens and any batch size, with OpenAI's merges."""
    model = reference.model
    export(clip.Text(model), folder / "textual.onnx", {"input": ids(model, 77)}, "output", {"input": BATCH})
    pixels = {"input": torch.zeros(2, 3, clip.SIZE, clip.SIZE)}
    export(clip.Vision(model), folder / "visual.onnx", pixels, "output", {"input": BATCH})
    clip.write_openai_merges(folder / "tokenizer/bpe_simple_vocab_16e6.txt.gz")
    return folder


class ChineseText(nn.Module):
    """A text tower that masks tokens padded with zeros."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text = clip.Text(model)

    def forward(self, text: Tensor) -> Tensor:
        return self.text(text, text.ne(0).long())


def write_chinese_clip(reference: Reference, folder: Path) -> Path:
    """Write graphs for one text of 52 tokens and for any batch of photos, with external weights."""
    model = reference.model
    text, vision = folder / "vit-b-16.txt.fp32.onnx", folder / "vit-b-16.img.fp32.onnx"
    export(ChineseText(model), text, {"text": ids(model, 52, 1)}, "unnorm_text_features")
    pixels = {"image": torch.zeros(2, 3, clip.SIZE, clip.SIZE)}
    export(clip.Vision(model), vision, pixels, "unnorm_image_features", {"image": BATCH})
    onnx.save(
        onnx.load(str(vision)), str(vision), save_as_external_data=True, location=f"{vision.name}.extra_file",
        size_threshold=1024, convert_attribute=True,
    )  # fmt: skip
    clip.chinese_tokenizer(folder)
    return folder
