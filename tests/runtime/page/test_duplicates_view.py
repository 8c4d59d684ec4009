"""The tab with near-duplicates, in sessions without a browser."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from photoseek import Gallery, Searcher
from tiny_bundle import COLORS
from tiny_photos import write_pattern

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photoseek.page import duplicates_job as jobs
from photoseek.page.thumbnail_cache import ThumbnailCache

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


@pytest.fixture
def copied(gallery: Gallery) -> Gallery:
    """The 24 photos, a copy of each red one at another place, and another red one at four sizes."""
    root = gallery.photos.root
    for number in range(4):
        shutil.copy(root / f"red/red-{number}.png", root / f"copy-{number}.png")
    for size, name in ((480, "large"), (320, "red/medium"), (240, "small"), (160, "tiny")):
        write_pattern(root / f"{name}.png", size, COLORS["red"])
    gallery.index()
    return gallery


def opened(gallery: Gallery) -> Any:
    """Return what the job needs of an open gallery."""
    return SimpleNamespace(searcher=Searcher(gallery), thumbnails=ThumbnailCache(gallery.path))


def test_groups_have_the_largest_photo_first_and_are_found_once(copied: Gallery) -> None:
    job = jobs.duplicates_job(opened(copied))
    assert job.wait(60)
    assert job.share == 1.0
    assert jobs.duplicates_job(opened(copied)) is job
    paths = {photo: path for path, photo in copied.database.query("SELECT path, id FROM photos")}
    groups = [[paths[photo] for photo in group] for group in job.groups or []]
    assert sorted(map(len, groups), reverse=True) == [len(group) for group in groups]
    of = next(group for group in groups if "large.png" in group)
    assert of[0] == "large.png"
    assert of == ["large.png", "red/medium.png", "small.png", "tiny.png"]
    assert {"red/red-0.png", "copy-0.png"} in map(set, groups)
    copied.photos.root.joinpath("large.png").unlink()
    copied.index()
    assert jobs.duplicates_job(opened(copied)) is not job


def test_the_tab_shows_every_group_with_all_of_its_photos(
    page: AppTest, rendered: dict[str, Any], copied: Gallery
) -> None:
    jobs.duplicates_job(opened(copied)).wait(60)
    page.session_state["view"] = "duplicates"
    page.run()
    assert not page.exception
    first = rendered["cards"]["cards"][0]
    assert first["expanded"]
    assert first["section"] == f"{len(first['duplicates']) + 1} photos"
    shown = {card["path"] for head in rendered["cards"]["cards"] for card in (head, *head["duplicates"])}
    assert {"large.png", "copy-1.png", "red/red-1.png"} <= shown


def test_sizes_folders_and_the_smaller_copies_are_named(
    page: AppTest, rendered: dict[str, Any], copied: Gallery
) -> None:
    jobs.duplicates_job(opened(copied)).wait(60)
    page.session_state["view"] = "duplicates"
    page.run()
    data = rendered["cards"]
    heads = data["cards"]
    large = next(head for head in heads if head["path"] == "large.png")
    assert large["detail"] == "Largest · 480 × 360 · /"
    others = {card["path"]: card["detail"] for card in large["duplicates"]}
    assert others["red/medium.png"] == "320 × 240 · red"
    assert [bool(head["more"]) for head in heads] == [len(head["duplicates"]) > 2 for head in heads]
    copies = [card for head in heads for card in head["duplicates"]]
    assert [card["base"] for card in data["copies"]["cards"]] == [card["base"] for card in copies]
    assert data["copies"]["label"] == f"Select the smaller copies ({len(copies)})"
    assert [card["file"] for card in data["copies"]["cards"]] == [card["file"] for card in copies]


def test_of_equally_large_photos_the_largest_file_is_first(copied: Gallery) -> None:
    root = copied.photos.root
    with Image.open(root / "large.png") as image:
        image.save(root / "a-small-file.jpg", quality=60)
    copied.index()
    job = jobs.duplicates_job(opened(copied))
    assert job.wait(60)
    paths = {photo: path for path, photo in copied.database.query("SELECT path, id FROM photos")}
    group = next(group for group in job.groups or [] if "a-small-file.jpg" in [paths[photo] for photo in group])
    assert [paths[photo] for photo in group][:2] == ["large.png", "a-small-file.jpg"]
    assert (root / "large.png").stat().st_size > (root / "a-small-file.jpg").stat().st_size


def test_an_error_is_logged_and_tried_again(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("too many photos")

    monkeypatch.setattr(jobs, "find_near_duplicates", fail)
    job = jobs.duplicates_job(opened(gallery))
    assert job.wait(60)
    assert (job.groups, job.failed) == (None, True)
    assert "too many photos" in caplog.text
    monkeypatch.undo()
    again = jobs.duplicates_job(opened(gallery))
    assert again is not job
    assert again.wait(60)
    assert again.groups is not None
