"""Any text typed as the folder of a gallery: a sentence or a gallery, never a traceback on the page or in the log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photoseek import Gallery
from photoseek.page import index_job, launch
from torture import rounds

pytest.importorskip("streamlit", reason="streamlit is not installed")
from streamlit.testing.v1 import AppTest

FOLDERS = [
    "a" * 5000,
    "/" + "a/" * 3000,
    "a\0b",
    "\0",
    "~\0",
    "~nobody-here/x",
    "a\nb",
    "/etc/passwd",
    "/etc/passwd/x",
    "/",
]


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The log; afterwards nothing in it is an error."""
    yield caplog
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture
def page(gallery: Gallery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AppTest]:
    from photoseek.page import components, open_galleries

    monkeypatch.setattr(components, "register_component", lambda *_, **__: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(gallery.path))
    open_galleries._open.clear()
    page = AppTest.from_file(str(Path(launch.__file__).with_name("script.py")), default_timeout=60).run()
    yield page
    assert not page.exception
    assert "not foreseen" not in text_of(page)


def text_of(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def is_answered(page: AppTest) -> bool:
    text = text_of(page)
    return not page.exception and "not foreseen" not in text and ("ps-notice" in text or "ps-found" in text)


@pytest.mark.parametrize("folder", ["a" * 5000, "/" + "a/" * 3000, "~\0", "~nobody-here/x"])
def test_a_bad_folder_gets_a_sentence(page: AppTest, folder: str) -> None:
    page.text_input(key="gallery").set_value(folder).run()
    assert is_answered(page)
    assert "No gallery here" in text_of(page) or "Choose a gallery" in text_of(page)
    assert len(text_of(page)) < 5000


@settings(
    max_examples=rounds(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(folder=st.one_of(st.text(), st.text(st.sampled_from("/~.\0\n é")), st.sampled_from(FOLDERS)))
def test_any_text_as_a_folder_gets_a_message_or_a_gallery(page: AppTest, folder: str) -> None:
    page.text_input(key="gallery").set_value(folder).run()
    assert is_answered(page)


def test_the_folder_of_an_unknown_user_cannot_be_indexed_and_the_reason_is_one_sentence() -> None:
    job = index_job.start("~nobody-here/x", "demo")
    assert job.wait(60)
    assert job.problem is not None
    assert "no such folder" in job.problem


def test_a_folder_that_cannot_be_written_is_reported_without_a_traceback(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, os.strerror(13), str(photos / ".photoseek"))

    monkeypatch.setattr(Path, "mkdir", refuse)
    job = index_job.start(str(photos), "demo")
    assert job.wait(60)
    assert job.problem is not None
    assert job.problem.endswith("Permission denied")
