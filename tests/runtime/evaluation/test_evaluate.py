"""Recall of a bundle on captioned images: which images are used, and which input is rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle
from photoseek.errors import CaptionFileError, PhotoError
from photoseek.evaluation.evaluate import encode_captioned
from tiny_bundle import COLORS
from tiny_photos import write_color


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    """Two images with correct captions, and one with a wrong caption."""
    for name in ("red", "green", "blue"):
        write_color(tmp_path / "images" / f"{name}.png", COLORS[name])
    file = tmp_path / "captions.token"
    file.write_text("red.png#0\ta red picture\ngreen.png#0\ta green picture\nblue.png#0\ta red picture\n")
    return file


def test_a_wrong_caption_lowers_the_recall(captions: Path, tiny_bundle: Bundle) -> None:
    found = encode_captioned(tiny_bundle, captions.parent / "images", captions).evaluate()
    # the third caption ranks red.png first; red.png and blue.png share the best-scoring sentence
    assert found.metrics.text_to_image.r1 == pytest.approx(200 / 3)
    assert found.metrics.images == found.metrics.captions == 3
    assert found.precision == "fp32"


def test_only_images_of_the_split_are_used(captions: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "split.txt").write_text("green.png\nred.png\n")
    calls: list[tuple[int, int]] = []
    found = encode_captioned(
        tiny_bundle,
        captions.parent / "images",
        captions,
        tmp_path / "split.txt",
        progress=lambda done, total: calls.append((done, total)),
    ).evaluate()
    assert found.metrics.rsum == 600.0
    assert calls == [(2, 2)]


def test_an_image_without_a_file_is_named(captions: Path, tiny_bundle: Bundle) -> None:
    (captions.parent / "images" / "green.png").unlink()
    with pytest.raises(CaptionFileError, match=r"captions\.token: unknown image 'green\.png'.*1 of 3 are missing"):
        encode_captioned(tiny_bundle, captions.parent / "images", captions).evaluate()


def test_a_broken_image_is_named(captions: Path, tiny_bundle: Bundle) -> None:
    (captions.parent / "images" / "green.png").write_bytes(b"nothing")
    with pytest.raises(PhotoError, match=r"green\.png: not a photo"):
        encode_captioned(tiny_bundle, captions.parent / "images", captions).evaluate()
