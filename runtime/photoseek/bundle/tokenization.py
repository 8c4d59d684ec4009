"""Texts -> the numbers that a text tower reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tokenizers import Tokenizer


MAX_TOKENS = 512
"""Read of a text where a tokenizer names no limit of its own."""

Tokens = npt.NDArray[np.int64]
PaddingSide = Literal["left", "right"]


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
    side: PaddingSide = "right"
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


def without_limits(tokenizer: Tokenizer, limit: int) -> Tokenizer:
    """Set a tokenizer to cut texts off at ``limit`` tokens, to pad none, and to take special tokens for text."""
    tokenizer.encode_special_tokens = True  # "[SEP]" typed by a user is text
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=limit)
    return tokenizer
