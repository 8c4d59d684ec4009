"""Small CLIP, SigLIP and Chinese-CLIP models with random weights, and tokenizers in their real file formats."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import (
    ChineseCLIPConfig,
    ChineseCLIPModel,
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
)

SIZE = 48
_WORDS = [
    "a",
    "photo",
    "of",
    "two",
    "dogs",
    "on",
    "the",
    "beach",
    "red",
    "car",
    "next",
    "to",
    "tree",
    "at",
    "night",
    "don",
    "'",
    "t",
    "<|endoftext|>",
]
_CHINESE = "一只狗在海滩上奔跑的照片红色汽车"
_SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
_VISION = {**_SMALL, "image_size": SIZE, "patch_size": 16}

TEXTS = [
    "a photo of two dogs on the beach",
    "A  Red\tCar, next to the TREE!",
    "",
    "dog " * 120,
    "<|endoftext|> a dog <|startoftext|> [CLS] [SEP] </s> <pad>",
    "don't café 狗 🐕 ﬁne",
    "一只狗在海滩上奔跑",
]


def photos() -> list[Image.Image]:
    """Return photos in landscape and portrait, with odd sides, tiny and gray."""
    sizes = [(120, 83), (61, 200), (SIZE, SIZE), (49, 151), (5, 3), (301, 48)]
    return [*(_noise(*size) for size in sizes), _noise(90, 71).convert("L")]


def _noise(width: int, height: int) -> Image.Image:
    """Return blocks of color, with edges and uniform areas like those of photos."""
    random = np.random.default_rng(width * 1000 + height)
    small = random.integers(0, 256, size=(-(-height // 4), -(-width // 4), 3)).astype(np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def clip_model(tokenizer: CLIPTokenizer) -> CLIPModel:
    end = tokenizer.eos_token_id
    text = {**_SMALL, "vocab_size": len(tokenizer), "eos_token_id": end, "bos_token_id": end - 1, "pad_token_id": end}
    return _random(CLIPModel, CLIPConfig(text_config=text, vision_config=_VISION, projection_dim=24))


def siglip_model(vocabulary: int) -> SiglipModel:
    text = {**_SMALL, "vocab_size": vocabulary, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    return _random(SiglipModel, SiglipConfig(text_config=text, vision_config=_VISION))


def chinese_clip_model(vocabulary: int) -> ChineseCLIPModel:
    text = {**_SMALL, "vocab_size": vocabulary, "max_position_embeddings": 64}
    return _random(ChineseCLIPModel, ChineseCLIPConfig(text_config=text, vision_config=_VISION, projection_dim=24))


def _random(kind: type[Any], config: Any) -> Any:
    torch.manual_seed(0)
    config._attn_implementation = "eager"
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # with the initial values, all texts would have nearly equal vectors
            parameter += 0.2 * torch.randn_like(parameter)
    return model


def write_openai_merges(path: Path) -> list[tuple[str, str]]:
    """Write ``bpe_simple_vocab_16e6.txt.gz`` with merges for a few words, and return the merges."""
    found: dict[tuple[str, str], None] = {}
    for word in _WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            found[(pieces[0], pieces[1])] = None
            pieces[:2] = ["".join(pieces[:2])]
    lines = ['"bpe_simple_vocab_16e6.txt#version: 0.2', *(" ".join(pair) for pair in found), ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return list(found)


def clip_tokenizer(work: Path) -> CLIPTokenizer:
    """Return transformers' tokenizer with the merges of OpenAI's file."""
    merges = write_openai_merges(work / "bpe_simple_vocab_16e6.txt.gz")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet(), key=lambda letter: (ord(letter) > 255, ord(letter)))
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def write_clip_vocabulary(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write ``vocab.json`` and ``merges.txt``, as in folders that predate tokenizer.json."""
    (folder / "vocab.json").write_text(json.dumps(tokenizer.get_vocab(), ensure_ascii=False), "utf-8")
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges), ""]
    (folder / "merges.txt").write_text("\n".join(lines), "utf-8")


def chinese_tokenizer(folder: Path) -> Any:
    """Return a BERT tokenizer from ``vocab.txt``."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz!,'", *_CHINESE]
    tokens += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(tokens)) + "\n", "utf-8")
    return transformers.BertTokenizer(str(folder / "vocab.txt"), do_lower_case=True, model_max_length=64)


def siglip_tokenizer() -> PreTrainedTokenizerFast:
    """Return a unigram tokenizer: lower case, no punctuation, texts end with and are padded with ``</s>``."""
    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("▁", -3.0)]
    pieces += [(f"▁{word}", -2.0) for word in _WORDS[:15]]
    pieces += [(letter, -6.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[!-/:-@\[-`{-~]"), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        eos_token="</s>",
        pad_token="</s>",
        model_max_length=64,
        model_input_names=["input_ids"],
    )


class Text(nn.Module):
    """A text tower as exporters wrap it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        return embedding(self.model.get_text_features(input_ids=input_ids, attention_mask=attention_mask))


class Vision(nn.Module):
    """An image tower as exporters wrap it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        return embedding(self.model.get_image_features(pixel_values=pixel_values))


def embedding(features: Any) -> Tensor:
    """Return the embeddings, which transformers 5 wraps in an output object."""
    return features if isinstance(features, Tensor) else features.pooler_output


def text_vectors(model: Any, tokenizer: Any, texts: Sequence[str], **how: Any) -> np.ndarray:
    """Return transformers' unit vectors of texts; special tokens in them are read as text."""
    rows = []
    for text in texts:  # one by one, without padding
        inputs = tokenizer([text], truncation=True, split_special_tokens=True, return_tensors="pt", **how)
        used = {name: inputs[name] for name in ("input_ids", "attention_mask") if name in inputs}
        with torch.inference_mode():
            rows.append(Text(model)(**used)[0])
    return unit(torch.stack(rows))


def image_vectors(model: Any, processor: Any, pictures: Sequence[Image.Image]) -> np.ndarray:
    """Return transformers' unit vectors of images."""
    with torch.inference_mode():
        pixels = [processor(picture.convert("RGB"), return_tensors="pt")["pixel_values"] for picture in pictures]
        return unit(Vision(model)(torch.cat(pixels)))


def unit(vectors: Tensor) -> np.ndarray:
    return nn.functional.normalize(vectors.float()).numpy()
