"""Tokenizer files of other programs -> tokenizers."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.bundle.manifest import upgrade_hint
from photoseek.errors import BundleDamaged
from photoseek.system.atomic_write import MAX_TOKENIZER_BYTES, bounded, read_bounded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CLIP_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_CLIP_MERGES = 49_152 - 256 - 2  # of OpenAI's file, which goes on with what CLIP does not use


def build_from_json(folder: Path, files: tuple[str, ...]) -> Tokenizer:
    """``tokenizer.json``: the file of the tokenizers library."""
    from tokenizers import Tokenizer

    return _finish(
        folder / files[0], lambda: Tokenizer.from_buffer(read_bounded(folder / files[0], MAX_TOKENIZER_BYTES))
    )


def build_clip(folder: Path, files: tuple[str, ...]) -> Tokenizer:
    """``vocab.json`` and ``merges.txt`` of CLIP."""

    def build() -> Tokenizer:
        vocabulary: dict[str, int] = json.loads(read_bounded(folder / files[0]).decode())
        lines = _lines(read_bounded(folder / files[1]))
        merges = [_pair(line) for line in lines if line.strip() and not line.startswith("#version")]
        return _clip(vocabulary, merges, "<|startoftext|>", "<|endoftext|>")

    return _finish(folder / files[0], build)


def build_openai_clip(folder: Path, files: tuple[str, ...]) -> Tokenizer:
    """``bpe_simple_vocab_16e6.txt.gz``: the merges alone, from which the vocabulary follows."""

    def build() -> Tokenizer:
        with gzip.open(folder / files[0]) as file:
            lines = _lines(bounded(file))[1 : _CLIP_MERGES + 1]
        merges = [_pair(line) for line in lines if line.strip()]
        letters = _byte_to_unicode()
        tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(merge) for merge in merges)]
        tokens += ["<|startoftext|>", "<|endoftext|>"]
        return _clip({token: number for number, token in enumerate(tokens)}, merges, *tokens[-2:])

    return _finish(folder / files[0], build)


def build_bert(
    folder: Path,
    files: tuple[str, ...],
    lowercase: bool = True,
    strip_accents: bool | None = None,
    split_chinese: bool = True,
    longest_word: int = 100,
) -> Tokenizer:
    """``vocab.txt`` of a BERT; a word of more than ``longest_word`` characters is unknown."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    def build() -> Tokenizer:
        lines = _lines(read_bounded(folder / files[0]).removesuffix(b"\n"))
        vocabulary = {line.strip(): number for number, line in enumerate(lines)}
        words: Any = models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=longest_word)
        tokenizer = Tokenizer(words)
        tokenizer.normalizer = normalizers.BertNormalizer(
            lowercase=lowercase, strip_accents=strip_accents, handle_chinese_chars=split_chinese
        )
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        end, start = ((name, vocabulary[name]) for name in ("[SEP]", "[CLS]"))
        tokenizer.post_processor = processors.BertProcessing(end, start)
        special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        tokenizer.add_special_tokens([name for name in special if name in vocabulary])
        return tokenizer

    return _finish(folder / files[0], build)


def _clip(vocabulary: dict[str, int], merges: list[tuple[str, str]], start: str, end: str) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    bpe: Any = models.BPE(
        vocabulary,
        merges,
        continuing_subword_prefix="",
        end_of_word_suffix="</w>",
        unk_token=end,
        fuse_unk=False,
    )
    tokenizer = Tokenizer(bpe)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = pre_tokenizers.Split(Regex(_CLIP_PATTERN), behavior="removed", invert=True)
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, letters])
    tokenizer.post_processor = processors.RobertaProcessing(
        (end, vocabulary[end]), (start, vocabulary[start]), trim_offsets=False, add_prefix_space=False
    )
    tokenizer.add_special_tokens([start, end])
    return tokenizer


def _lines(data: bytes) -> list[str]:
    return data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _pair(line: str) -> tuple[str, str]:
    first, second = line.split()
    return first, second


def _byte_to_unicode() -> list[str]:
    """A visible letter for each byte, in the order of OpenAI's vocabulary: first those that are letters themselves."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [*map(chr, visible), *(chr(256 + number) for number in range(256 - len(visible)))]


def _finish(path: Path, build: Callable[[], Tokenizer]) -> Tokenizer:
    try:
        return build()
    except (Exception, zlib.error) as error:  # tokenizers raises bare Exception
        what = f"no {error} in it" if isinstance(error, KeyError) else str(error)
        raise BundleDamaged(f"{path}: not a tokenizer: {what:.300}{upgrade_hint(path)}; copy the file again") from error
