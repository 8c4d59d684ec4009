"""Any value in the configuration of another program's model: it runs, or raises an error that names the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from external_models import change, write_immich, write_transformers
from photoseek import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import BundleError

VALUES: list[Any] = [
    {"max_position_embeddings": 10**30},
    None,
    True,
    0,
    -1,
    5,
    10**30,
    [10**400, 0, 0],
    1e300,
    float("nan"),
    "",
    "x",
    [],
    [1, 2, 3],
    ["clip"],
    {},
    {"a": {}},
]
SETTINGS = {
    "config.json": ["model_type", "projection_dim", "text_config", "vision_config"],
    "preprocessor_config.json": [
        "image_processor_type", "do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale",
        "rescale_factor", "do_normalize", "image_mean", "image_std", "do_convert_rgb", "do_pad", "photoseek",
    ],
    "tokenizer_config.json": ["model_max_length", "pad_token", "padding_side", "truncation_side", "tokenizer_class"],
}  # fmt: skip


@pytest.mark.parametrize(("file", "key"), [(file, key) for file, keys in SETTINGS.items() for key in keys])
def test_any_value_of_a_setting_runs_or_is_refused(tmp_path: Path, file: str, key: str) -> None:
    folder = write_transformers(tmp_path / "model")
    before = (folder / file).read_text()
    for value in VALUES:
        change(folder / file, **{key: value})
        found = outcome(folder)
        assert found == "fine" or str(folder) in found, value
        (folder / file).write_text(before)


IMMICH = {
    "config.json": ["embed_dim", "text_cfg"],
    "textual/tokenizer_config.json": ["pad_token"],
    "visual/preprocess_cfg.json": ["size", "mode", "mean", "std", "interpolation", "resize_mode", "fill_color"],
}


@pytest.mark.parametrize(("file", "key"), [(file, key) for file, keys in IMMICH.items() for key in keys])
def test_any_value_of_an_immich_setting_runs_or_is_refused(tmp_path: Path, file: str, key: str) -> None:
    folder = write_immich(tmp_path / "model")
    assert outcome(folder) == "fine"
    before = (folder / file).read_text()
    for value in [*VALUES, {"tokenizer_kwargs": 5}, {"tokenizer_kwargs": {"clean": []}}, {"context_length": 10**30}]:
        change(folder / file, **{key: value})
        found = outcome(folder)
        assert found == "fine" or str(folder) in found, value
        (folder / file).write_text(before)


def outcome(folder: Path) -> str:
    """Return the error for a folder, or ``fine``."""
    try:
        bundle = Bundle.load(folder)
        text = TextEncoder(bundle, threads=1).encode(["red"])
        photo = ImageEncoder(bundle, threads=1).encode([Image.new("RGB", (9, 5), (200, 30, 30))])
    except BundleError as error:
        return str(error)
    return "fine" if np.isfinite(text).all() and np.isfinite(photo).all() else "vectors that are not finite"


@pytest.mark.parametrize("value", [value for value in VALUES if not isinstance(value, dict)], ids=repr)
def test_a_file_without_an_object_is_refused(tmp_path: Path, value: Any) -> None:
    for file in SETTINGS:
        folder = write_transformers(tmp_path / file)
        (folder / file).write_text(json.dumps(value))
        with pytest.raises(BundleError, match=file):
            Bundle.load(folder)
