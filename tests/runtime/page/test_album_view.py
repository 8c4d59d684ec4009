"""The tab with albums, in sessions without a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from page_sessions import names, new_session, text_of
from photoseek import Gallery
from photoseek.gallery.albums import FAVORITES

pytest.importorskip("streamlit", reason="streamlit is not installed")
import streamlit

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


def test_a_link_opens_an_album_with_its_photos_newest_first(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery
) -> None:
    gallery.albums.add(FAVORITES, ["blue/blue-0.png"])
    gallery.albums.add("Trip", ["red/red-1.png", "red/red-0.png"])
    page.query_params["album"] = "Trip"
    page.run()
    assert not page.exception
    assert names(rendered) == ["red-1.png", "red-0.png"]
    assert rendered["cards"]["selection"]["album"] == "Trip"
    assert "word" not in rendered["cards"]["cards"][0]
    assert page.query_params["album"] == "Trip"


def test_without_a_known_album_the_first_one_with_photos_is_open(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery
) -> None:
    gallery.albums.create("A")
    gallery.albums.add("B", ["red/red-1.png"])
    page.query_params["album"] = "None of these"
    page.run()
    assert names(rendered) == ["red-1.png"]


def test_a_gallery_without_albums_says_how_to_make_one(page: AppTest) -> None:
    page.query_params["album"] = "Trip"
    assert "No albums yet" in text_of(page.run())


def test_a_search_neither_lists_albums_nor_names_one_in_its_address(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery
) -> None:
    gallery.albums.add("Trip", ["red/red-1.png"])
    page.query_params["q"] = "blue"
    page.run()
    assert names(rendered)[0].startswith("blue-")
    assert rendered["cards"]["selection"]["album"] is None
    assert "album" not in page.query_params


@pytest.mark.usefixtures("page")
def test_visitors_see_no_album(rendered: dict[str, Any], gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    option = streamlit.get_option
    monkeypatch.setattr(streamlit, "get_option", lambda name: "0.0.0.0" if name == "server.address" else option(name))
    gallery.albums.add("Gifts for Anna", ["red/red-1.png"])
    for query in ({"album": "Gifts for Anna"}, {"q": "red"}):
        session = new_session(**query).run()
        assert not session.exception
        assert [tab.label for tab in session.tabs] == ["Find photos", "Describe a photo"]
        assert "Anna" not in str([element.proto for element in session.main]) + str(rendered)
    assert rendered["cards"]["selection"]["albums"] is False
