"""Texts -> the numbers that a text tower reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from photoseek.errors import BundleDamaged
from photoseek.files import MAX_TOKENIZER_BYTES, read_bounded
from photoseek.manifest import Layout, Reading, hint_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from photoseek.bundle import Bundle

MAX_TOKENS = 512
"""Read of a text where a tokenizer names no limit of its own."""

Tokens = npt.NDArray[np.int64]
Side = Literal["left", "right"]


@dataclass(frozen=True)
class Tokenization:
    """How texts become the input of a text tower.

    Attributes:
        tokenizer: Cuts texts off where the tower's reading ends, and never pads.
        pad_id: What shorter texts are filled up with.
        length: As many tokens has every text. None: as many as the longest of its run.
        masked: Whether the attention mask leaves out what was filled up.
        side: Where that stands.
        clean: What is done to a text before it is tokenized.
    """

    tokenizer: Tokenizer
    pad_id: int = 0
    length: int | None = None
    masked: bool = True
    side: Side = "right"
    clean: Callable[[str], str] = str

    def ids(self, texts: Sequence[str]) -> list[Tokens]:
        """The token ids of each text, with those that begin and end it, cut off where the tower's reading ends."""
        encodings = self.tokenizer.encode_batch([self.clean(text) for text in texts])
        return [np.asarray(encoding.ids, dtype=np.int64) for encoding in encodings]

    def feeds(self, ids: Sequence[Tokens]) -> dict[str, Tokens]:
        """The inputs of one run, each (n, length)."""
        length = self.length or max(len(row) for row in ids)
        input_ids = np.full((len(ids), length), self.pad_id, dtype=np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, tokens in enumerate(ids):
            kept = slice(0, len(tokens)) if self.side == "right" else slice(length - len(tokens), length)
            input_ids[row, kept] = tokens
            attention_mask[row, kept] = 1
        if not self.masked:
            attention_mask[:] = 1
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": np.zeros_like(input_ids),
        }


def load_tokenization(bundle: Bundle, language: str | None) -> Tokenization:
    """That of a bundle of our own.

    Raises:
        BundleDamaged: A tokenizer file is not what it should be.
    """
    reading = Reading() if language else bundle.manifest.reading
    tokenizer = _load_tokenizer(bundle, language, reading.length or MAX_TOKENS)
    side: Side = "left" if reading.side == "left" else "right"
    return Tokenization(tokenizer, _pad_id(bundle, language, tokenizer), reading.length, reading.masked, side)


def _load_tokenizer(bundle: Bundle, language: str | None, most: int) -> Tokenizer:
    from tokenizers import Tokenizer

    path = bundle.verified(Layout.tokenizer(language))
    try:
        tokenizer = Tokenizer.from_buffer(read_bounded(path, MAX_TOKENIZER_BYTES))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleDamaged(f"{path}: not a tokenizer: {error}{hint_of(path)}; export the bundle anew") from error
    config = bundle.read_json(Layout.tokenizer_config(language))
    return for_queries(tokenizer, min(_max_tokens(config), most))


def for_queries(tokenizer: Tokenizer, limit: int) -> Tokenizer:
    """Set a tokenizer to cut texts off at ``limit`` tokens, to pad none, and to take special tokens for text."""
    tokenizer.encode_special_tokens = True  # "[SEP]" typed by a user is text
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=limit)
    return tokenizer


def _max_tokens(config: dict[str, Any]) -> int:
    limit = config.get("model_max_length", config.get("max_length"))
    return int(min(limit, MAX_TOKENS)) if isinstance(limit, int | float) and limit > 0 else MAX_TOKENS


def _pad_id(bundle: Bundle, language: str | None, tokenizer: Tokenizer) -> int:
    name = Layout.tokenizer_config(language)
    pad = bundle.read_json(name).get("pad_token", "[PAD]")
    token = pad.get("content") if isinstance(pad, dict) else pad
    if not isinstance(token, str):
        raise BundleDamaged(f"{bundle.path / name}: expected pad_token as a text, found {pad!r:.80}")
    return tokenizer.token_to_id(token) or 0
