"""The tokenizers of other programs, built from their files, and each program's text cleaning."""

from __future__ import annotations

import gzip
import html
import json
import string
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.bundle.json_files import placeholder_hint
from photoseek.bundle.tokenization import Padding, Tokenization, configure_tokenizer
from photoseek.errors import BundleDamaged
from photoseek.system.atomic_write import MAX_TOKENIZER_BYTES, bounded, read_bounded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CLIP_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_CLIP_MERGES = 49_152 - 256 - 2  # used by CLIP; OpenAI's file has more

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CURLED = {"'": "\u2018\u2019\u201a\u201b", '"': "\u201c\u201d\u201e\u201f"}
_STRAIGHT = str.maketrans({mark: straight for straight, marks in _CURLED.items() for mark in marks})


def no_cleaning(text: str) -> str:
    """Return the text unchanged."""
    return text


def collapse_whitespace(text: str) -> str:
    """Return the text with each run of white space as one space, as immich's ``clean_text`` does."""
    return " ".join(text.split())


def siglip_canonicalize(text: str) -> str:
    """Return the text also without ASCII punctuation and in lower case, as immich does for SigLIP."""
    return collapse_whitespace(text).translate(_NO_PUNCTUATION).lower()


def clip_clean(text: str) -> str:
    """Return the text with HTML entities resolved twice, as OpenAI's CLIP does, and straight quotation marks.

    Straight quotation marks are the part of ftfy's repairs that is implemented; it also repairs wrongly decoded text.
    """
    return collapse_whitespace(html.unescape(html.unescape(text.translate(_STRAIGHT))))


CLEANING = {each.__name__: each for each in (no_cleaning, collapse_whitespace, siglip_canonicalize, clip_clean)}


@dataclass(frozen=True)
class TextInputSpec:
    """How the texts of another program's model become its input.

    Attributes:
        files: Files of the tokenizer, relative to the folder.
        build: Builds the tokenizer from the folder, the files and ``options``.
        max_length: Longer texts are truncated to this many tokens.
        pad_token: The token that shorter texts are padded with, or its id.
        padding: How they are padded.
        cleaning: A function of ``CLEANING``, applied to each text before it is tokenized.
        options: Settings of the tokenizer that none of its files contains.
    """

    files: tuple[str, ...]
    build: Callable[..., Tokenizer]
    max_length: int
    pad_token: str | int
    padding: Padding = field(default_factory=Padding)
    cleaning: str = "no_cleaning"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint_parts(self) -> dict[str, Any]:
        """What vectors depend on in addition to the files."""
        return {name: value for name, value in asdict(self).items() if name not in ("files", "build")}

    def load(self, folder: Path) -> Tokenization:
        """Build the tokenizer from its files in a folder.

        Raises:
            BundleDamaged: A file is invalid, or the tokenizer has no such padding token.
        """
        tokenizer = configure_tokenizer(self.build(folder, self.files, **self.options), self.max_length)
        pad_id = self.pad_token if isinstance(self.pad_token, int) else tokenizer.token_to_id(self.pad_token)
        if pad_id is None:
            path = folder / self.files[0]
            raise BundleDamaged(f"{path}: expected the token {self.pad_token!r:.80}, found none; copy the folder again")
        return Tokenization(tokenizer, pad_id, self.padding, CLEANING[self.cleaning])


def build_from_json(folder: Path, files: tuple[str, ...], lowercase: bool = False) -> Tokenizer:
    """Build from ``tokenizer.json``, the file of the tokenizers library; ``lowercase``: also if it does not do that."""
    from tokenizers import Tokenizer

    path = folder / files[0]
    tokenizer: Tokenizer = _finish(path, lambda: Tokenizer.from_buffer(read_bounded(path, MAX_TOKENIZER_BYTES)))
    if lowercase and not _lowercases(tokenizer):
        from tokenizers import normalizers

        # Before the other steps, as in transformers' Siglip2Tokenizer.
        others = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *others])
    return tokenizer


def _lowercases(tokenizer: Tokenizer) -> bool:
    """Return whether a step of the normalizer converts texts to lower case."""
    if tokenizer.normalizer is None:
        return False
    state = json.loads(tokenizer.normalizer.__getstate__())
    steps = state.get("normalizers", [state])
    return any(step.get("type") == "Lowercase" or step.get("lowercase") is True for step in steps)


def build_clip(folder: Path, files: tuple[str, ...]) -> Tokenizer:
    """Build from ``vocab.json`` and ``merges.txt`` of CLIP."""

    def build() -> Tokenizer:
        vocabulary: dict[str, int] = json.loads(read_bounded(folder / files[0]).decode())
        lines = _lines(read_bounded(folder / files[1]))
        merges = [_pair(line) for line in lines if line.strip() and not line.startswith("#version")]
        return _clip(vocabulary, merges, "<|startoftext|>", "<|endoftext|>")

    return _finish(folder / files[0], build)


def build_openai_clip(folder: Path, files: tuple[str, ...]) -> Tokenizer:
    """Build from ``bpe_simple_vocab_16e6.txt.gz``: the merges alone, which determine the vocabulary."""

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
    """Build from ``vocab.txt`` of a BERT; a word of more than ``longest_word`` characters is unknown."""
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
    """Return a printable character for each byte, in the order of OpenAI's vocabulary: printable bytes first."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [*map(chr, visible), *(chr(256 + number) for number in range(256 - len(visible)))]


def _finish(path: Path, build: Callable[[], Tokenizer]) -> Tokenizer:
    try:
        return build()
    except (Exception, zlib.error) as error:  # tokenizers raises bare Exception
        what = f"no {error} in it" if isinstance(error, KeyError) else str(error)
        raise BundleDamaged(
            f"{path}: not a tokenizer: {what:.300}{placeholder_hint(path)}; copy the file again"
        ) from error
