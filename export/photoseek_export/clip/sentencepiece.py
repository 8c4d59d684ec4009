"""Conversion of SigLIP's ``spiece.model`` to ``tokenizer.json``, for folders without the latter.

Mirrors ``transformers/models/siglip/tokenization_siglip.py``: lowercase, remove ASCII punctuation, then apply the
normalization and the unigram model of SentencePiece.
"""

from __future__ import annotations

import importlib
import re
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.bundle.json_files import optional_json
from photoseek.bundle.layouts.hf_tokenizer import CONFIG, TOKENIZER
from photoseek.bundle.layouts.tokenizers import TextInputSpec
from photoseek.bundle.tokenization import Padding
from photoseek.errors import MissingExtra
from photoseek.system.atomic_write import MAX_TOKENIZER_BYTES, read_bounded
from photoseek_export.errors import ExportError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PIECES = "spiece.model"
_UNIGRAM = 1  # TrainerSpec.ModelType


def find_sentencepiece_spec(folder: Path, max_length: int) -> TextInputSpec | None:
    """Return SigLIP's tokenization; None if the folder has no ``spiece.model``, or also has a ``tokenizer.json``."""
    if not (folder / _PIECES).is_file() or (folder / TOKENIZER).is_file():
        return None
    limit = optional_json(folder / CONFIG).get("model_max_length", max_length)
    length = min(int(limit), max_length)
    return TextInputSpec((_PIECES,), build_sentencepiece, length, "</s>", Padding(length, masked=False))


def build_sentencepiece(folder: Path, files: tuple[str, ...]) -> Tokenizer:
    """Return the tokenizer of a unigram model.

    Raises:
        ExportError: The model is of another type.
        MissingExtra: sentencepiece is not installed.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    proto = _read(folder / files[0])
    if proto.trainer_spec.model_type != _UNIGRAM:
        raise ExportError(f"{folder / files[0]}: expected a unigram model, found another type; pass a SigLIP model")
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    tokenizer = Tokenizer(models.Unigram(pieces, proto.trainer_spec.unk_id, proto.trainer_spec.byte_fallback))
    charsmap = proto.normalizer_spec.precompiled_charsmap
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(f"[{re.escape(string.punctuation)}]"), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            *([normalizers.Precompiled(charsmap)] if charsmap else []),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    end = next(number for number, (piece, _) in enumerate(pieces) if piece == "</s>")
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", end)])
    tokenizer.add_special_tokens([piece for piece in ("<unk>", "</s>", "<pad>") if (piece in dict(pieces))])
    return tokenizer


def _read(path: Path) -> Any:
    try:
        messages: Any = importlib.import_module("sentencepiece.sentencepiece_model_pb2")
    except ImportError as error:
        raise MissingExtra("spiece.model needs sentencepiece: pip install 'photoseek[export]'") from error
    proto = messages.ModelProto()
    try:
        proto.ParseFromString(read_bounded(path, MAX_TOKENIZER_BYTES))
    except Exception as error:  # DecodeError of protobuf
        raise ExportError(f"{path}: not a SentencePiece model: {error}; copy the file again") from error
    return proto
