"""The tab with near-duplicates, in sessions without a browser."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from photoseek import Gallery, Searcher

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photoseek.page import duplicates_job as jobs

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


@pytest.fixture
def copied(gallery: Gallery) -> Gallery:
    """The 24 photos, with a copy of each red one at another size or place."""
    root = gallery.photos.root
    for number in range(4):
        shutil.copy(root / f"red/red-{number}.png", root / f"copy-{number}.png")
    with Image.open(root / "red/red-0.png") as image:
        image.resize((96, 72), Image.Resampling.NEAREST).save(root / "large.png")
    gallery.index()
    return gallery


def test_groups_have_the_largest_photo_first_and_are_found_once(copied: Gallery) -> None:
    snapshot = Searcher(copied).snapshot
    job = jobs.duplicates_job(snapshot)
    assert job.wait(60)
    assert job.share == 1.0
    assert jobs.duplicates_job(Searcher(copied).snapshot) is job
    paths = {photo: path for path, photo in copied.database.query("SELECT path, id FROM photos")}
    groups = [[paths[photo] for photo in group] for group in job.groups or []]
    assert sorted(map(len, groups), reverse=True) == [len(group) for group in groups]
    of = next(group for group in groups if "large.png" in group)
    assert of[0] == "large.png"
    assert {"red/red-0.png", "copy-0.png"} <= set(of)
    copied.photos.root.joinpath("large.png").unlink()
    copied.index()
    assert jobs.duplicates_job(Searcher(copied).snapshot) is not job


def test_the_tab_shows_every_group_with_all_of_its_photos(
    page: AppTest, rendered: dict[str, Any], copied: Gallery
) -> None:
    jobs.duplicates_job(Searcher(copied).snapshot).wait(60)
    page.session_state["view"] = "duplicates"
    page.run()
    assert not page.exception
    first = rendered["cards"]["cards"][0]
    assert first["expanded"]
    assert first["section"] == f"{len(first['duplicates']) + 1} photos"
    shown = {card["path"] for head in rendered["cards"]["cards"] for card in (head, *head["duplicates"])}
    assert {"large.png", "copy-1.png", "red/red-1.png"} <= shown


def test_an_error_is_logged_and_tried_again(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("too many photos")

    snapshot = Searcher(gallery).snapshot
    monkeypatch.setattr(jobs, "find_near_duplicates", fail)
    job = jobs.duplicates_job(snapshot)
    assert job.wait(60)
    assert (job.groups, job.failed) == (None, True)
    assert "too many photos" in caplog.text
    monkeypatch.undo()
    again = jobs.duplicates_job(snapshot)
    assert again is not job
    assert again.wait(60)
    assert again.groups is not None
