"""CLIP models to benchmark: the shape of rclip's ViT-B/32 with random weights, in the forms of photoseek and its peers.

    python benchmarks/clip_models.py

writes them; it needs the extra ``export``. The vocabulary has as many merges as OpenAI's: those of the captions' words
first, then those of random words.
"""

from __future__ import annotations

import gzip
import random
import shutil
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contest import CACHE
from models import captions

CLIP = CACHE / "clip"
SOURCE = CLIP / "transformers"
"""The weights in transformers' form."""

BUNDLE = CLIP / "bundle"
"""The bundle of ``photoseek-export --from-clip --int8``."""

FASTEMBED = CLIP / "fastembed"
"""The text tower as in ``Qdrant/clip-ViT-B-32-text``."""

RCLIP = CLIP / "rclip"
"""rclip's data folder, ``RCLIP_DATADIR``."""

TOKENS, SIDE = 77, 256
_RCLIP_MODEL = "ViT-B-32-256-datacomp_s34b_b86k"
_MERGES = 49_152 - 256 - 2
_SPREAD = 6.0


def write() -> None:
    """Write all models that are missing."""
    if not (RCLIP / "tokenizer").exists():
        shutil.rmtree(CLIP, ignore_errors=True)
        _write_source()
        _write_bundle()
        _write_fastembed()
        _write_rclip()


def _write_source() -> None:
    """Write the model, whose queries and keys are scaled so that attention and vectors depend on the input."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    letters = _byte_letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges())]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    CLIPTokenizer(vocab=vocabulary, merges=merges(), model_max_length=TOKENS).save_pretrained(SOURCE)
    size = {"size": {"shortest_edge": SIDE}, "crop_size": SIDE}
    CLIPImageProcessorPil(**size).save_pretrained(SOURCE)
    end = len(tokens) - 1
    shared = {"hidden_act": "gelu"}
    text = {**shared, "vocab_size": len(tokens), "eos_token_id": end, "bos_token_id": end - 1, "pad_token_id": end}
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config={**shared, "image_size": SIDE}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                parameter *= _SPREAD
    model.save_pretrained(SOURCE)


def merges() -> list[tuple[str, str]]:
    """Return the merges of the vocabulary, each once."""
    found: dict[tuple[str, str], None] = {}
    made = set()
    for word in _words():
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            if "".join(pieces[:2]) not in made:
                made.add("".join(pieces[:2]))
                found[(pieces[0], pieces[1])] = None
            pieces[:2] = ["".join(pieces[:2])]
        if len(found) >= _MERGES:
            return list(found)[:_MERGES]
    raise AssertionError


def _words() -> Iterator[str]:
    yield from dict.fromkeys(word.strip(string.punctuation) for text in captions() for word in text.lower().split())
    random_words = random.Random(0)
    while True:
        yield "".join(random_words.choices(string.ascii_lowercase, k=random_words.randint(3, 9)))


def _byte_letters() -> list[str]:
    """Return the character of each byte in the order of OpenAI's vocabulary."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet(), key=lambda letter: (ord(letter) > 255, ord(letter)))


def _write_bundle() -> None:
    from photoseek_export.clip.export import export_clip

    export_clip(SOURCE, BUNDLE, precisions=["fp32", "int8"], min_cosine=-1.0)


def _write_fastembed() -> None:
    import torch
    from torch.export import Dim

    FASTEMBED.mkdir(parents=True)
    ids = torch.ones(2, 8, dtype=torch.int64)
    axes = {0: Dim("batch"), 1: Dim("sequence", max=TOKENS)}
    _export(_text_tower(), {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, axes, FASTEMBED / "model.onnx")
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        shutil.copyfile(SOURCE / name, FASTEMBED / name)


def _write_rclip() -> None:
    """Write what rclip downloads: the same inputs and outputs, for 77 tokens and any batch size."""
    import torch
    from torch.export import Dim

    folder, axes = RCLIP / _RCLIP_MODEL, {0: Dim("batch")}
    folder.mkdir(parents=True)
    _export(_text_tower(), {"input": torch.ones(2, TOKENS, dtype=torch.int64)}, axes, folder / "textual.onnx")
    _export(_image_tower(), {"input": torch.zeros(2, 3, SIDE, SIDE)}, axes, folder / "visual.onnx")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges()), ""]
    (RCLIP / "tokenizer").mkdir()
    (RCLIP / "tokenizer/bpe_simple_vocab_16e6.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))


def _text_tower() -> Any:
    return _tower(lambda model, ids, mask=None: model.get_text_features(input_ids=ids, attention_mask=mask))


def _image_tower() -> Any:
    return _tower(lambda model, pixels: model.get_image_features(pixel_values=pixels))


def _tower(embed: Any) -> Any:
    import torch
    from transformers import CLIPModel

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = CLIPModel.from_pretrained(SOURCE, attn_implementation="eager")

        def forward(self, *inputs: Any) -> Any:
            return embed(self.model, *inputs).pooler_output

    return Tower().eval()


def _export(tower: Any, inputs: dict[str, Any], axes: dict[int, Any], path: Path) -> None:
    import torch

    names = {"input_names": list(inputs), "output_names": ["text_embeds" if len(inputs) > 1 else "output"]}
    shapes = {"dynamic_shapes": (tuple(axes for _ in inputs),)}
    torch.onnx.export(
        tower,
        tuple(inputs.values()),
        str(path),
        **names,
        **shapes,
        opset_version=18,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


if __name__ == "__main__":
    write()
    print(CLIP)
