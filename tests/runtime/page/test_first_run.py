"""The first run: the browser of folders, the survey of one, photos during indexing, and the outcome."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from page_sessions import new_session, text_of
from photoseek import Bundle, Gallery
from photoseek.gallery.indexing import encode
from photoseek.gallery.indexing.report import IndexReport, Progress
from photoseek.page import index_job, launch
from photoseek.page.survey_job import SurveyJob
from tiny_bundle import COLORS
from tiny_photos import write_color

pytest.importorskip("streamlit", reason="streamlit is not installed")
import streamlit

from photoseek.page import folder_browser

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

SECONDS = 60


@pytest.fixture
def first(rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """A session without a gallery, whose home folder is empty."""
    rendered.clear()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.delenv(launch.GALLERY_VARIABLE, raising=False)
    monkeypatch.setattr(streamlit, "get_option", lambda _: "127.0.0.1")
    return new_session()


def button(page: AppTest, label: str) -> Any:
    return next(each for each in page.button if each.label == label)


def surveyed(page: AppTest, folder: Path) -> AppTest:
    """Choose a folder, and wait for its survey."""
    page.run().text_input(key="gallery").set_value(str(folder)).run()
    survey: SurveyJob = page.session_state["survey"]
    assert survey.wait(SECONDS)
    return page.run()


def test_a_session_without_a_gallery_browses_the_folders(
    first: AppTest, rendered: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "home" / "Pictures" / "2024").mkdir(parents=True)
    (tmp_path / "home" / "Pictures" / "2024" / "a.jpg").touch()
    first.run()
    assert "Choose a folder of photos" in text_of(first)
    data = rendered["folders-page"]
    assert data["here"] == str(tmp_path / "home" / "Pictures")
    assert [(each["name"], each["photos"], each["indexed"]) for each in data["folders"]] == [("2024", "1 photo", False)]
    assert [each["name"] for each in data["places"]][:2] == ["Home", "Pictures"]
    assert data["crumbs"][0] == {"name": "/", "path": "/"}
    assert data["crumbs"][-1] == {"name": "Pictures", "path": data["here"]}


def test_a_missing_folder_opens_the_nearest_one(first: AppTest, rendered: dict[str, Any], gallery: Gallery) -> None:
    first.run().text_input(key="gallery").set_value(f"{gallery.photos.root}x/none").run()
    assert "No such folder" in text_of(first)
    data = rendered["folders-page"]
    assert data["here"] == str(gallery.photos.root.parent)
    assert [each["name"] for each in data["folders"] if each["indexed"]] == ["photos"]


def test_the_page_shows_the_photo_folder_of_a_gallery_and_never_the_gallery_inside_it(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, tiny_bundle: Bundle
) -> None:
    root = gallery.photos.root
    page.run()
    assert gallery.path.name == ".photoseek"
    assert page.text_input(key="gallery").value == str(root)
    page.button(key="browse").click().run()
    data = rendered["folders-dialog"]
    assert (data["here"], data["texts"]["use"]) == (str(root), "Use “photos”")
    before = [each["name"] for each in data["folders"]]
    Gallery.create(root, tiny_bundle, path=root / "vectors").close()
    page.run()
    assert [each["name"] for each in rendered["folders-dialog"]["folders"]] == before
    page.session_state["gallery"], page.session_state["browsed-folder"] = str(root / "vectors"), None
    page.run()
    assert rendered["folders-dialog"]["here"] == str(root)


def test_a_gallery_next_to_its_photos_can_be_chosen(
    first: AppTest, rendered: dict[str, Any], gallery: Gallery, tiny_bundle: Bundle
) -> None:
    root = gallery.photos.root
    Gallery.create(root, tiny_bundle, path=root.parent / "vectors").close()
    first.run().text_input(key="gallery").set_value(f"{root.parent}/none").run()
    listed = {each["name"]: each["indexed"] for each in rendered["folders-page"]["folders"]}
    assert listed["vectors"]
    assert listed["photos"]


@pytest.mark.parametrize("path", [None, 3, {"path": "/"}, "relative", "/no/such/folder", "/\0", __file__])
def test_events_without_a_folder_of_this_computer_are_ignored(monkeypatch: pytest.MonkeyPatch, path: object) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(folder_browser.st, "session_state", state)
    monkeypatch.setattr(folder_browser, "is_shared", lambda: False)
    monkeypatch.setattr(folder_browser.components, "component_value", lambda *_: path)
    folder_browser._open("key")
    folder_browser._choose("key")
    assert state == {}


def test_visitors_from_other_computers_cannot_browse(
    first: AppTest, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(streamlit, "get_option", lambda _: "0.0.0.0")
    assert "No gallery to search" in text_of(first.run())
    assert not [key for key in rendered if key.startswith("folders")]
    assert not {each.label for each in first.button} & {"Browse folders", "Or try it with 300 drawn scenes"}
    monkeypatch.setattr(folder_browser.st, "session_state", state)
    monkeypatch.setattr(folder_browser, "is_shared", lambda: True)
    monkeypatch.setattr(folder_browser.components, "component_value", lambda *_: str(tmp_path))
    folder_browser._open("key")
    folder_browser._choose("key")
    assert state == {}


def test_a_folder_is_counted_before_it_is_indexed(first: AppTest, photos: Path) -> None:
    (photos / "clip.mp4").touch()
    (photos / "broken.jpg").write_bytes(b"no photo")
    page = surveyed(first, photos)
    assert "25 photos in 7 folders" in text_of(page)
    assert "takes about" in text_of(page)
    assert [each.label for each in page.expander] == ["Left out (1)"]
    assert "Videos: 1" in text_of(page)
    button(page, "Index 25 photos").click().run()
    job = index_job.job_of(str(photos))
    assert job is not None
    assert job.wait(SECONDS)
    page.run()
    assert "Up to date: 25 photos, 24 new" in text_of(page)
    assert "1 unreadable. 1 left out." in text_of(page)
    assert "broken.jpg" in text_of(page)
    assert "cannot be searched; for example clip.mp4" in text_of(page)
    assert not page.exception
    page.button(key="retry-outcome").click().run()
    again = index_job.job_of(str(photos))
    assert again is not None
    assert again.wait(SECONDS)
    assert (again.retry, again.progress) == (True, Progress("build", 1, 1))
    assert "Up to date" in text_of(page.run())
    assert "Up to date" not in text_of(new_session().run())  # it did not watch
    page.button(key="close-outcome").click().run()
    assert "Up to date" not in text_of(page)


def test_an_outcome_stays_away_after_the_next_step(first: AppTest, photos: Path) -> None:
    page = surveyed(first, photos)
    button(page, "Index 24 photos").click().run()
    job = index_job.job_of(str(photos))
    assert job is not None
    assert job.wait(SECONDS)
    assert "Up to date: 24 photos" in text_of(page.run())
    assert "Up to date: 24 photos" in text_of(page.run())  # what happens in the background
    page.text_input(key="q-field").set_value("red").run()
    assert "Up to date" not in text_of(page)
    page.text_input(key="q-field").set_value("").run()
    assert "Up to date" not in text_of(page)


def test_a_folder_without_photos_cannot_be_indexed(first: AppTest, tmp_path: Path) -> None:
    (tmp_path / "empty" / ".hidden").mkdir(parents=True)
    page = surveyed(first, tmp_path / "empty")
    assert "No photos in this folder" in text_of(page)
    assert button(page, "Index this folder").disabled
    assert button(page, "Choose another folder")


def test_photos_appear_while_others_are_indexed(
    first: AppTest, photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(24):
        write_color(photos / f"later-{number}.png", COLORS["green"], seed=700 + number)
    monkeypatch.setattr(encode, "_FIRST", 8)
    monkeypatch.setattr(encode, "_PREVIEW_S", 0.0)
    monkeypatch.setattr(encode, "_SHARE", 0)
    steps, reached, proceed = [0, 12], threading.Event(), threading.Event()
    index = Gallery.index

    def paused(gallery: Gallery, *, progress: Any, **options: Any) -> IndexReport:
        def wait(step: Progress) -> None:
            progress(step)
            if steps and step.phase == "encode" and step.done >= steps[0]:
                steps.pop(0)
                reached.set()
                proceed.wait(SECONDS)
                proceed.clear()

        return index(gallery, progress=wait, **options)

    monkeypatch.setattr(Gallery, "index", paused)
    first.session_state["index-bundle"] = tiny_bundle.reference
    page = surveyed(first, photos)
    button(page, "Index 48 photos").click().run()
    assert reached.wait(SECONDS)
    page.run()
    assert "Photos appear here as soon as the first ones are indexed" in text_of(page)
    assert "No such folder" not in text_of(page)
    reached.clear()
    proceed.set()
    assert reached.wait(SECONDS)
    page.run().text_input(key="q-field").set_value("green").run()
    assert "photos searched" in text_of(page)
    assert button(page, "Stop")
    assert button(page, "Index this folder").disabled
    proceed.set()
    job = index_job.job_of(str(photos))
    assert job is not None
    assert job.wait(SECONDS)
    assert "48 photos searched" in text_of(page.run())
    assert not page.exception


def test_a_gallery_without_a_readable_photo_lists_why(first: AppTest, tmp_path: Path, tiny_bundle: Bundle) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_bytes(b"no photo")
    Gallery.create(tmp_path / "broken", tiny_bundle).index()
    page = surveyed(first, tmp_path / "broken")
    assert "Nothing to search yet" in text_of(page)
    assert "not a photo of a known format" in text_of(page)
    write_color(tmp_path / "broken" / "a.jpg", COLORS["red"])
    page.button(key="retry-nothing").click().run()
    job = index_job.job_of(str(tmp_path / "broken"))
    assert job is not None
    assert job.wait(SECONDS)
    assert "Search 1 photos" in text_of(page.run())


def test_a_survey_stops_when_another_folder_is_chosen(tmp_path: Path, photos: Path) -> None:
    job = SurveyJob(photos, "/no/such/bundle")
    job.stop()
    job.run()
    assert (job.survey, job.running) == (None, False)
    late = SurveyJob(photos, "/no/such/bundle").start()
    assert late.wait(SECONDS)
    assert (late.survey and late.survey.photos, late.seconds, late.error) == (24, None, None)
    missing = SurveyJob(tmp_path / "none", "demo").start()
    assert missing.wait(SECONDS)
    assert "cannot be read" in str(missing.error)
