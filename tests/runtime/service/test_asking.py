"""Conditions, photos of the gallery, near-duplicates and sentences, over HTTP as in the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from photoseek import Gallery, Searcher
from photoseek.captions import Caption
from photoseek.gallery.filters import Filter
from photoseek.service.app import make_app
from running_service import running


@pytest.fixture
def client(gallery: Gallery) -> Iterator[httpx.Client]:
    gallery.add_captions([Caption("", number, f"a {name} picture") for number, name in enumerate(("red", "blue"))])
    with running(make_app(Searcher(gallery, mode="service"))) as client:
        yield client


def test_everything_that_can_be_asked_of_the_library_is_answered_alike(client: httpx.Client, gallery: Gallery) -> None:
    searcher = Searcher(gallery)
    for asked, options in (
        ({"text": "red + 2:blue - green"}, {}),
        ({"similar_to": "red/red-0.png"}, {"similar_to": "red/red-0.png"}),
        ({"text": "red", "folder": "blue", "type": "png"}, {"where": Filter(folder="blue", type="png")}),
        ({"text": "red", "orientation": "portrait"}, {"where": Filter(orientation="portrait")}),
        ({"text": "red", "group_duplicates": True}, {"group_duplicates": True}),
    ):
        found = client.post("/v1/search", json={**asked, "k": 24}).json()["hits"]
        expected = searcher.search(asked.get("text"), k=24, **options)  # type: ignore[arg-type]
        assert [(hit["id"], hit["rank"]) for hit in found] == [(str(hit.id), hit.rank) for hit in expected]
        duplicates = [[other["path"] for other in hit["duplicates"]] for hit in found]
        assert duplicates == [[other.path for other in hit.duplicates] for hit in expected]


def test_a_form_has_the_same_fields(client: httpx.Client, photos: Path) -> None:
    files = {"photo": (photos / "red" / "red-0.png").read_bytes()}
    found = client.post(
        "/v1/search", files=files, data={"folder": "blue", "group_duplicates": "true", "min_megapixels": "0.001"}
    )
    assert found.status_code == 200
    assert {hit["path"].split("/")[0] for hit in found.json()["hits"]} == {"blue"}


def test_a_photo_is_described(client: httpx.Client, photos: Path) -> None:
    by_path = client.post("/v1/describe", json={"similar_to": "blue/blue-1.png", "k": 1}).json()
    by_file = client.post("/v1/describe", files={"photo": (photos / "blue" / "blue-1.png").read_bytes()}).json()
    assert by_path["sentences"][0]["text"] == by_file["sentences"][0]["text"] == "a blue picture"
    assert (len(by_path["sentences"]), len(by_file["sentences"])) == (1, 2)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"text": "red", "taken_from": "May"}, "taken_from"),
        ({"text": "red", "taken_from": "2024-13"}, "taken_from: expected a date"),
        ({"text": "red", "orientation": "tilted"}, "orientation"),
        ({"text": "red", "type": "exe"}, "type: expected one of"),
        ({"text": "dog +"}, "expected words after"),
        ({"similar_to": "none.png"}, "no photo 'none.png' in this gallery"),
        ({}, "an empty query"),
    ],
)
def test_what_cannot_be_asked_is_refused(client: httpx.Client, asked: dict[str, str], message: str) -> None:
    answer = client.post("/v1/search", json=asked)
    assert answer.status_code == 422
    assert message in answer.json()["error"]["message"]
