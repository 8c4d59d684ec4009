"""Calibration of a bundle on disk, each text tower with captions in its language."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import CaptionFileError
from photoseek.evaluation.calibration_fit import calibrate_bundle
from tiny_bundle import CHINESE, COLORS, write_tiny_bundle


@pytest.fixture
def captions(photos: Path) -> tuple[Path, Path]:
    """A file in English and one in Chinese: the first photo of each color."""
    english, chinese = photos / "en.token", photos / "zh.token"
    english.write_text("".join(f"{name}/{name}-0.png#0\ta {name} picture\n" for name in COLORS), "utf-8")
    chinese.write_text(
        "".join(f"{name}/{name}-0.png#0\t{word}色的图\n" for name, word in zip(COLORS, CHINESE, strict=True)), "utf-8"
    )
    return english, chinese


def test_each_tower_is_calibrated_with_captions_in_its_language(
    tmp_path: Path, photos: Path, captions: tuple[Path, Path]
) -> None:
    path = write_tiny_bundle(tmp_path / "both", chinese=True)
    fingerprint = Bundle.load(path).fingerprint
    found = calibrate_bundle(Bundle.load(path), photos, captions)
    assert set(found) == {"fp32", "fp32 zh"}
    again = Bundle.load(path)
    again.verify()
    assert again.fingerprint == fingerprint
    assert again.manifest.precisions["fp32"]["confidence"] == found["fp32"].to_json()
    assert again.manifest.text_towers["zh"].precisions["fp32"]["confidence"] == found["fp32 zh"].to_json()
    gallery = Gallery.create(photos, again)
    gallery.index()
    for text in ("a red picture", "红色的图"):
        right, *_, wrong = Searcher(gallery).search(text, k=24)
        assert right.confidence is not None
        assert wrong.confidence is not None
        assert right.confidence > 0.5 > wrong.confidence
        assert wrong.low_confidence


def test_captions_of_missing_photos_are_rejected_without_changes(tmp_path: Path, photos: Path) -> None:
    path = write_tiny_bundle(tmp_path / "plain")
    file = tmp_path / "captions.token"
    file.write_text("none.png#0\ta red picture\n", "utf-8")
    with pytest.raises(CaptionFileError, match=r"unknown image 'none\.png'"):
        calibrate_bundle(Bundle.load(path), photos, [file])
    assert "confidence" not in Bundle.load(path).manifest.precisions["fp32"]
