"""The tab that describes a photo: tags without captions, captions from a file, and searches for a tag."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from page_sessions import new_session, text_of
from photoseek import Gallery
from photoseek.page import launch
from photoseek.search.vocabulary import vocabulary

pytest.importorskip("streamlit", reason="streamlit is not installed")
import streamlit

from photoseek.page import caption_form, describe_view
from photoseek.page.search_form import Upload

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


@pytest.fixture
def described(rendered: dict[str, Any], small: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A session that describes a photo of a gallery of the embedded bundle."""
    rendered.clear()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(small))
    monkeypatch.setattr(streamlit, "get_option", lambda _: "127.0.0.1")
    page = new_session()
    page.session_state["described"] = "red/red-0.png"
    page.session_state["view"] = "describe"
    return page.run()


def test_a_photo_is_described_without_captions(described: AppTest, rendered: dict[str, Any]) -> None:
    tags = rendered["tags"]["tags"]
    assert len(tags) == 12
    assert {tag["text"] for tag in tags} <= set(vocabulary("en"))
    scores = [float(tag["score"]) for tag in tags]
    assert scores == sorted(scores, reverse=True)
    assert tags[0]["likeness"] == 1.0
    assert all(0 <= tag["likeness"] <= 1 for tag in tags)
    assert [each.label for each in described.expander][-1] == "Describe with your own captions"
    assert not described.code
    assert 'ps-sentences"' not in text_of(described)


def test_an_upload_is_described_and_a_file_that_is_no_photo_is_reported(
    described: AppTest, rendered: dict[str, Any]
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (30, 60, 200)).save(buffer, "PNG")
    rendered.clear()
    described.session_state["described"] = Upload("mine.png", buffer.getvalue())
    described.run()
    assert rendered["described-chip"]["chips"][0]["label"] == "mine.png"
    assert rendered["tags"]["tags"]
    described.session_state["described"] = Upload("broken.png", b"no photo")
    assert "Cannot read this file as a photo" in text_of(described.run())


@pytest.mark.parametrize(
    ("tag", "found"), [("dog", True), ("狗", False), ("dog + cat", False), (None, False), (3, False)]
)
def test_only_words_of_the_vocabulary_are_searched(monkeypatch: pytest.MonkeyPatch, tag: object, found: bool) -> None:
    state: dict[str, Any] = {"lang": "en"}
    monkeypatch.setattr(streamlit, "session_state", state)
    monkeypatch.setattr(describe_view.components, "component_value", lambda *_: tag)
    describe_view._search()
    assert (state.get("q"), state.get("view")) == ((tag, "find") if found else (None, None))


def read_file(name: str, data: bytes) -> dict[str, Any]:
    """Return the state of a session that has chosen a caption file."""
    state: dict[str, Any] = {"lang": "en", "captions-turn": 0, "field": Upload(name, data)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamlit, "session_state", state)
        patch.setattr(caption_form, "is_shared", lambda: False)
        patch.setattr(Upload, "getvalue", lambda upload: upload.data, raising=False)
        caption_form._read("field")
    return state


def test_captions_of_a_file_describe_photos(described: AppTest, small: Path) -> None:
    state = read_file("mine.token", b"red/red-0.png#0\ta red picture\nblue/blue-0.png#0\ta blue picture\n")
    described.session_state["captions-to-add"] = state["captions-to-add"]
    described.run()
    assert "2 of 2 captions are new" in text_of(described)
    assert described.session_state["captions-to-add"] is None
    with Gallery.open(small) as gallery:
        assert gallery.sentences.count() == 2
    assert text_of(described).count("<meter") == 2
    assert [each.label for each in described.expander][-1] == "Add captions"


def test_a_file_without_captions_is_refused_by_its_name() -> None:
    state = read_file("notes.csv", b"a,b\n1,2\n")
    assert "captions-to-add" not in state
    assert "notes.csv" in state["captions-outcome"]
    assert "photoseek-" not in state["captions-outcome"]


def test_visitors_cannot_add_captions(described: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamlit, "get_option", lambda _: "0.0.0.0")
    described.run()
    assert "Describe with your own captions" not in [each.label for each in described.expander]
    state: dict[str, Any] = {"field": Upload("a.token", b"a.png#0\ta\n"), "captions-turn": 0}
    monkeypatch.setattr(streamlit, "session_state", state)
    monkeypatch.setattr(caption_form, "is_shared", lambda: True)
    caption_form._read("field")
    assert "captions-to-add" not in state
