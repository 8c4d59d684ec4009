"""A pretrained BERT with fewer layers and a smaller vocabulary."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedTokenizerFast

from photoseek_train.errors import SettingsError
from photoseek_train.model.compact_bert import SPECIAL, write_bert
from photoseek_train.model.pretrained import load_text_model, load_tokenizer

_TOKENS = tuple(f"{name}_token" for name in ("pad", "unk", "cls", "sep", "mask"))


def shorten_bert(
    source: str, captions: Iterable[str], out: Path, layers: int, vocabulary: int, positions: int | None = None
) -> int:
    """Write a Hugging Face folder with some layers and some word pieces of a pretrained BERT.

    The layers are evenly spaced and include the first, as in DistilBERT (Sanh et al. 2019, section 3). The kept pieces
    are the first of the vocabulary, which BERT's vocabularies sort by frequency, and those of the captions. Words that
    consist of kept pieces keep their tokens; others are split into shorter pieces.

    Args:
        source: Folder or name of a BERT with a WordPiece vocabulary.
        captions: Texts whose pieces are kept.
        out: New folder.
        layers: Number of layers to keep.
        vocabulary: Number of pieces at the start of the vocabulary to keep.
        positions: Maximum number of tokens. None: that of the source.

    Returns:
        The number of word pieces.

    Raises:
        SettingsError: ``out`` is not empty; ``source`` has fewer layers or positions, or is not a BERT with WordPiece.
        TowerError: ``source`` cannot be loaded.
    """
    bert, tokenizer = load_text_model(source), load_tokenizer(source)
    known = bert.config.num_hidden_layers
    positions = positions or bert.config.max_position_embeddings
    if bert.config.model_type != "bert":
        raise SettingsError(f"{source}: expected a BERT, found {bert.config.model_type}")
    if not 1 <= layers <= known:
        raise SettingsError(f"layers: expected 1 to {known}, the layers of {source}, found {layers}")
    if positions > bert.config.max_position_embeddings:
        expected = f"at most {bert.config.max_position_embeddings}, the positions of {source}"
        raise SettingsError(f"positions: expected {expected}, found {positions}")
    kept = _kept_pieces(tokenizer, captions, vocabulary)
    _shorten(bert, [layer * known // layers for layer in range(layers)], list(kept.values()), positions)
    write_bert(bert, _with_pieces(tokenizer, list(kept), positions), out)
    return len(kept)


def _kept_pieces(tokenizer: PreTrainedTokenizerFast, captions: Iterable[str], vocabulary: int) -> dict[str, int]:
    """Return pieces and their old ids in the new order: special tokens first, then as before."""
    found = tokenizer.backend_tokenizer.encode_batch(list(captions), add_special_tokens=False)
    used = {token for encoding in found for token in encoding.ids}
    ids = tokenizer.get_vocab()
    pieces = sorted(ids.items(), key=lambda piece: piece[1])
    kept = {piece: old for piece, old in pieces if piece not in SPECIAL and (old in used or old < vocabulary)}
    special = {token: ids[token] for token in SPECIAL if token in ids}
    return special | {piece: old for piece, old in kept.items() if not piece.startswith("[unused")}


def _with_pieces(tokenizer: PreTrainedTokenizerFast, pieces: list[str], positions: int) -> PreTrainedTokenizerFast:
    values: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    if values["model"]["type"] != "WordPiece" or [getattr(tokenizer, name) for name in _TOKENS] != list(SPECIAL):
        raise SettingsError(f"{tokenizer.name_or_path}: expected a WordPiece vocabulary with {', '.join(SPECIAL)}")
    ids = {piece: number for number, piece in enumerate(pieces)}
    values["model"]["vocab"] = ids
    values["added_tokens"] = [{**token, "id": ids[token["content"]]} for token in values["added_tokens"]]
    values["truncation"] = values["padding"] = None
    cls, sep = SPECIAL[2:4]
    values["post_processor"] = {"type": "BertProcessing", "sep": [sep, ids[sep]], "cls": [cls, ids[cls]]}
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=Tokenizer.from_str(json.dumps(values)),
        model_max_length=positions,
        **dict(zip(_TOKENS, SPECIAL, strict=True)),
    )


def _shorten(bert: Any, layers: list[int], pieces: list[int], positions: int) -> None:
    """Keep these layers, word embeddings and positions."""
    embeddings, encoder = bert.embeddings, bert.encoder
    for name, rows in ("word_embeddings", torch.tensor(pieces)), ("position_embeddings", torch.arange(positions)):
        table = getattr(embeddings, name)
        padding = 0 if name == "word_embeddings" else None
        weights = table.weight[rows].detach().clone()
        setattr(embeddings, name, nn.Embedding(len(rows), weights.shape[1], padding_idx=padding, _weight=weights))
    embeddings.position_ids = torch.arange(positions)[None]
    embeddings.token_type_ids = torch.zeros_like(embeddings.position_ids)
    encoder.layer = nn.ModuleList(encoder.layer[number] for number in layers)
    config = bert.config
    config.num_hidden_layers, config.vocab_size, config.max_position_embeddings = len(layers), len(pieces), positions
    config.pad_token_id = 0
