"""Folders of other programs make the vectors that transformers makes of the same model, preprocessing included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import clip_models as clip
from clip_folders import Reference
from photoseek import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder, verify_bundle

_CLOSE = 1e-4
_ALIKE = 1e-6


def expect_texts(bundle: Bundle, reference: Reference, texts: list[str] = clip.TEXTS, **how: Any) -> None:
    expected = clip.text_vectors(reference.model, reference.tokenizer, texts, **how)
    assert np.abs(expected - expected[:1]).max() > 0.05, "all texts are alike: nothing is compared"
    np.testing.assert_allclose(TextEncoder(bundle).encode(texts), expected, atol=_CLOSE)


def expect_photos(bundle: Bundle, reference: Reference, pictures: list[Image.Image] | None = None) -> None:
    pictures = clip.photos() if pictures is None else pictures
    expected = clip.image_vectors(reference.model, reference.processor, pictures)
    np.testing.assert_allclose(ImageEncoder(bundle).encode(pictures), expected, atol=_CLOSE)


def test_clip_in_two_files(clip_folder: Path, clip_reference: Reference) -> None:
    bundle = Bundle.load(clip_folder)
    assert (bundle.layout, bundle.dim, bundle.precisions) == ("transformers", 24, ("fp32",))
    expect_texts(bundle, clip_reference)
    expect_photos(bundle, clip_reference)


def test_siglip_in_two_files(siglip_folder: Path, siglip_reference: Reference) -> None:
    """Its first output is the states of all tokens; each text is filled up to 64."""
    bundle = Bundle.load(siglip_folder)
    assert (bundle.layout, bundle.dim) == ("transformers", 32)
    expect_texts(bundle, siglip_reference, padding="max_length")
    expect_photos(bundle, siglip_reference)


def test_chinese_clip_in_two_files(chinese_folder: Path, chinese_reference: Reference) -> None:
    bundle = Bundle.load(chinese_folder)
    assert bundle.languages == ("zh",)
    expect_texts(bundle, chinese_reference)
    expect_photos(bundle, chinese_reference)


def test_chinese_clip_of_its_own_exporter(chinese_own_folder: Path, chinese_reference: Reference) -> None:
    """Texts run one by one, truncated to 52 tokens; weights are in an external file."""
    bundle = Bundle.load(chinese_own_folder)
    assert (bundle.layout, bundle.dim, bundle.precisions) == ("chinese-clip", 24, ("fp32",))
    assert "vit-b-16.img.fp32.onnx.extra_file" in bundle.manifest.files
    expect_texts(bundle, chinese_reference, max_length=52)
    expect_photos(bundle, chinese_reference)


def test_immich(immich_folder: Path, clip_reference: Reference) -> None:
    """int32 tokens, one text and one photo a run."""
    bundle = Bundle.load(immich_folder)
    assert (bundle.layout, bundle.dim) == ("immich", 24)
    expect_texts(bundle, clip_reference)
    expect_photos(bundle, clip_reference)


def test_rclip(rclip_folder: Path, clip_reference: Reference) -> None:
    """Its photos are cut as torchvision cuts them: of what cannot be halved at the even pixel."""
    bundle = Bundle.load(rclip_folder)
    assert (bundle.layout, bundle.dim) == ("rclip", 24)
    expect_texts(bundle, clip_reference)
    halved = [picture for picture in clip.photos() if _halves(picture)]
    assert len(halved) >= 3
    expect_photos(bundle, clip_reference, halved)


def test_the_fifth_pixel_of_rclip_is_torchvisions(rclip_folder: Path, clip_reference: Reference) -> None:
    from torchvision.transforms import v2

    picture = next(picture for picture in clip.photos() if not _halves(picture))
    cut = v2.Compose([v2.Resize(clip.SIZE, v2.InterpolationMode.BICUBIC), v2.CenterCrop(clip.SIZE)])(picture)
    expect_same = clip.image_vectors(clip_reference.model, clip_reference.processor, [cut])
    found = ImageEncoder(Bundle.load(rclip_folder)).encode([picture])
    np.testing.assert_allclose(found, expect_same, atol=_CLOSE)


def _halves(picture: Image.Image) -> bool:
    """Whether torchvision and transformers agree where the middle of a photo is."""
    width, height = picture.size
    longer = int(clip.SIZE * max(width, height) / min(width, height)) - clip.SIZE
    return round(longer / 2) == longer // 2


@pytest.mark.parametrize("folder", ["clip", "siglip", "chinese", "immich", "rclip", "chinese_own"])
def test_batches_and_neighbors_change_nothing(folder: str, request: pytest.FixtureRequest) -> None:
    bundle = Bundle.load(request.getfixturevalue(f"{folder}_folder"))
    texts, images = TextEncoder(bundle), ImageEncoder(bundle)
    alone = np.concatenate([texts.encode([text]) for text in clip.TEXTS])
    np.testing.assert_allclose(texts.encode(clip.TEXTS, batch_size=3), alone, atol=_ALIKE)
    pictures = clip.photos()
    alone = np.concatenate([images.encode([picture]) for picture in pictures])
    np.testing.assert_allclose(images.encode(pictures, batch_size=4), alone, atol=_ALIKE)


@pytest.mark.parametrize("folder", ["clip", "siglip", "chinese", "immich", "rclip", "chinese_own"])
def test_a_folder_verifies_and_has_a_fingerprint(folder: str, request: pytest.FixtureRequest) -> None:
    bundle = Bundle.load(request.getfixturevalue(f"{folder}_folder"))
    verify_bundle(bundle)
    assert len(bundle.fingerprint) == 64
