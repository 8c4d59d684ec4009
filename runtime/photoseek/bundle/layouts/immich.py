"""The layout of immich: ``textual/model.onnx`` beside ``visual/model.onnx``.

Mirrors ``machine-learning/immich_ml/models/clip`` and ``transforms.py`` (https://github.com/immich-app/immich). Vectors
are made one by one where the graphs were exported so. The prefix that tells NLLB models a query's language is left out,
as in immich where none is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photoseek.bundle.description import ExternalModel, TextInputSpec, expect_file, json_object
from photoseek.bundle.layouts.build import build_description, common_precisions
from photoseek.bundle.layouts.hf_image_processor import BICUBIC, BILINEAR
from photoseek.bundle.layouts.onnx_io import text_io, vision_io
from photoseek.bundle.layouts.tokenizers import build_from_json
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing

NAME = "immich"
EXPECTED = "textual/model.onnx and visual/model.onnx (immich)"

_TEXT, _VISION = "textual/model.onnx", "visual/model.onnx"
_CONFIG = "config.json"
_TOKENIZER, _TOKENIZER_CONFIG = "textual/tokenizer.json", "textual/tokenizer_config.json"
_PICTURES = "visual/preprocess_cfg.json"
_TOKENS = 77  # where text_cfg tells no context_length
_FILTERS = {"bicubic": BICUBIC, "bilinear": BILINEAR, "nearest": 0, "lanczos": 1, "box": 4, "hamming": 5}
_KNOWN = {"size", "mode", "mean", "std", "interpolation", "resize_mode", "fill_color"}
_CLEANING = {None: "collapse_whitespace", "whitespace": "collapse_whitespace", "canonicalize": "siglip_canonicalize"}


def describe(folder: Path) -> ExternalModel | None:
    """None where the folder has no file of this layout.

    Raises:
        BundleError: It has, but cannot be read.
    """
    texts, visions = ({"fp32": file} if (folder / file).is_file() else {} for file in (_TEXT, _VISION))
    if not texts and not visions:
        return None
    common_precisions(folder, texts, visions, EXPECTED)
    config = json_object(expect_file(folder / _CONFIG, "it tells how texts are read: copy it there"))
    expect_file(folder / _TOKENIZER, "copy it there")
    padding = json_object(expect_file(folder / _TOKENIZER_CONFIG, "it tells how texts are filled up: copy it there"))
    pictures = expect_file(folder / _PICTURES, "it tells how photos are prepared: copy it there")
    dim = config.get("embed_dim")
    return build_description(
        folder,
        NAME,
        {"fp32": text_io(folder, _TEXT, "fp32")},
        {"fp32": vision_io(folder, _VISION, "fp32")},
        _preprocessing(json_object(pictures), pictures),
        _reading(config, padding, folder),
        read=(_CONFIG, _TOKENIZER_CONFIG, _PICTURES),
        dim=dim if type(dim) is int else None,
    )


def _reading(config: Mapping[str, Any], padding: Mapping[str, Any], folder: Path) -> TextInputSpec:
    settings = config.get("text_cfg")
    pad = padding.get("pad_token")
    pad = pad.get("content") if isinstance(pad, Mapping) else pad
    if not isinstance(settings, Mapping) or not isinstance(pad, str):
        wrong = _CONFIG if isinstance(pad, str) else _TOKENIZER_CONFIG
        key = "text_cfg" if wrong == _CONFIG else "pad_token"
        raise BundleIncompatible(f"{folder / wrong}: expected {key}, found none; copy the file again")
    length = settings.get("context_length", _TOKENS)
    if type(length) is not int or length < 1:
        raise BundleIncompatible(f"{folder / _CONFIG}: expected context_length as a number, found {length!r:.80}")
    further = settings.get("tokenizer_kwargs") or {}
    clean = further.get("clean") if isinstance(further, Mapping) else further
    if not isinstance(clean, str | None) or clean not in _CLEANING:
        raise BundleIncompatible(f"{folder / _CONFIG}: expected clean whitespace or canonicalize, found {clean!r:.80}")
    return TextInputSpec((_TOKENIZER,), build_from_json, limit=length, pad=pad, length=length, clean=_CLEANING[clean])


def _preprocessing(config: Mapping[str, Any], path: Path) -> Preprocessing:
    unknown = set(config) - _KNOWN
    if unknown:
        key = min(unknown)
        raise BundleIncompatible(f"{path}: {key}: not known here, found {config[key]!r:.80}; upgrade photoseek")
    mode, squeeze = config.get("mode", "RGB"), config.get("resize_mode", "shortest")
    if mode != "RGB" or squeeze not in ("shortest", "squash"):
        raise BundleIncompatible(
            f"{path}: expected mode RGB and resize_mode shortest or squash, found {mode!r:.80} and {squeeze!r:.80}"
        )
    try:
        size = _side(config["size"])
        return Preprocessing(
            size,
            size,
            size if squeeze == "shortest" else None,
            _FILTERS[str(config["interpolation"]).lower()],
            mean=_triple(config["mean"]),
            std=_triple(config["std"]),
            floor_middle=True,
            faithful=True,
        )
    except (KeyError, TypeError, ValueError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BundleIncompatible(f"{path}: cannot be followed: {what}") from error


def _side(size: Any) -> int:
    """Of a square: a number, or twice the same."""
    sides = size if isinstance(size, list) else [size]
    if not all(type(side) is int for side in sides) or len(set(sides)) != 1:
        raise ValueError(f"expected a size of equal sides, found {size!r:.80}")
    return int(sides[0])


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
