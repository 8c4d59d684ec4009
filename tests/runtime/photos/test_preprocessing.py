"""Resize, crop and normalize follow the configuration, and one step equals two."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoseek.bundle.layouts.hf_image_processor import read_preprocessing
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, size=(height, width, 3))
    return Image.fromarray(pixels.astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)


def test_the_values_of_one_color_computed_by_hand() -> None:
    values = Preprocessing(4, 6, None)(Image.new("RGB", (10, 10), (255, 0, 51)))
    assert values.shape == (3, 4, 6)
    assert values.dtype == np.float32
    for channel, level in enumerate((1.0, 0.0, 0.2)):
        expected = (level - IMAGENET_MEAN[channel]) / IMAGENET_STD[channel]
        np.testing.assert_allclose(values[channel], expected, atol=1e-6)


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (224, 224), (97, 31), (7, 5), (1, 1), (640, 480), (481, 640)])
def test_one_step_equals_resize_then_crop(size: tuple[int, int]) -> None:
    """The reference of torchvision, implemented with Pillow: shorter side to 36, then the center 32 x 32."""
    image = noise(*size)
    width, height = size
    scaled = (36, int(36 * height / width)) if width <= height else (int(36 * width / height), 36)
    resized = image.resize(scaled, Image.Resampling.BILINEAR)
    left, top = round((scaled[0] - 32) / 2), round((scaled[1] - 32) / 2)
    expected = np.asarray(resized.crop((left, top, left + 32, top + 32)), dtype=int)
    found = np.asarray(Preprocessing(32, 32, 36).resize_and_crop(image), dtype=int)
    assert np.abs(found - expected).max() <= 1


def test_without_a_crop_the_entire_picture_is_visible() -> None:
    wide = Image.new("RGB", (400, 100), (0, 0, 0))
    wide.paste((255, 255, 255), (0, 0, 20, 100))
    wide.paste((255, 255, 255), (380, 0, 400, 100))
    found = np.asarray(Preprocessing(40, 40, None).resize_and_crop(wide))[20, :, 0]
    assert found[0] > 200
    assert found[-1] > 200
    cropped = np.asarray(Preprocessing(40, 40, 40).resize_and_crop(wide))
    assert cropped.max() == 0


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1)])
def test_an_extreme_aspect_ratio_costs_no_more(size: tuple[int, int]) -> None:
    """Scaling the shorter side of 1 x 60,000 to 256 first would make a picture of 11 GB."""
    started = time.monotonic()
    assert Preprocessing()(Image.new("RGB", size, (9, 9, 9))).shape == (3, 224, 224)
    assert time.monotonic() - started < 1.0


def test_the_configuration_survives_a_round_trip() -> None:
    for preprocessing in (
        Preprocessing(),
        Preprocessing(96, 128, None, resample=3, mean=(0.5, 0.4, 0.3)),
        Preprocessing(floor_crop_offset=True, exact_resize=True),
    ):
        assert read_preprocessing(preprocessing.to_json(), "file", native=True) == preprocessing


def test_the_id_changes_with_everything_that_changes_pixels() -> None:
    ids = {
        Preprocessing().id,
        Preprocessing(shortest_edge=None).id,
        Preprocessing(shortest_edge=230).id,
        Preprocessing(resample=3).id,
        Preprocessing(mean=(0.5, 0.5, 0.5)).id,
    }
    assert len(ids) == 5
    assert Preprocessing().id == Preprocessing(224, 224, 256).id


def test_the_configuration_of_a_clip_model_is_read() -> None:
    """Both spellings of sizes that its exports use."""
    config: dict[str, Any] = {
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "size": 224,
        "crop_size": 224,
    }
    expected = Preprocessing(
        224, 224, 224, 3, mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711)
    )
    assert read_preprocessing(config, "file", native=True) == expected
    spelled = {**config, "size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    assert read_preprocessing(spelled, "file", native=True) == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"do_resize": False}, "expected do_resize true"),
        ({"image_mean": [0.5]}, "unsupported"),
        ({"size": {"longest_edge": 224}}, "expected a size as shortest_edge"),
        ({"size": 100}, "shortest_edge 100 is less than"),
    ],
)
def test_an_unsupported_configuration_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(BundleIncompatible, match=reason):
        read_preprocessing({**Preprocessing().to_json(), **change}, "file", native=True)
