"""Which tokenizer lies in a folder of transformers, and how its settings say that texts are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photoseek.bundle.description import TextInputSpec, optional_json
from photoseek.bundle.layouts.tokenizers import build_bert, build_clip, build_from_json
from photoseek.bundle.tokenization import PaddingSide
from photoseek.errors import BundleIncompatible

TOKENIZER, VOCABULARY, MERGES, BERT = "tokenizer.json", "vocab.json", "merges.txt", "vocab.txt"
SENTENCEPIECE = ("spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
CONFIG, SPECIAL = "tokenizer_config.json", "special_tokens_map.json"

_NO_LIMIT = 1_000_000  # transformers writes 1e30 where it knows no limit


def find_text_spec(folder: Path, positions: int, *, fixed: bool) -> TextInputSpec:
    """How the text tower's texts are read.

    Args:
        folder: With tokenizer files.
        positions: Tokens that the model reads at most.
        fixed: Whether each text is filled up to all of them, and none of that is masked.

    Raises:
        BundleIncompatible: There is no tokenizer, or none that can be read here.
        BundleDamaged: A file is no JSON.
    """
    config = optional_json(folder / CONFIG)
    limit = config.get("model_max_length")
    read = min(int(limit), positions) if isinstance(limit, int | float) and 0 < limit < _NO_LIMIT else positions
    shared: dict[str, Any] = {
        "limit": read,
        "pad": _pad(folder, config),
        "length": read if fixed else None,
        "masked": not fixed,
        "side": _side(folder, config),
    }
    if (folder / TOKENIZER).is_file():
        return TextInputSpec((TOKENIZER,), build_from_json, **shared)
    if (folder / VOCABULARY).is_file() and (folder / MERGES).is_file():
        return TextInputSpec((VOCABULARY, MERGES), build_clip, **shared)
    if (folder / BERT).is_file():
        return TextInputSpec((BERT,), build_bert, options=_bert_options(config), **shared)
    raise BundleIncompatible(f"{folder}: {_missing(folder)}")


def _missing(folder: Path) -> str:
    pieces = next((name for name in SENTENCEPIECE if (folder / name).is_file()), None)
    if pieces is None:
        return f"expected a tokenizer: {TOKENIZER}, or {VOCABULARY} with {MERGES}, or {BERT}; copy it there"
    return (
        f"found {pieces}, but no {TOKENIZER}, the form that is read here; convert it with transformers "
        f"(AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)), or make a bundle of the model's PyTorch folder: "
        "photoseek-export --from-clip DIR --out BUNDLE"
    )


def _bert_options(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "lowercase": bool(config.get("do_lower_case", True)),
        "strip_accents": config.get("strip_accents"),
        "split_chinese": bool(config.get("tokenize_chinese_chars", True)),
    }


def _pad(folder: Path, config: Mapping[str, Any]) -> str:
    """The token that texts are filled up with: CLIP's is the one that ends them."""
    special = optional_json(folder / SPECIAL)
    for found in (config.get("pad_token"), special.get("pad_token")):
        token = found.get("content") if isinstance(found, Mapping) else found
        if isinstance(token, str):
            return token
    if (folder / BERT).is_file():
        return "[PAD]"
    if (folder / VOCABULARY).is_file():
        return "<|endoftext|>"
    raise BundleIncompatible(f"{folder / CONFIG}: expected pad_token, found none; it tells how texts are filled up")


def _side(folder: Path, config: Mapping[str, Any]) -> PaddingSide:
    """Where texts are filled up. They are cut off on the right."""
    if config.get("truncation_side", "right") != "right":
        raise BundleIncompatible(
            f"{folder / CONFIG}: expected truncation_side right, found {config['truncation_side']!r}"
        )
    side = config.get("padding_side", "left" if config.get("tokenizer_class") == "Siglip2Tokenizer" else "right")
    if side not in ("left", "right"):
        raise BundleIncompatible(f"{folder / CONFIG}: expected padding_side left or right, found {side!r:.80}")
    return "left" if side == "left" else "right"
