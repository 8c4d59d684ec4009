"""``preprocessor_config.json`` of transformers -> ``Preprocessing``.

What is matched are the processors on Pillow (``CLIPImageProcessorPil`` and its like, before transformers 5 those
without ``Fast``), as the models were trained with Pillow's filters. Those on torchvision round otherwise.
Keys left out have the defaults of the processor's class; a key or value that is not known here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoseek.bundle.description import json_object
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import RGB, Preprocessing

PREPROCESSOR = "preprocessor_config.json"
PROCESSOR = "processor_config.json"
"""Where transformers 5 keeps the same, under ``image_processor``."""

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
    "default_to_square",  # what a plain number as size stands for; see _sized
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
    "photoseek": ({"floor_middle": True, "faithful": True},),  # of a bundle of ours without its manifest
}
"""Keys that have to have one of these values, or none."""


def find_preprocessing(folder: Path) -> tuple[Preprocessing, str]:
    """That of a folder of transformers, and the file that tells it.

    Raises:
        BundleIncompatible: No file tells it, or it asks for something that is not done here.
        BundleDamaged: The file is no JSON.
    """
    if (folder / PREPROCESSOR).is_file():
        return read_preprocessing(json_object(folder / PREPROCESSOR), folder / PREPROCESSOR), PREPROCESSOR
    if (folder / PROCESSOR).is_file() and "image_processor" in (config := json_object(folder / PROCESSOR)):
        return read_preprocessing(config["image_processor"], folder / PROCESSOR), PROCESSOR
    raise BundleIncompatible(f"{folder / PREPROCESSOR}: missing; it tells how photos are prepared: copy it there")


def read_preprocessing(config: Mapping[str, Any], path: Path) -> Preprocessing:
    """Read the settings of an image processor; ``path`` is what errors name.

    Raises:
        BundleIncompatible: They ask for something that is not done here.
    """
    if not isinstance(config, Mapping):
        raise BundleIncompatible(f"{path}: expected the settings of an image processor, found {config!r:.80}")
    kind = config.get("image_processor_type") or config.get("feature_extractor_type") or "CLIPImageProcessor"
    defaults = _PROCESSOR_TYPES.get(re.sub("(Fast|Pil)$", "", kind) if isinstance(kind, str) else "")
    if defaults is None:
        raise BundleIncompatible(
            f"{path}: expected an image processor among {', '.join(_PROCESSOR_TYPES)}, found {kind!r:.80}"
        )
    _expect_known(config, path)
    try:
        return _apply_config({key: value for key, value in config.items() if value is not None}, defaults)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BundleIncompatible(f"{path}: cannot be followed: {what}") from error


def _expect_known(config: Mapping[str, Any], path: Path) -> None:
    for key, value in config.items():
        if value is None or key in _USED_KEYS or key in _IGNORED_KEYS:
            continue
        if key not in _FIXED_VALUES:
            raise BundleIncompatible(f"{path}: {key}: not known here, found {value!r:.80}; upgrade photoseek")
        if value not in _FIXED_VALUES[key]:
            raise BundleIncompatible(f"{path}: expected {key} {_FIXED_VALUES[key][0]!r}, found {value!r:.80}")


def _apply_config(config: Mapping[str, Any], defaults: _Defaults) -> Preprocessing:
    if not config.get("do_resize", True):
        raise ValueError("expected do_resize true, found false: photos of every size come in")
    cropped = bool(config.get("do_center_crop", defaults.crop))
    size = _size_from(config.get("size", defaults.size), edge="shortest_edge" in defaults.size)
    cut = _size_from(config.get("crop_size", _SQUARE_224), edge=False) if cropped else None
    edge = size.get("shortest_edge")
    if edge is None and cut not in (None, size):
        raise ValueError(f"expected a crop_size of the size that photos are squeezed to, found {cut} and {size}")
    if edge is not None and cut is None:
        raise ValueError("expected do_center_crop true beside a shortest_edge, found false: results differ in size")
    result = cut or size
    normalized = bool(config.get("do_normalize", True))
    return Preprocessing(
        height=result["height"],
        width=result["width"],
        shortest_edge=edge,
        resample=int(config.get("resample", defaults.resample)),
        rescale_factor=float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0,
        mean=_triple(config.get("image_mean", defaults.mean)) if normalized else (0.0, 0.0, 0.0),
        std=_triple(config.get("image_std", defaults.std)) if normalized else (1.0, 1.0, 1.0),
        floor_middle=True,
        faithful=True,
    )


def _size_from(size: Any, *, edge: bool) -> dict[str, int]:
    """``{"shortest_edge": n}`` or ``{"height": h, "width": w}``; a plain number stands for one of them."""
    if isinstance(size, int):
        return {"shortest_edge": size} if edge else {"height": size, "width": size}
    given = {key: value for key, value in dict(size).items() if value is not None}
    if set(given) not in ({"shortest_edge"}, {"height", "width"}) or not all(type(n) is int for n in given.values()):
        raise ValueError(f"expected a size as shortest_edge, or as height and width, found {size!r:.80}")
    return given


def _triple(values: Any) -> RGB:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
