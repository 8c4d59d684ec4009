"""A small BERT with random weights and a vocabulary learned from captions."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedModel, PreTrainedTokenizerFast

from photoseek_train.errors import SettingsError
from photoseek_train.model.checkpoint import save_tokenizer
from photoseek_train.model.pretrained import drop_pooler, silence_transformers

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""BERT's special tokens, in the order of their ids."""


@dataclass(frozen=True)
class CompactBert:
    """The architecture of the BERT and the size of its vocabulary."""

    layers: int = 4
    hidden: int = 256
    heads: int = 4
    vocabulary: int = 4000
    positions: int = 128

    def __post_init__(self) -> None:
        for name in ("layers", "hidden", "heads"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name}: expected at least 1, found {getattr(self, name)}")
        if self.hidden % self.heads:
            raise SettingsError(f"hidden: expected a multiple of the {self.heads} heads, found {self.hidden}")
        if self.vocabulary < 100:
            raise SettingsError(f"vocabulary: expected at least 100 pieces, found {self.vocabulary}")

    def config(self, vocabulary: int) -> BertConfig:
        """Return BERT's configuration; feed-forward layers are four times as wide, as in Devlin et al. 2018."""
        return BertConfig(
            vocab_size=vocabulary,
            hidden_size=self.hidden,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.hidden,
            max_position_embeddings=self.positions,
            pad_token_id=0,
        )


def create_compact_bert(captions: Iterable[str], out: Path, shape: CompactBert, seed: int = 0) -> int:
    """Write a Hugging Face folder: a vocabulary learned from captions, and a BERT with random weights.

    Returns:
        The number of word pieces, at most ``shape.vocabulary``.

    Raises:
        SettingsError: ``out`` is not empty.
    """
    tokenizer = learn_tokenizer(captions, shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        bert = BertModel(shape.config(len(tokenizer)))
    write_bert(bert, tokenizer, out)
    return len(tokenizer)


def write_bert(bert: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write a Hugging Face folder, at once.

    Raises:
        SettingsError: ``out`` is not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"{out}: expected an empty or new folder, found files in it; choose another")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work, silence_transformers():
        draft = Path(work, "bert")
        drop_pooler(bert).save_pretrained(draft)
        save_tokenizer(tokenizer, draft)
        draft.rename(out)  # atomic


def learn_tokenizer(captions: Iterable[str], shape: CompactBert) -> PreTrainedTokenizerFast:
    """Return a lowercasing WordPiece tokenizer with BERT's special tokens and post-processing.

    The result is deterministic. Each Han character is a word, as in bert-base-chinese. If the captions have more
    characters than ``shape.vocabulary`` permits, the rarest become ``[UNK]``.
    """
    tokenizer = Tokenizer(models.WordPiece(_learn_pieces(list(captions), shape.vocabulary), unk_token="[UNK]"))
    _configure_as_bert(tokenizer)
    tokenizer.decoder = decoders.WordPiece()
    sep, cls = (str(SPECIAL[3]), 3), (str(SPECIAL[2]), 2)
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=shape.positions,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def _learn_pieces(texts: Sequence[str], vocabulary: int) -> dict[str, int]:
    """Return word pieces and their ids, at most ``vocabulary``.

    The trainer numbers pieces like ``##a`` in nondeterministic order and breaks ties by number. They are therefore
    passed as special tokens, which have a fixed order; the resulting vocabulary does not mark them as special.
    """
    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    _configure_as_bert(learner)
    characters, continuations = _alphabet(learner, texts, vocabulary - len(SPECIAL))
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        special_tokens=[*SPECIAL, *(f"##{character}" for character in continuations)],
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    pieces: dict[str, int] = learner.get_vocab()
    return pieces


def _alphabet(tokenizer: Tokenizer, texts: Sequence[str], room: int) -> tuple[list[str], list[str]]:
    """Return the most frequent characters that fit into ``room``, and those of them that occur inside words."""
    counts: Counter[str] = Counter()
    inside: set[str] = set()
    for text in texts:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)):
            counts.update(word)
            inside.update(word[1:])
    alphabet: list[str] = []
    for character in sorted(counts, key=lambda character: (-counts[character], character)):
        room -= 2 if character in inside else 1
        if room < 0:
            break
        alphabet.append(character)
    return alphabet, [character for character in alphabet if character in inside]


def _configure_as_bert(tokenizer: Tokenizer) -> None:
    """Set BERT's normalizer and pre-tokenizer."""
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
