"""Preprocessing equals that of transformers' Pillow-based processors."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image

from photoseek.bundle.layouts.hf_image_processor import read_preprocessing
from photoseek.photos.decode import decode_photo

_SIZES = [(300, 200), (200, 301), (303, 200), (224, 224), (97, 31), (7, 5), (1, 1), (640, 481), (50, 799), (1600, 101)]
_PROCESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "clip": ("CLIPImageProcessorPil", {}),
    "clip of 336": (
        "CLIPImageProcessorPil",
        {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}},
    ),
    "mobileclip": ("CLIPImageProcessorPil", {"do_normalize": False, "resample": 2}),
    "no rescaling": ("CLIPImageProcessorPil", {"do_rescale": False}),
    "larger than its crop": ("CLIPImageProcessorPil", {"size": {"shortest_edge": 257}}),
    "siglip": ("SiglipImageProcessorPil", {"size": {"height": 256, "width": 256}}),
    "chinese-clip": ("ChineseCLIPImageProcessorPil", {}),
    "chinese-clip, squashed": (
        "ChineseCLIPImageProcessorPil",
        {"size": {"height": 224, "width": 224}, "do_center_crop": False},
    ),
    "squashed, and cropped to the same size": ("ChineseCLIPImageProcessorPil", {"size": {"height": 224, "width": 224}}),
    "vit": ("ViTImageProcessorPil", {}),
}


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, size=(height, width, 3))
    return Image.fromarray(pixels.astype(np.uint8))


def format_settings(processor: Any, tmp_path: Path) -> dict[str, Any]:
    """Return the settings that a processor saves."""
    processor.save_pretrained(tmp_path)
    return dict(json.loads((tmp_path / "preprocessor_config.json").read_text()))


@pytest.mark.parametrize("name", _PROCESSORS)
def test_every_pixel_is_that_of_transformers(name: str, tmp_path: Path) -> None:
    kind, changes = _PROCESSORS[name]
    processor = getattr(transformers, kind)(**changes)
    preprocessing = read_preprocessing(format_settings(processor, tmp_path), tmp_path)
    for size in _SIZES:
        picture = noise(*size)
        expected = processor(picture, return_tensors="np")["pixel_values"][0]
        found = preprocessing(picture)
        assert found.shape == expected.shape
        scale = 255.0 if changes.get("do_rescale", True) else 1.0
        np.testing.assert_allclose(found, expected, atol=1e-6 * 255 / scale * 10, err_msg=str(size))


@pytest.mark.parametrize(
    "kind", ["CLIPImageProcessor", "SiglipImageProcessor", "ChineseCLIPImageProcessor", "ViTImageProcessor"]
)
def test_missing_settings_have_the_defaults_of_the_class(kind: str, tmp_path: Path) -> None:
    processor = getattr(transformers, f"{kind}Pil")()
    picture = noise(301, 200)
    expected = processor(picture, return_tensors="np")["pixel_values"][0]
    for name in (kind, f"{kind}Fast", f"{kind}Pil"):
        found = read_preprocessing({"image_processor_type": name}, tmp_path)(picture)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("size", [224, {"shortest_edge": 224}])
@pytest.mark.parametrize("crop", [224, {"height": 224, "width": 224}])
def test_sizes_as_numbers_and_as_objects(size: Any, crop: Any, tmp_path: Path) -> None:
    found = read_preprocessing(
        {"feature_extractor_type": "CLIPFeatureExtractor", "size": size, "crop_size": crop}, tmp_path
    )
    assert found == read_preprocessing({"image_processor_type": "CLIPImageProcessor"}, tmp_path)


def test_torchvision_processors_differ_little(tmp_path: Path) -> None:
    """They round differently: by up to two levels of 255 at edges, on average by less than half a level."""
    preprocessing = read_preprocessing({"image_processor_type": "CLIPImageProcessorFast"}, tmp_path)
    processor = transformers.CLIPImageProcessor(do_normalize=False, do_rescale=False)
    for size in ((640, 481), (303, 200), (97, 31)):
        picture = noise(*size).resize(size, Image.Resampling.BOX)
        fast = processor(picture, return_tensors="np")["pixel_values"][0].astype(float)
        slow = np.asarray(preprocessing.resize_and_crop(picture), dtype=float).transpose(2, 0, 1)
        assert np.abs(fast - slow).max() <= 2
        assert np.abs(fast - slow).mean() < 0.5


def test_large_jpegs_are_decoded_at_reduced_size(tmp_path: Path) -> None:
    """The decoder averages blocks, and the filter the rest; at 2.5 times the result's size, few levels differ."""
    small = {"shortest_edge": 48}, {"height": 48, "width": 48}
    config = {"image_processor_type": "CLIPImageProcessor", "size": small[0], "crop_size": small[1]}
    preprocessing = read_preprocessing(config, tmp_path)
    smooth = noise(20, 15).resize((1280, 960), Image.Resampling.BICUBIC)
    for size, decoded in (((318, 239), (318, 239)), ((320, 240), (160, 120)), ((1280, 960), (160, 120))):
        file = io.BytesIO()
        smooth.resize(size).save(file, "JPEG", quality=90)
        photo = decode_photo(file.getvalue(), preprocessing.min_edge)
        assert photo.image.size == decoded
        full = preprocessing.resize_and_crop(decode_photo(file.getvalue()).image)
        difference = np.abs(
            np.asarray(preprocessing.resize_and_crop(photo.image), dtype=int) - np.asarray(full, dtype=int)
        )
        assert difference.mean() < (0.5 if decoded != size else 1e-9)
        assert difference.max() <= (6 if decoded != size else 0), (size, difference.max(), difference.mean())
