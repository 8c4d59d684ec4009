"""Changes of albums by the page: who may make them, and what is answered."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photo_answers import Answer
from photoseek import Gallery
from photoseek.errors import GalleryError
from photoseek.gallery.albums import FAVORITES, Albums

if TYPE_CHECKING:
    from photo_answers import Album


def change(album: Album, /, **content: Any) -> Any:
    """Send a change, and return the answer's content."""
    return json.loads(Answer(f"/{album.files.root}albums", "POST", content=content).body)


def test_photos_are_added_to_albums_and_removed(album: Album, gallery: Gallery) -> None:
    first, second = album.ids["red/red-0.png"], album.ids["blue/blue-0.png"]
    assert json.loads(Answer(f"/{album.files.root}albums").body) == {"albums": [], "favorites": []}
    assert change(album, album="Trip", photos=[first, second], action="add")["changed"] == 2
    answer = change(album, album=None, photos=[second, first, second], action="add")
    assert answer == {
        "changed": 2,
        "albums": [
            {"name": FAVORITES, "photos": 2, "favorite": True},
            {"name": "Trip", "photos": 2, "favorite": False},
        ],
        "favorites": [second, first],
    }
    assert change(album, album=None, photos=[second], action="remove")["favorites"] == [first]
    assert list(gallery.albums.photos("Trip").values()) == ["red/red-0.png", "blue/blue-0.png"]


def test_a_removal_is_undone_once_and_again(album: Album, gallery: Gallery) -> None:
    order = ["red/red-2.png", "red/red-0.png", "blue/blue-0.png"]
    gallery.albums.add("Trip", order)
    removed = change(album, album="Trip", photos=[album.ids[order[0]], album.ids[order[1]]], action="remove")
    assert list(gallery.albums.photos("Trip").values()) == order[2:]
    for _ in range(2):
        answer = change(album, action="undo", undo=removed["undo"])
        assert answer["album"] == "Trip"
        assert list(gallery.albums.photos("Trip").values()) == order
    assert Answer(f"/{album.files.root}albums", "POST", content={"action": "undo", "undo": "x"}).status == 400


def test_paths_and_a_download_of_an_album(album: Album, shared: Album, gallery: Gallery) -> None:
    order = ["red/red-2.png", "blue/blue-0.png"]
    gallery.albums.add("Trip", order)
    content = {"album": "Trip"}
    answer = json.loads(Answer(f"/{album.files.root}paths", "POST", content=content).body)
    assert answer == {"paths": [str(gallery.photos.root / path) for path in order]}
    url = json.loads(Answer(f"/{album.files.root}zip", "POST", content=content).body)["url"]
    with zipfile.ZipFile(io.BytesIO(Answer(f"/{url}").body)) as archive:
        assert archive.namelist() == ["red-2.png", "blue-0.png"]
    for action in ("paths", "zip"):
        assert Answer(f"/{shared.files.root}{action}", "POST", content=content).status == 400
        assert Answer(f"/{album.files.root}{action}", "POST", content=content, forwarded="for=1").status in (400, 404)
    assert Answer(f"/{album.files.root}paths").status == 404


def test_photos_that_left_the_gallery_are_ignored(album: Album) -> None:
    assert change(album, album="Trip", photos=[10**6, album.ids["red/red-0.png"]], action="add")["changed"] == 1


def test_visitors_can_neither_read_nor_change_albums(album: Album, shared: Album, gallery: Gallery) -> None:
    gallery.albums.add("Gifts for Anna", ["red/red-0.png"])
    content = {"album": "Gifts for Anna", "photos": [1], "action": "remove"}
    for files, headers in ((shared, {}), (album, {"x_forwarded_for": "10.0.0.1"}), (album, {"forwarded": "for=1"})):
        for method, sent in (("GET", None), ("POST", content)):
            answer = Answer(f"/{files.files.root}albums", method, content=sent, **headers)
            assert answer.status in (400, 404)
            assert b"Anna" not in answer.body
    assert len(gallery.albums.photos("Gifts for Anna")) == 1


@pytest.mark.parametrize(
    "content",
    [
        {"album": "Trip", "photos": [1]},
        {"album": "Trip", "photos": [1], "action": "delete"},
        {"album": 5, "photos": [1], "action": "add"},
        {"album": "Trip", "photos": "1", "action": "add"},
    ],
)
def test_a_change_that_the_page_never_sends_is_refused(album: Album, gallery: Gallery, content: Any) -> None:
    answer = Answer(f"/{album.files.root}albums", "POST", content=content)
    assert (answer.status, str(answer.reason)[:8]) == (400, "expected")
    assert gallery.albums.list() == []


def test_an_invalid_name_and_a_read_only_gallery_are_reasons(album: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"album": " ", "photos": [1], "action": "add"}
    assert "expected the name of an album" in change(album, **content)["reason"]

    def refuse(*_: object) -> int:
        raise GalleryError("/photos/.photoseek: expected a folder that you can write")

    monkeypatch.setattr(Albums, "add", refuse)
    assert "expected a folder that you can write" in change(album, **{**content, "album": "Trip"})["reason"]


def test_albums_change_only_by_requests_that_browsers_do_not_send_from_other_sites(
    album: Album, gallery: Gallery
) -> None:
    content = {"album": "Trip", "photos": [1], "action": "add"}
    answer = Answer(f"/{album.files.root}albums", "POST", content=content, content_type="text/plain")
    assert answer.status == 400
    assert Answer(f"/{album.files.root}albums", "PUT", content=content).status == 404
    assert gallery.albums.list() == []
