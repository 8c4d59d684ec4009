"""A survey counts what indexing would encode and leave out, and measures how fast."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle, Gallery
from photoseek.errors import GalleryNotFound
from photoseek.gallery import survey
from photoseek.gallery.survey import FolderSurvey, measure_speed, survey_folder
from photoseek.sources.local import LocalSource


def test_a_survey_has_the_counts_of_the_report(photos: Path, tiny_bundle: Bundle) -> None:
    (photos / ".private").mkdir()
    (photos / "red" / "clip.mp4").write_bytes(b"video")
    (photos / "blue" / ".nomedia").touch()
    found = survey_folder(LocalSource(photos))
    report = Gallery.create(photos, tiny_bundle).index()
    assert (found.photos, found.folders) == (report.photos, 5) == (20, 5)
    assert (found.left_out, found.unread) == (report.left_out, report.unread)
    assert [(each.kind, each.files) for each in found.unread] == [("videos", 1)]
    assert len(found.left_out) == 2
    assert found.bytes == sum(file.stat().st_size for file in photos.glob("*/*.png") if file.parent.name != "blue")


def test_a_survey_counts_as_it_goes_and_can_be_stopped(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_STEP", 10)
    counts: list[int] = []
    survey_folder(LocalSource(photos), on_count=counts.append)
    assert counts == [0, 10, 20, 24]

    def stop(count: int) -> None:
        if count == 10:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        survey_folder(LocalSource(photos), on_count=stop)


def test_the_sample_is_from_everywhere(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_SAMPLE", 6)
    sample = survey_folder(LocalSource(photos)).sample
    assert len({photo.path.partition("/")[0] for photo in sample}) == 6
    assert len({photo.path for photo in survey_folder(LocalSource(photos)).sample}) == 6


def test_the_speed_is_measured_with_photos_of_the_folder(photos: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
    source = LocalSource(photos)
    speed = measure_speed(source, survey_folder(source).sample, tiny_bundle)
    assert speed is not None
    assert 1 < speed < 1e6
    single = survey_folder(source).sample[:1]
    assert measure_speed(source, single, tiny_bundle)
    assert measure_speed(source, (), tiny_bundle) is None
    assert survey_folder(LocalSource(tmp_path / "photos" / "red")).photos == 4
    (tmp_path / "empty").mkdir()
    assert survey_folder(LocalSource(tmp_path / "empty")) == FolderSurvey(0, 0, 0)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GalleryNotFound):
        survey_folder(LocalSource(tmp_path / "none"))
