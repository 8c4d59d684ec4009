"""The tokenizer of a folder of transformers, and its settings for truncation and padding."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from photoseek.bundle.json_files import optional_json
from photoseek.bundle.layouts.tokenizers import TextInputSpec, build_bert, build_clip, build_from_json
from photoseek.bundle.tokenization import Padding
from photoseek.errors import BundleIncompatible

TOKENIZER, VOCABULARY, MERGES, BERT = "tokenizer.json", "vocab.json", "merges.txt", "vocab.txt"
SENTENCEPIECE = ("spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
CONFIG, SPECIAL = "tokenizer_config.json", "special_tokens_map.json"

_SIGLIP2 = "Siglip2Tokenizer"
_NO_LIMIT = 1_000_000  # transformers writes 1e30 if there is no limit


def find_text_spec(folder: Path, max_length: int, *, fixed_length: bool) -> TextInputSpec:
    """Return how texts become the input of the text tower.

    Args:
        folder: Folder of the tokenizer files.
        max_length: Maximum number of tokens of a text.
        fixed_length: Whether each text is padded to the maximum length, without masking the padding.

    Raises:
        BundleIncompatible: There is no tokenizer in a supported form.
        BundleDamaged: A file is not JSON.
    """
    config = optional_json(folder / CONFIG)
    limit = config.get("model_max_length")
    if isinstance(limit, int | float) and 0 < limit < _NO_LIMIT:
        max_length = min(int(limit), max_length)
    shared: dict[str, Any] = {
        "max_length": max_length,
        "pad_token": _pad_token(folder, config),
        "padding": Padding(max_length if fixed_length else None, _padding_side(folder, config), not fixed_length),
    }
    if (folder / TOKENIZER).is_file():
        options = {"lowercase": True} if _declares_lowercase(config, fixed_length) else {}
        return TextInputSpec((TOKENIZER,), build_from_json, options=options, **shared)
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
        f"found {pieces}, but no {TOKENIZER}, the supported form; convert it with transformers "
        f"(AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)), or convert the model's PyTorch folder: "
        "photoseek-export --from-clip DIR --out BUNDLE"
    )


def _declares_lowercase(config: Mapping[str, Any], siglip: bool) -> bool:
    """Return whether texts are read in lower case, whatever ``tokenizer.json`` says.

    SigLIP 2 was trained on lower case (Tschannen 2025, section 2.1), which transformers' ``Siglip2Tokenizer`` always
    applies. The published ``tokenizer.json`` does not, and names a ``GemmaTokenizer``, which SigLIP 1 never has.
    """
    kind, declared = str(config.get("tokenizer_class")).removesuffix("Fast"), config.get("do_lower_case")
    return kind == _SIGLIP2 or declared is True or (declared is None and siglip and kind == "GemmaTokenizer")


def _bert_options(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "lowercase": bool(config.get("do_lower_case", True)),
        "strip_accents": config.get("strip_accents"),
        "split_chinese": bool(config.get("tokenize_chinese_chars", True)),
    }


def _pad_token(folder: Path, config: Mapping[str, Any]) -> str:
    """Return the token that texts are padded with; CLIP's is the end token."""
    special = optional_json(folder / SPECIAL)
    for found in (config.get("pad_token"), special.get("pad_token")):
        token = found.get("content") if isinstance(found, Mapping) else found
        if isinstance(token, str):
            return token
    if (folder / BERT).is_file():
        return "[PAD]"
    if (folder / VOCABULARY).is_file():
        return "<|endoftext|>"
    raise BundleIncompatible(f"{folder / CONFIG}: expected pad_token, found none; add it")


def _padding_side(folder: Path, config: Mapping[str, Any]) -> Literal["left", "right"]:
    """Return where texts are padded; they are always truncated on the right."""
    if config.get("truncation_side", "right") != "right":
        raise BundleIncompatible(
            f"{folder / CONFIG}: expected truncation_side right, found {config['truncation_side']!r}"
        )
    side = config.get("padding_side", "left" if config.get("tokenizer_class") == _SIGLIP2 else "right")
    if side not in ("left", "right"):
        raise BundleIncompatible(f"{folder / CONFIG}: expected padding_side left or right, found {side!r:.80}")
    return "left" if side == "left" else "right"
