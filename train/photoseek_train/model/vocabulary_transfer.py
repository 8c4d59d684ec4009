"""Transfer of a text tower to another language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from photoseek.captions import Caption
from photoseek_train.errors import SettingsError
from photoseek_train.model.checkpoint import (
    CheckpointFiles,
    LoadedCheckpoint,
    create_checkpoint,
    load_checkpoint,
    weights_hash,
    write_weights,
)
from photoseek_train.model.compact_bert import CompactBert, learn_tokenizer
from photoseek_train.model.two_tower import TwoTower
from photoseek_train.progress import ProgressCallback, no_progress

Ids: TypeAlias = npt.NDArray[np.int64]
"""Token ids of all captions of one photo, in any order."""

_ITERATIONS = 12
_WORDS = "text_tower.bert.embeddings.word_embeddings.weight"
_SPECIAL = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")


def transfer_vocabulary(
    checkpoint: str | Path,
    captions: Sequence[Caption],
    into: Sequence[Caption],
    out: str | Path,
    vocabulary: int = 4000,
    progress: ProgressCallback = no_progress,
) -> int:
    """Write a checkpoint for another language; it differs only in the text tower's vocabulary and word embeddings.

    A vocabulary is learned from captions in the new language. The embedding of each new piece is the mean of the old
    pieces' embeddings, weighted by ``train_ibm_model1`` on the photos with captions in both languages. The other
    weights are unchanged, so that the new tower works to some degree before ``fit`` fine-tunes it.

    Source: similarity-based transfer of word embeddings, as in Minixhofer et al., "WECHSEL: Effective initialization of
    subword embeddings for cross-lingual transfer of monolingual language models", NAACL 2022; here the similarity comes
    from captions of the same photos and needs no dictionary.

    Args:
        checkpoint: Checkpoint of the old language.
        captions: Captions in the old language.
        into: Captions in the new language.
        out: New folder. Its image side is identical to that of ``checkpoint``.
        vocabulary: Maximum number of word pieces.
        progress: Progress callback.

    Returns:
        The number of word pieces.

    Raises:
        SettingsError: ``out`` contains a checkpoint, or no photo has captions in both languages.
        CheckpointError: See ``load_checkpoint``.
    """
    folder = Path(out).expanduser()
    if (folder / CheckpointFiles.CONFIG).exists():
        raise SettingsError(f"{folder}: contains a checkpoint; choose a new folder")
    old, new = _by_photo(captions), _by_photo(into)
    photos = sorted(old.keys() & new.keys())
    if not photos:
        raise SettingsError("expected photos with captions in both languages, found none; check that the names match")
    loaded = load_checkpoint(checkpoint)
    tokenizer = learn_tokenizer([caption.text for caption in into], CompactBert(vocabulary=vocabulary))
    ours = [_ids(tokenizer, new[photo]) for photo in photos]
    theirs = [_ids(loaded.tokenizer, old[photo]) for photo in photos]
    weights = loaded.model.state_dict()
    words = weights[_WORDS]
    given = torch.from_numpy(train_ibm_model1(ours, theirs, (len(tokenizer), len(words)), progress=progress))
    weights[_WORDS] = _transfer_embeddings(words, given, loaded.tokenizer, tokenizer)
    _write(folder, loaded, weights, tokenizer, weights_hash(Path(checkpoint).expanduser()))
    return len(tokenizer)


def _transfer_embeddings(
    words: Tensor, given: Tensor, old: PreTrainedTokenizerFast, new: PreTrainedTokenizerFast
) -> Tensor:
    """Return embeddings of the new pieces: weighted means of old ones; the overall mean if unaligned."""
    embeddings = given @ words
    embeddings[given.sum(dim=1) == 0] = words[given.sum(dim=0) > 0].mean(dim=0)
    for name in _SPECIAL:
        ours, theirs = getattr(new, f"{name}_id"), getattr(old, f"{name}_id")
        if theirs is not None:
            embeddings[ours] = words[theirs]
    return embeddings


def _write(
    folder: Path, loaded: LoadedCheckpoint, weights: dict[str, Tensor], tokenizer: PreTrainedTokenizerFast, origin: str
) -> None:
    architecture = {
        **loaded.config.model.text_architecture,
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = replace(loaded.config, model=replace(loaded.config.model, text_architecture=architecture))
    model = TwoTower.from_config(config.model)
    model.load_state_dict(weights)
    create_checkpoint(folder, config, tokenizer)
    write_weights(folder, model, {"transplanted_from": origin})


def _by_photo(captions: Sequence[Caption]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for caption in captions:
        texts.setdefault(caption.image, []).append(caption.text)
    return texts


def _ids(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> Ids:
    rows: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])


def train_ibm_model1(
    ours: Sequence[Ids],
    theirs: Sequence[Ids],
    sizes: tuple[int, int],
    iterations: int = _ITERATIONS,
    progress: ProgressCallback = no_progress,
) -> npt.NDArray[np.float32]:
    """Return the probability of each of their tokens given one of ours: p(theirs | ours).

    The model assumes that one of our tokens of a photo generated each of their tokens of that photo; expectation
    maximization finds which: IBM Model 1 (Brown et al., "The Mathematics of Statistical Machine Translation",
    Computational Linguistics 19(2), 1993, section 4.1), with the captions of a photo as the sentence.

    Args:
        ours: For each photo, the tokens of its captions in one language.
        theirs: For the same photos, the tokens in the other language.
        sizes: Sizes of the two vocabularies.
        iterations: Iterations of expectation maximization.
        progress: Progress callback.

    Returns:
        One row for each of our tokens, one column for each of theirs: a row sums to 1, or is zero if the token does not
        occur.
    """
    seen = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *theirs]))  # most of a large vocabulary is unused
    photos = [
        (*np.unique(left, return_counts=True), *np.unique(np.searchsorted(seen, right), return_counts=True))
        for left, right in zip(ours, theirs, strict=True)
    ]
    given = np.ones((sizes[0], len(seen)), dtype=np.float32)
    for iteration in range(iterations):
        expected = np.zeros_like(given)
        for left, left_counts, right, right_counts in photos:
            share = given[np.ix_(left, right)] * left_counts[:, None]
            share *= right_counts / np.maximum(share.sum(axis=0), np.finfo(np.float32).tiny)
            expected[np.ix_(left, right)] += share
        given = expected / np.maximum(expected.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        progress("aligning", iteration + 1, iterations)
    aligned = np.zeros(sizes, dtype=np.float32)
    aligned[:, seen] = given
    return aligned
