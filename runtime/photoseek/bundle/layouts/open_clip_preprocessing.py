"""The settings of open_clip's image transform (``PreprocessCfg``) -> ``Preprocessing``.

immich has them in ``preprocess_cfg.json``, jina-clip in ``preprocessor_config.json``. Mirrors ``image_transform`` of
``open_clip/transform.py`` (https://github.com/mlfoundations/open_clip).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import RGB, Preprocessing

_FILTERS = {"bicubic": 3, "bilinear": 2, "nearest": 0, "lanczos": 1, "box": 4, "hamming": 5}
"""Pillow's codes."""

_KNOWN_KEYS = {"size", "mode", "mean", "std", "interpolation", "resize_mode", "fill_color"}


def read_open_clip_preprocessing(
    config: Mapping[str, Any], path: Path | str, *, floor_crop_offset: bool, ignored: Collection[str] = ()
) -> Preprocessing:
    """Read the settings of a transform.

    Args:
        config: The settings.
        path: The name of their file in errors.
        floor_crop_offset: See ``Preprocessing``; programs differ.
        ignored: Further keys, which do not change pixels.

    Raises:
        BundleIncompatible: A setting is unsupported.
    """
    if unknown := sorted(set(config) - _KNOWN_KEYS - set(ignored)):
        raise BundleIncompatible(
            f"{path}: {unknown[0]}: unknown setting, found {config[unknown[0]]!r:.80}; upgrade photoseek"
        )
    mode, resize = config.get("mode", "RGB"), config.get("resize_mode", "shortest")
    if mode != "RGB" or resize not in ("shortest", "squash"):
        raise BundleIncompatible(
            f"{path}: expected mode RGB and resize_mode shortest or squash, found {mode!r:.80} and {resize!r:.80}"
        )
    try:
        size = _side(config["size"])
        return Preprocessing(
            size,
            size,
            size if resize == "shortest" else None,
            _FILTERS[str(config["interpolation"]).lower()],
            mean=as_rgb(config["mean"]),
            std=as_rgb(config["std"]),
            floor_crop_offset=floor_crop_offset,
            exact_resize=True,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BundleIncompatible(f"{path}: unsupported preprocessing: {what}; correct the file") from error


def as_rgb(values: Any) -> RGB:
    """Return a list of three numbers as a tuple of floats.

    Raises:
        TypeError: It is not a list of numbers.
        ValueError: It does not contain three numbers.
    """
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _side(size: Any) -> int:
    """Return the side of a square, given as a number or twice the same number."""
    sides = size if isinstance(size, list) else [size]
    if not all(type(side) is int for side in sides) or len(set(sides)) != 1:
        raise ValueError(f"expected a size of equal sides, found {size!r:.80}")
    return int(sides[0])
