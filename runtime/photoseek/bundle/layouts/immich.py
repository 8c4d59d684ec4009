"""The layout of immich: ``textual/model.onnx`` and ``visual/model.onnx``.

Mirrors ``machine-learning/immich_ml/models/clip`` and ``transforms.py`` (https://github.com/immich-app/immich). The
prefix with the language of a query for NLLB models is omitted, as in immich if no language is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photoseek.bundle.json_files import expect_file, json_object
from photoseek.bundle.layouts.model import ExternalModel, build_model, has_pair
from photoseek.bundle.layouts.onnx_io import text_io, vision_io
from photoseek.bundle.layouts.open_clip_preprocessing import read_open_clip_preprocessing
from photoseek.bundle.layouts.tokenizers import TextInputSpec, build_from_json
from photoseek.bundle.tokenization import Padding
from photoseek.errors import BundleIncompatible

NAME = "immich"
LAYOUT_HINT = "textual/model.onnx and visual/model.onnx (immich)"

_TEXT, _VISION = "textual/model.onnx", "visual/model.onnx"
_CONFIG = "config.json"
_TOKENIZER, _TOKENIZER_CONFIG = "textual/tokenizer.json", "textual/tokenizer_config.json"
_PREPROCESS = "visual/preprocess_cfg.json"
_TOKENS = 77  # if text_cfg has no context_length
_CLEANING = {None: "collapse_whitespace", "whitespace": "collapse_whitespace", "canonicalize": "siglip_canonicalize"}


def describe(folder: Path) -> ExternalModel | None:
    """Return the model, or None if the folder has no file of this layout.

    Raises:
        BundleError: A file of this layout cannot be read.
    """
    if not has_pair(folder, _TEXT, _VISION, LAYOUT_HINT):
        return None
    for name in (_CONFIG, _TOKENIZER, _TOKENIZER_CONFIG, _PREPROCESS):
        expect_file(folder / name, "immich's layout requires it: copy it there")
    config = json_object(folder / _CONFIG)
    dim = config.get("embed_dim")
    return build_model(
        folder,
        NAME,
        {"fp32": text_io(folder, _TEXT, "fp32")},
        {"fp32": vision_io(folder, _VISION, "fp32")},
        read_open_clip_preprocessing(json_object(folder / _PREPROCESS), folder / _PREPROCESS, floor_crop_offset=True),
        _text_input(config, json_object(folder / _TOKENIZER_CONFIG), folder),
        config_files=(_CONFIG, _TOKENIZER_CONFIG, _PREPROCESS),
        dim=dim if type(dim) is int else None,
    )


def _text_input(config: Mapping[str, Any], tokenizer_config: Mapping[str, Any], folder: Path) -> TextInputSpec:
    settings, pad = config.get("text_cfg"), tokenizer_config.get("pad_token")
    pad = pad.get("content") if isinstance(pad, Mapping) else pad
    if not isinstance(settings, Mapping):
        raise BundleIncompatible(f"{folder / _CONFIG}: expected text_cfg, found none; copy the file again")
    if not isinstance(pad, str):
        raise BundleIncompatible(f"{folder / _TOKENIZER_CONFIG}: expected pad_token, found none; copy the file again")
    length = settings.get("context_length", _TOKENS)
    if type(length) is not int or length < 1:
        raise BundleIncompatible(f"{folder / _CONFIG}: expected context_length as a number, found {length!r:.80}")
    options = settings.get("tokenizer_kwargs") or {}
    clean = options.get("clean") if isinstance(options, Mapping) else options
    if not isinstance(clean, str | None) or clean not in _CLEANING:
        raise BundleIncompatible(f"{folder / _CONFIG}: expected clean whitespace or canonicalize, found {clean!r:.80}")
    return TextInputSpec((_TOKENIZER,), build_from_json, length, pad, Padding(length), _CLEANING[clean])
