"""Any text typed as a gallery folder shows a message or a gallery, and never a traceback on the page or in the log."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from page_sessions import text_of
from photoseek.page import index_job
from torture import rounds

pytest.importorskip("streamlit", reason="streamlit is not installed")

if TYPE_CHECKING:
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
    """Expect no error in the log."""
    yield caplog
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def is_answered(page: AppTest) -> bool:
    text = text_of(page)
    return not page.exception and "Unexpected error" not in text and ("ps-notice" in text or "ps-found" in text)


@pytest.mark.parametrize("folder", ["a" * 5000, "/" + "a/" * 3000, "~\0", "~nobody-here/x"])
def test_an_invalid_folder_is_reported(page: AppTest, folder: str) -> None:
    page.run().text_input(key="gallery").set_value(folder).run()
    assert is_answered(page)
    assert "No such folder" in text_of(page) or "Choose a folder of photos" in text_of(page)
    assert len(re.sub("<style>.*?</style>", "", text_of(page), flags=re.DOTALL)) < 5000


@settings(
    max_examples=rounds(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(folder=st.one_of(st.text(), st.text(st.sampled_from("/~.\0\n é")), st.sampled_from(FOLDERS)))
def test_any_text_as_a_folder_shows_a_message_or_a_gallery(page: AppTest, folder: str) -> None:
    page.run().text_input(key="gallery").set_value(folder).run()
    assert is_answered(page)


def test_indexing_the_folder_of_an_unknown_user_fails_with_a_reason() -> None:
    job = index_job.start("~nobody-here/x", "demo")
    assert job.wait(60)
    assert job.error is not None
    assert "no such folder" in job.error


def test_a_read_only_folder_is_reported_without_a_traceback(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, os.strerror(13), str(photos / ".photoseek"))

    monkeypatch.setattr(Path, "mkdir", refuse)
    job = index_job.start(str(photos), "demo")
    assert job.wait(60)
    assert job.error is not None
    assert job.error.endswith("Permission denied")
