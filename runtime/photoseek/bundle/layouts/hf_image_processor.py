"""``preprocessor_config.json``, of transformers or written by ``Preprocessing.to_json`` -> ``Preprocessing``.

Matches the processors on Pillow (such as ``CLIPImageProcessorPil``, before transformers 5 those without ``Fast``),
since the models were trained with Pillow's filters; those on torchvision round differently. Missing keys have the
defaults of the processor's class; an unknown key or an unsupported value is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoseek.bundle.json_files import json_object
from photoseek.bundle.layouts.open_clip_preprocessing import as_rgb, read_open_clip_preprocessing
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import EXTRA_KEYS, RGB, Preprocessing

PREPROCESSOR = "preprocessor_config.json"
PROCESSOR = "processor_config.json"
"""In transformers 5, contains the same settings under ``image_processor``."""

CLIP_MEAN: RGB = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: RGB = (0.26862954, 0.26130258, 0.27577711)
_HALF: RGB = (0.5, 0.5, 0.5)
BILINEAR, BICUBIC = 2, 3
_EDGE_224, _SQUARE_224 = {"shortest_edge": 224}, {"height": 224, "width": 224}


@dataclass(frozen=True)
class _Defaults:
    size: Mapping[str, int]
    crop: bool
    resample: int
    mean: RGB
    std: RGB


_CLIP = _Defaults(_EDGE_224, True, BICUBIC, CLIP_MEAN, CLIP_STD)
_SIGLIP = _Defaults(_SQUARE_224, False, BICUBIC, _HALF, _HALF)
_PROCESSOR_TYPES = {
    "CLIPImageProcessor": _CLIP,
    "CLIPFeatureExtractor": _CLIP,
    "ChineseCLIPImageProcessor": _CLIP,
    "ChineseCLIPFeatureExtractor": _CLIP,
    "SiglipImageProcessor": _SIGLIP,
    "ViTImageProcessor": _Defaults(_SQUARE_224, False, BILINEAR, _HALF, _HALF),
    "ViTFeatureExtractor": _Defaults(_SQUARE_224, False, BILINEAR, _HALF, _HALF),
}

_USED_KEYS = {
    "image_processor_type",
    "feature_extractor_type",
    "do_resize",
    "size",
    "resample",
    "do_center_crop",
    "crop_size",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
    "do_convert_rgb",
}
_IGNORED_KEYS = {
    "_auto_class",
    "_processor_class",
    "_valid_processor_keys",
    "processor_class",
    "default_to_square",  # the meaning of a plain number as size, see _size_from
    "disable_grouping",
    "device",
    "input_data_format",
    "return_tensors",
}
_FIXED_VALUES: Mapping[str, tuple[Any, ...]] = {
    "data_format": ("channels_first",),
    "do_pad": (False,),
    "use_square_size": (False,),
    "do_reduce_labels": (False,),
    "photoseek": (dict.fromkeys(EXTRA_KEYS, True),),  # of our own bundle without its manifest
}
"""Keys that, if present, must have one of these values."""

_JINA = "JinaCLIPImageProcessor"
"""A class of ``jinaai/jina-clip-implementation``, which copies open_clip's transform."""
_JINA_IGNORED = ("auto_map", "feature_extractor_type", "image_processor_type", "processor_class")


def find_preprocessing(folder: Path) -> tuple[Preprocessing, str]:
    """Return the preprocessing of a folder of transformers, and the file that it was read from.

    Raises:
        BundleIncompatible: There is no such file, or it has an unsupported setting.
        BundleDamaged: The file is not JSON.
    """
    if (folder / PREPROCESSOR).is_file():
        return read_preprocessing(json_object(folder / PREPROCESSOR), folder / PREPROCESSOR), PREPROCESSOR
    if (folder / PROCESSOR).is_file() and "image_processor" in (config := json_object(folder / PROCESSOR)):
        return read_preprocessing(config["image_processor"], folder / PROCESSOR), PROCESSOR
    raise BundleIncompatible(
        f"{folder / PREPROCESSOR}: missing; it contains the preprocessing of photos: copy it there"
    )


