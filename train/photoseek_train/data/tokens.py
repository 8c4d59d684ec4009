"""Tokenized captions, padded per batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from photoseek_train.errors import SettingsError

TokenBatch = tuple[Tensor, Tensor]
"""``input_ids`` and ``attention_mask``, both int64 (n, length of the longest)."""


class Tokens:
    """The tokens of many captions; each batch is padded to its longest caption."""

    def __init__(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, max_tokens: int) -> None:
        encoded = tokenizer(list(texts), truncation=True, max_length=max_tokens, return_attention_mask=False)
        rows: list[list[int]] = encoded["input_ids"]
        self.lengths = np.array([len(row) for row in rows], dtype=np.int64)
        self._pad = pad_token(tokenizer)
        self._special = torch.tensor(sorted(tokenizer.all_special_ids), dtype=torch.int64)
        self._mask = tokenizer.mask_token_id
        self._ids = np.full((len(rows), int(self.lengths.max(initial=1))), self._pad, dtype=np.int32)
        for ids, row in zip(self._ids, rows, strict=True):
            ids[: len(row)] = row

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def mask_id(self) -> int:
        """The id of the mask token.

        Raises:
            SettingsError: The tokenizer has no mask token.
        """
        if not isinstance(self._mask, int):
            raise SettingsError("mask_tokens: expected a tokenizer with a mask token, found none; omit --mask-tokens")
        return self._mask

    def word_mask(self, ids: Tensor) -> Tensor:
        """Return whether each token belongs to the caption, unlike [CLS], [SEP] and [PAD]."""
        return ~torch.isin(ids, self._special)

    def batch(self, rows: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int64]]) -> TokenBatch:
        """Return the captions at ``rows``, padded to the longest of them."""
        index = np.asarray(rows, dtype=np.int64)
        lengths = self.lengths[index]
        longest = int(lengths.max())
        ids = torch.from_numpy(self._ids[index, :longest].astype(np.int64))
        mask = torch.from_numpy((np.arange(longest)[None, :] < lengths[:, None]).astype(np.int64))
        return ids, mask


def untruncated_tokenizer(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """Return a copy that neither truncates nor pads; the original keeps the settings of its last call."""
    copy: Tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def pad_token(tokenizer: PreTrainedTokenizerFast) -> int:
    """Return the id of the padding token.

    Raises:
        SettingsError: The tokenizer has no padding token.
    """
    if not isinstance(tokenizer.pad_token_id, int):
        raise SettingsError("expected a tokenizer with a padding token, found none; set pad_token and save it again")
    return tokenizer.pad_token_id
