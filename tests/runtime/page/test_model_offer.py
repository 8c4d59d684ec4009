"""The offer of a larger model: where it is drawn, its button, its progress, the switch, and errors."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hub_server import Hub
from page_sessions import colors, new_session, text_of
from photoseek import Bundle, Gallery
from photoseek.bundle.installed_models import RECORD
from photoseek.demo.gallery import picture_names
from photoseek.errors import ModelUnavailable
from photoseek.gallery.indexing.report import IndexReport, Progress
from photoseek.models.model_folder import remove_model
from photoseek.models.recommendation import recommended_model
from photoseek.page import index_job, launch
from photoseek.page.model_job import ModelJob
from tiny_bundle import write_tiny_bundle

pytest.importorskip("streamlit", reason="streamlit is not installed")
import streamlit

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

SECONDS = 120
MODEL = recommended_model("en")
OFFER = "This is the small built-in model."

pytestmark = pytest.mark.usefixtures("hub")


@pytest.fixture
def offering(small: Path, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A session over a gallery of the embedded bundle, before its first run."""
    rendered.clear()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(small))
    return new_session(q="red")


def button(page: AppTest, label: str) -> Any:
    return next(each for each in page.button if each.label == label)


@pytest.mark.parametrize(("view", "offered"), [("find", True), ("albums", False), ("describe", False)])
def test_the_offer_follows_a_search_and_no_other_tab(offering: AppTest, view: str, offered: bool) -> None:
    if view != "find":
        offering.query_params["view"] = view
    assert (OFFER in text_of(offering.run())) is offered


def test_one_click_downloads_indexes_and_switches(
    offering: AppTest, rendered: dict[str, Any], small: Path, hub: Hub
) -> None:
    offering.run()
    assert OFFER in text_of(offering)
    assert f"{MODEL.name}, a download of {MODEL.megabytes} MB from {hub.address}/{MODEL.repository}" in text_of(
        offering
    )
    assert f"license {MODEL.license}" in text_of(offering)
    assert hub.requests == []
    button(offering, "Download and index").click().run()
    job = index_job.job_of(str(small))
    assert job is not None
    assert job.wait(SECONDS)
    assert job.error is None
    rendered.clear()
    offering.run()
    assert not offering.exception
    assert OFFER not in text_of(offering)
    assert [each.value for each in offering.toast] == [
        f"{MODEL.name} now searches your photos. Choose another model under “Search with”."
    ]
    assert colors(rendered)[:4] == ["red"] * 4
    offering.run()
    assert not offering.toast
    rendered.clear()
    new_session(q="red").run()
    assert colors(rendered)[:4] == ["red"] * 4
    remove_model(MODEL.name)
    streamlit.cache_resource.clear()  # as in a new server
    rendered.clear()
    assert "Something went wrong" not in text_of(new_session(q="red").run())
    assert rendered["cards"]["cards"]


@dataclass(kw_only=True)
class FailingJob(ModelJob):
    """A job that has downloaded a quarter in a minute, and fails when ``proceed`` is set."""

    proceed: threading.Event = field(default_factory=threading.Event)
    times: Iterator[float] = field(default_factory=lambda: chain([0.0], repeat(60.0)))

    def work(self) -> IndexReport:
        self.clock = lambda: next(self.times)
        self.update(Progress("download", 0, 400_000_000))
        self.update(Progress("download", 100_000_000, 400_000_000))
        self.proceed.wait(SECONDS)
        raise ModelUnavailable("no <network>; try again to resume")


def bars(page: AppTest) -> list[str]:
    return [element.proto.text for element in page.get("progress")]


def test_progress_has_an_estimate_and_an_error_another_try(
    offering: AppTest, rendered: dict[str, Any], small: Path
) -> None:
    offering.run()
    job = FailingJob(small, MODEL.name, model=MODEL)
    index_job.begin(job)
    while job.progress is None or not job.progress.done:
        assert job.running
    offering.run()
    assert f"Setting up {MODEL.name}" in text_of(offering)
    assert bars(offering) == ["100 of 400 MB · about 3 min left"]
    assert button(offering, "Index this folder").disabled
    assert rendered["cards"]["cards"]
    job.proceed.set()
    assert job.wait(SECONDS)
    offering.run()
    assert "This did not work: no &lt;network&gt;; try again to resume" in text_of(offering)
    button(offering, "Try again").click().run()
    again = index_job.job_of(str(small))
    assert again is not None
    assert again.wait(SECONDS)
    assert again.report is not None


def test_a_stopped_job_can_be_continued(offering: AppTest, small: Path) -> None:
    job = FailingJob(small, MODEL.name, model=MODEL)
    index_job.begin(job)
    offering.run()
    button(offering, "Stop").click().run()
    assert job.stopping
    assert button(offering, "Stopping").disabled
    job.proceed.set()


def test_an_installed_model_only_has_to_index(offering: AppTest, tmp_path: Path) -> None:
    folder = tmp_path / "installed" / MODEL.name
    folder.mkdir(parents=True)
    (folder / RECORD).write_text("{}")
    offering.run()
    assert f"{MODEL.name} is installed." in text_of(offering)
    assert not button(offering, "Index with it").disabled


def test_the_offer_is_in_the_language_of_the_page(offering: AppTest) -> None:
    offering.query_params["lang"] = "zh"
    offering.run()
    assert f"{recommended_model('zh').name}，需下载 395 MB" in text_of(offering)


@pytest.mark.parametrize("reason", ["shared", "read-only", "second", "scenes"])
def test_there_is_no_offer_where_it_does_not_help(
    offering: AppTest, small: Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """Other computers reach the page, the gallery is read-only or has a second bundle, or the photos are drawn."""
    option, access = streamlit.get_option, os.access
    if reason == "shared":
        monkeypatch.setattr(
            streamlit, "get_option", lambda name: "0.0.0.0" if name == "server.address" else option(name)
        )
    elif reason == "read-only":
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
    else:
        with Gallery.open(small) as gallery:
            if reason == "second":
                gallery.bundles.add(Bundle.load(write_tiny_bundle(tmp_path / "second", seed=3)))
            else:
                shutil.copy(small / "red" / "red-0.png", small / picture_names()[0])
            gallery.index()
    offering.run()
    assert not offering.exception
    assert OFFER not in text_of(offering)
    assert "Download and index" not in [each.label for each in offering.button]
    assert hub.requests == []


def test_there_is_no_offer_for_a_gallery_of_another_bundle(page: AppTest) -> None:
    page.run()
    assert OFFER not in text_of(page)
