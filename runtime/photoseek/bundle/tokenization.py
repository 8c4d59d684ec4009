"""Texts -> the inputs of a text tower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_TOKENS = 512
"""The maximum length of a text if its tokenizer has no limit."""

Tokens = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Padding:
    """How shorter texts are padded.

    Attributes:
        length: Tokens of every text after padding. None: as many as the longest text of the batch has.
        side: Where the padding is.
        masked: Whether the attention mask excludes the padding.
    """

    length: int | None = None
    side: Literal["left", "right"] = "right"
    masked: bool = True


@dataclass(frozen=True)
class Tokenization:
    """How texts become the inputs of a text tower.

    Attributes:
        tokenizer: Truncates texts to the maximum length of the tower, and does not pad.
        pad_id: The token that texts are padded with.
        padding: How they are padded.
        clean: Applied to each text before it is tokenized.
    """

    tokenizer: Tokenizer
    pad_id: int = 0
    padding: Padding = field(default_factory=Padding)
    clean: Callable[[str], str] = str

    def ids(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the token ids of each text, special tokens included, truncated."""
        encodings = self.tokenizer.encode_batch([self.clean(text) for text in texts])
        return [np.asarray(encoding.ids, dtype=np.int64) for encoding in encodings]

    def unknown_share(self, text: str) -> float:
        """Return the share of a text's tokens that the vocabulary does not contain, in [0, 1]; 0 without tokens."""
        encoding = self.tokenizer.encode(self.clean(text))
        pairs = zip(encoding.ids, encoding.special_tokens_mask, strict=True)
        unknown = [token == self._unknown_id for token, special in pairs if not special]
        return sum(unknown) / len(unknown) if unknown else 0.0

    @cached_property
    def _unknown_id(self) -> int | None:
        """The id of the token for everything else; None if the vocabulary can spell any text."""
        model = self.tokenizer.model
        name = getattr(model, "unk_token", None)  # of WordPiece and BPE; byte-level BPE has one that it never uses
        return getattr(model, "unk_id", None) if name is None else self.tokenizer.token_to_id(name)

    def feeds(self, ids: Sequence[Tokens]) -> dict[str, Tokens]:
        """Return the inputs of one batch, each of shape (n, length)."""
        length = self.padding.length or max(len(row) for row in ids)
        input_ids = np.full((len(ids), length), self.pad_id, dtype=np.int64)
        attention_mask = np.full_like(input_ids, not self.padding.masked)
        for row, tokens in enumerate(ids):
            start = 0 if self.padding.side == "right" else length - len(tokens)
            input_ids[row, start : start + len(tokens)] = tokens
            attention_mask[row, start : start + len(tokens)] = 1
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": np.zeros_like(input_ids),
        }


def configure_tokenizer(tokenizer: Tokenizer, max_length: int) -> Tokenizer:
    """Set a tokenizer to truncate texts to ``max_length`` tokens, not to pad, and to read special tokens as text."""
    tokenizer.encode_special_tokens = True  # "[SEP]" typed by a user is text
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=max_length)
    return tokenizer
