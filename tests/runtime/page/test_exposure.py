"""The page if other computers can reach it: only the operator's gallery, and no path of the server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from page_sessions import text_of
from photoseek import Bundle, Gallery
from photoseek.captions import Caption
from photoseek.page import launch
from tiny_photos import write_color

pytest.importorskip("streamlit", reason="streamlit is not installed")
import streamlit

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

_PATH = re.compile(r"(?<![\w.<:-])/\w")


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that listens on every interface."""
    option = streamlit.get_option
    monkeypatch.setattr(streamlit, "get_option", lambda name: "0.0.0.0" if name == "server.address" else option(name))


@pytest.fixture
def other(tmp_path: Path, tiny_bundle: Bundle) -> Path:
    """Another gallery on the server that no visitor may see."""
    write_color(tmp_path / "private" / "salary.png", (200, 10, 10))
    Gallery.create(tmp_path / "private", tiny_bundle).index()
    return tmp_path / "private"


def everything(page: AppTest, rendered: dict[str, Any]) -> str:
    """Return all data sent to a visitor: elements, data of components, and the address."""
    return "\n".join(
        [str(element.proto) for element in page.main]
        + [str(element.proto) for element in page.sidebar]
        + [str(rendered), str(dict(page.query_params))]
    )


def test_visitors_have_no_gallery_field_no_recent_galleries_and_no_indexing(page: AppTest, other: Path) -> None:
    from photoseek.page.recent_galleries import recent_galleries, remember

    remember(str(other))
    page.run()
    assert "24" in text_of(page)
    assert "Gallery folder" not in [field.label for field in page.text_input]
    assert "Recent galleries" not in [field.label for field in page.selectbox]
    assert "Index this folder" not in [button.label for button in page.button]
    assert "available on the computer that shares this page" in text_of(page)
    assert recent_galleries() == [str(other)]


def test_neither_address_nor_session_can_select_another_gallery(
    page: AppTest, rendered: dict[str, Any], other: Path
) -> None:
    for name in ("gallery", "gallery-field", "photos", "bundle", "recent"):
        page.query_params[name] = page.session_state[name] = str(other)
    page.query_params.update({"q": "red", "k": "50"})
    page.run()
    assert not page.exception
    assert "salary" not in everything(page, rendered)
    assert "24 photos searched" in text_of(page)


def test_the_key_of_another_gallery_in_the_address_is_ignored(
    page: AppTest, rendered: dict[str, Any], other: Path
) -> None:
    from photoseek.page.recent_galleries import gallery_key, remember

    remember(str(other))
    page.query_params.update({"q": "red", "gallery": gallery_key(str(other))})
    page.run()
    assert "salary" not in everything(page, rendered)
    assert "24 photos searched" in text_of(page)
    assert list(page.query_params) == ["q"]


def test_no_path_of_the_server_is_sent(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, tmp_path: Path
) -> None:
    gallery.add_captions([Caption("red/red-0.png", 0, "a red picture")])
    page.query_params.update({"q": "red", "k": "50"})
    page.run()
    sent = everything(page, rendered)
    assert "red/red-0.png" in sent
    assert not [place for place in (str(tmp_path), str(gallery.path), str(Path.home())) if place in sent]
    assert "a red picture" in sent
    assert {card["file"] for card in rendered["cards"]["cards"]} == {None}


def test_paths_are_shown_on_this_computer(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamlit, "get_option", lambda _: "127.0.0.1")
    page.query_params.update({"q": "red"})
    page.run()
    files = {card["path"]: card["file"] for card in rendered["cards"]["cards"]}
    assert files
    assert all(file == str(gallery.photos.root / path) for path, file in files.items())


def break_vectors(gallery: Gallery) -> None:
    next(gallery.path.rglob("vectors.npy")).write_bytes(b"")


def break_database(gallery: Gallery) -> None:
    (gallery.path / "gallery.sqlite").write_bytes(b"no database" * 1000)


def remove_gallery(gallery: Gallery) -> None:
    (gallery.path / "gallery.sqlite").unlink()


@pytest.mark.parametrize("damage", [break_vectors, break_database, remove_gallery])
def test_errors_contain_no_path_and_no_command_but_the_log_does(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, caplog: pytest.LogCaptureFixture, damage: Any
) -> None:
    root = str(gallery.photos.root)
    damage(gallery)
    gallery.close()
    page.query_params["q"] = "red"
    page.run()
    sent = everything(page, rendered)
    assert root not in sent
    assert not _PATH.search(text_of(page))
    assert "photoseek index" not in sent
    if damage is not remove_gallery:
        assert "See the server log for details" in text_of(page)
        assert str(gallery.path) in caplog.text


def test_the_message_for_an_empty_gallery_contains_no_path(
    page: AppTest, rendered: dict[str, Any], tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    Gallery.create(tmp_path / "empty", tiny_bundle).index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(tmp_path / "empty"))
    page.run()
    assert "Nothing to search yet" in text_of(page)
    assert str(tmp_path) not in everything(page, rendered)


def test_requests_through_a_proxy_to_loopback_are_from_visitors(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    from photoseek.page import exposure

    monkeypatch.setattr(streamlit, "get_option", lambda _: "127.0.0.1")
    assert "Gallery folder" in [field.label for field in page.run().text_input]

    class Context:
        headers = {"X-Forwarded-For": "192.0.2.7"}  # noqa: RUF012
        locale = "en"

    monkeypatch.setattr(exposure.st, "context", Context())
    assert "Gallery folder" not in [field.label for field in page.run().text_input]


@pytest.mark.parametrize(
    "message",
    ["/home/you/Photos: damaged", "cannot read '/srv/a'", "see ~/Photos", "at s3://bucket/a", "C:\\photos", "(/etc/x)"],
)
def test_a_message_with_a_path_is_replaced(message: str) -> None:
    from photoseek.page.exposure import public

    assert public(message) == "See the server log for details."


@pytest.mark.parametrize(
    "message", ["expected a date like 2024", "his/her", "red/red-0.png cannot be decoded", "../a.png"]
)
def test_other_messages_are_shown(message: str) -> None:
    from photoseek.page.exposure import public

    assert public(message) == message


def test_the_script_without_the_gate_shows_no_photos(
    page: AppTest, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from photoseek.page import app

    monkeypatch.setattr(app, "is_gated", lambda: False)
    page.query_params["q"] = "red"
    page.run()
    assert "Start the page with photoseek app" in text_of(page)
    assert "cards" not in rendered
    assert not page.text_input
