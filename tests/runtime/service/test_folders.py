"""The folders of the gallery over HTTP."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx

from photoseek import Bundle, Gallery, Searcher
from photoseek.gallery.database.folders import list_folders
from photoseek.service.app import make_app
from running_service import running


def searched(client: httpx.Client, folder: str) -> int:
    """Return the number of photos that a search in a folder finds."""
    answer = client.post("/v1/search", json={"text": "red", "k": 100, "folder": folder})
    assert answer.status_code == 200
    return len(answer.json()["hits"])


def test_folders_have_the_numbers_of_photos_that_a_search_in_them_finds(photos: Path, tiny_bundle: Bundle) -> None:
    shutil.copytree(photos / "red", photos / "2024" / "Été" / "red")
    shutil.copy(photos / "blue" / "blue-0.png", photos / "2024" / "blue.png")
    shutil.copy(photos / "blue" / "blue-0.png", photos / "top.png")
    (photos / "empty").mkdir()
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    with running(make_app(Searcher(gallery, mode="service"))) as client:
        answer = client.get("/v1/folders").json()
        found = {folder["path"]: folder["photos"] for folder in answer["folders"]}
        assert list(found) == list_folders(gallery.database)
        assert (found["2024"], found["2024/Été"], found["2024/Été/red"]) == (5, 4, 4)
        assert found == {path: searched(client, path) for path in found}
        assert (answer["photos"], answer["generation"]) == (24 + 6, "000001")
        (photos / "2024" / "blue.png").unlink()
        gallery.index()
        answer = client.get("/v1/folders").json()
        assert (answer["folders"][0], answer["generation"]) == ({"path": "2024", "photos": 4}, "000002")


def test_a_gallery_without_photos_has_no_folders_yet(photos: Path, tiny_bundle: Bundle) -> None:
    with running(make_app(Searcher(Gallery.create(photos, tiny_bundle), mode="service"))) as client:
        answer = client.get("/v1/folders")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "gallery_empty")