def read_preprocessing(config: Mapping[str, Any], path: Path | str, *, native: bool = False) -> Preprocessing:
    """Read the settings of an image processor.

    Args:
        config: The content of ``preprocessor_config.json``.
        path: The name of the file in errors.
        native: Whether ``Preprocessing.to_json`` wrote it. Others are followed exactly, see ``exact_resize``.

    Raises:
        BundleIncompatible: A setting is unsupported.
    """
    if not isinstance(config, Mapping):
        raise BundleIncompatible(f"{path}: expected the settings of an image processor, found {config!r:.80}")
    kind = config.get("image_processor_type") or config.get("feature_extractor_type") or "CLIPImageProcessor"
    if kind == _JINA:
        return read_open_clip_preprocessing(config, path, floor_crop_offset=False, ignored=_JINA_IGNORED)
    defaults = _PROCESSOR_TYPES.get(re.sub("(Fast|Pil)$", "", kind) if isinstance(kind, str) else "")
    if defaults is None:
        raise BundleIncompatible(
            f"{path}: expected an image processor among {', '.join([*_PROCESSOR_TYPES, _JINA])}, found {kind!r:.80}"
        )
    extra = dict.fromkeys(EXTRA_KEYS, True)
    if native and isinstance(found := config.get("photoseek", {}), Mapping):
        extra = {key: found.get(key) is True for key in EXTRA_KEYS}
        config = {key: value for key, value in config.items() if key != "photoseek"}
    _expect_known(config, path)
    try:
        return _apply_config({key: value for key, value in config.items() if value is not None}, defaults, extra)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BundleIncompatible(f"{path}: unsupported preprocessing: {what}; correct the file") from error


def _expect_known(config: Mapping[str, Any], path: Path | str) -> None:
    for key, value in config.items():
        if value is None or key in _USED_KEYS or key in _IGNORED_KEYS:
            continue
        if key not in _FIXED_VALUES:
            raise BundleIncompatible(f"{path}: {key}: unknown setting, found {value!r:.80}; upgrade photoseek")
        if value not in _FIXED_VALUES[key]:
            raise BundleIncompatible(f"{path}: expected {key} {_FIXED_VALUES[key][0]!r}, found {value!r:.80}")


def _apply_config(config: Mapping[str, Any], defaults: _Defaults, extra: Mapping[str, bool]) -> Preprocessing:
    if not config.get("do_resize", True):
        raise ValueError("expected do_resize true, found false; photos have different sizes")
    cropped = bool(config.get("do_center_crop", defaults.crop))
    size = _size_from(config.get("size", defaults.size), edge="shortest_edge" in defaults.size)
    crop = _size_from(config.get("crop_size", _SQUARE_224), edge=False) if cropped else None
    edge = size.get("shortest_edge")
    if edge is None and crop not in (None, size):
        raise ValueError(f"expected a crop_size of the size that photos are resized to, found {crop} and {size}")
    if edge is not None and crop is None:
        raise ValueError("expected do_center_crop true with a shortest_edge, found false; results would differ in size")
    result = crop or size
    normalized = bool(config.get("do_normalize", True))
    return Preprocessing(
        height=result["height"],
        width=result["width"],
        shortest_edge=edge,
        resample=int(config.get("resample", defaults.resample)),
        rescale_factor=float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0,
        mean=as_rgb(config.get("image_mean", defaults.mean)) if normalized else (0.0, 0.0, 0.0),
        std=as_rgb(config.get("image_std", defaults.std)) if normalized else (1.0, 1.0, 1.0),
        **extra,
    )


def _size_from(size: Any, *, edge: bool) -> dict[str, int]:
    """Return ``{"shortest_edge": n}`` or ``{"height": h, "width": w}``; a plain number means the former if ``edge``."""
    if isinstance(size, int):
        return {"shortest_edge": size} if edge else {"height": size, "width": size}
    given = {key: value for key, value in dict(size).items() if value is not None}
    if set(given) not in ({"shortest_edge"}, {"height", "width"}) or not all(type(n) is int for n in given.values()):
        raise ValueError(f"expected a size as shortest_edge, or as height and width, found {size!r:.80}")
    return given
