"""Filters, photos of the gallery, near-duplicates and captions over HTTP."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import ExifTags, Image

from photoseek import Gallery, Searcher
from photoseek.captions import Caption
from photoseek.gallery.filters import Filter
from photoseek.service.app import make_app
from running_service import running


@pytest.fixture(scope="module")
def photos(indexed_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Indexed photos with captions, of which two name a camera, shared by all tests."""
    folder = shutil.copytree(indexed_photos, tmp_path_factory.mktemp("captioned") / "photos")
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Apple", "iPhone 12"
    for name in ("white", "yellow"):
        with Image.open(folder / name / f"{name}-3.png") as image:
            image.save(folder / name / f"{name}-3.png", exif=exif)
    with Gallery.open(folder) as gallery:
        gallery.index()
        gallery.add_captions([Caption("", number, f"a {name} picture") for number, name in enumerate(("red", "blue"))])
    return folder


@pytest.fixture(scope="module")
def client(photos: Path) -> Iterator[httpx.Client]:
    with running(make_app(Searcher(Gallery.open(photos), mode="service"))) as client:
        yield client


def test_every_kind_of_query_has_the_hits_of_the_library(client: httpx.Client, photos: Path) -> None:
    searcher = Searcher(Gallery.open(photos))
    for fields, options in (
        ({"text": "red + 2:blue - green"}, {}),
        ({"similar_to": "red/red-0.png"}, {"similar_to": "red/red-0.png"}),
        ({"text": "red", "folder": "blue", "type": "png"}, {"where": Filter(folder="blue", type="png")}),
        ({"text": "red", "orientation": "portrait"}, {"where": Filter(orientation="portrait")}),
        ({"text": "red", "camera": "APPLE iphone 12"}, {"where": Filter(camera="Apple iPhone 12")}),
        ({"text": "red", "group_duplicates": True}, {"group_duplicates": True}),
    ):
        found = client.post("/v1/search", json={**fields, "k": 24}).json()["hits"]
        expected = searcher.search(fields.get("text"), k=24, **options)  # type: ignore[arg-type]
        assert [(hit["id"], hit["rank"]) for hit in found] == [(hit.id, hit.rank) for hit in expected]
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
    photo = base64.b64encode((photos / "blue" / "blue-1.png").read_bytes()).decode()
    assert client.post("/v1/describe", json={"photo": photo}).json() == by_file
    assert by_path["sentences"][0]["text"] == by_file["sentences"][0]["text"] == "a blue picture"
    assert (len(by_path["sentences"]), len(by_file["sentences"])) == (1, 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": "red", "taken_from": "May"}, "taken_from"),
        ({"text": "red", "taken_from": "2024-13"}, "taken_from: expected a date"),
        ({"text": "red", "orientation": "tilted"}, "orientation"),
        ({"text": "red", "type": "exe"}, "type: expected one of"),
        ({"text": "red", "camera": ""}, "camera: expected the name of a camera"),
        ({"text": "red", "camera": "iPhone"}, "camera: expected a camera of this gallery, found 'iPhone'; it has 'App"),
        ({"text": "dog +"}, "expected words after"),
        ({"similar_to": "none.png"}, "no photo 'none.png' in this gallery"),
        ({}, "an empty query"),
    ],
)
def test_an_invalid_query_or_filter_is_refused(client: httpx.Client, fields: dict[str, str], message: str) -> None:
    answer = client.post("/v1/search", json=fields)
    assert answer.status_code == 422
    assert message in answer.json()["error"]["message"]


def test_photos_of_a_camera_are_found_by_every_kind_of_request(client: httpx.Client, photos: Path) -> None:
    fields = {"text": "white", "camera": "Apple iPhone 12", "k": 24}
    photo = (photos / "white/white-3.png").read_bytes()
    answers = [
        client.post("/v1/search", json=fields).json(),
        client.get("/v1/search", params={"q": "white", "camera": "apple iphone 12", "k": 24}).json(),
        client.post("/v1/search", files={"photo": photo}, data={"text": "white", "camera": "Apple iPhone 12"}).json(),
        client.post("/v1/search/batch", json={"queries": [fields]}).json()["answers"][0],
    ]
    for answer in answers:
        found = [(hit["path"], hit["camera"]) for hit in answer["hits"]]
        assert found == [(f"{name}/{name}-3.png", "Apple iPhone 12") for name in ("white", "yellow")]
    others = client.post("/v1/search", json={"text": "red", "k": 4}).json()["hits"]
    assert not any("camera" in hit for hit in others)


def test_an_unknown_folder_is_an_error_that_names_the_closest(client: httpx.Client) -> None:
    for fields in ({"text": "red"}, {"similar_to": "red/red-0.png"}):
        answer = client.post("/v1/search", json={**fields, "folder": "Bleu"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_query")
        assert answer.json()["error"]["message"] == (
            "folder: expected a folder of this gallery, found 'Bleu'; the closest: 'blue'"
        )


def test_names_are_searched_also_only_or_never(client: httpx.Client) -> None:
    def hits(**fields: Any) -> list[dict[str, Any]]:
        answer = client.post("/v1/search", json={"k": 24, **fields})
        assert answer.status_code == 200
        return list(answer.json()["hits"])

    assert [hit["path"] for hit in hits(text="green-2.png", names="only")] == ["green/green-2.png"]
    assert {hit["matched"] for hit in hits(text="green", names="only")} == {"folder"}
    assert hits(text="zebra", names="only") == []
    mixed = hits(text="green-2.png")
    assert "green/green-2.png" in [hit["path"] for hit in mixed[:2]]
    assert [hit["path"] for hit in mixed if "matched" in hit] == ["green/green-2.png"]
    assert not any("matched" in hit for hit in hits(text="green-2.png", names="never"))
    for fields in ({"text": "red", "names": "maybe"}, {"similar_to": "red/red-0.png", "names": "only"}):
        assert client.post("/v1/search", json=fields).status_code == 422


EMPTY = dict.fromkeys(
    ("folder", "k", "offset", "language", "names", "rerank", "depth", "group_duplicates", "similar_to", "taken_from",
     "taken_to", "min_megapixels", "max_megapixels", "orientation", "type"),
    "",
)  # fmt: skip


def multipart(client: httpx.Client, path: str, fields: dict[str, str], *, file: bytes | None) -> httpx.Response:
    """Send a form as browsers do: a file field without a file has an empty name and no content."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    name = "" if file is None else "a.png"
    parts.append(f'--x\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n')
    parts.append("Content-Type: application/octet-stream\r\n\r\n")
    body = "".join(parts).encode() + (file or b"") + b"\r\n--x--\r\n"
    return client.post(path, content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})


def test_fields_of_a_form_that_are_not_filled_in_count_as_absent(client: httpx.Client, photos: Path) -> None:
    by_text = multipart(client, "/v1/search", {**EMPTY, "text": "red"}, file=None)
    assert by_text.status_code == 200, by_text.text
    assert by_text.json()["hits"] == client.post("/v1/search", json={"text": "red"}).json()["hits"]
    file = (photos / "blue" / "blue-1.png").read_bytes()
    by_photo = multipart(client, "/v1/search", {**EMPTY, "text": ""}, file=file).json()["hits"]
    assert by_photo[0]["path"] == "blue/blue-1.png"
    described = multipart(client, "/v1/describe", {"similar_to": "blue/blue-1.png", "k": ""}, file=None)
    assert described.json()["sentences"][0]["text"] == "a blue picture"
    refused = [
        multipart(client, "/v1/search", {**EMPTY, "text": ""}, file=None),
        multipart(client, "/v1/describe", {"similar_to": ""}, file=None),
        multipart(client, "/v1/embed", {}, file=None),
        multipart(client, "/v1/search", {"text": "red", "colour": ""}, file=None),
        multipart(client, "/v1/search", {"text": "red"}, file=b""),  # a chosen file that is empty
    ]
    assert [answer.status_code for answer in refused] == [422] * 5
    codes = [answer.json()["error"]["code"] for answer in refused]
    assert codes == ["invalid_query", "invalid_query", "invalid_request", "invalid_request", "unreadable_photo"]


def test_empty_fields_of_an_address_count_as_absent(client: httpx.Client) -> None:
    expected = client.get("/v1/search?q=red").json()["hits"]
    assert client.get("/v1/search", params={"q": "red", **EMPTY}).json()["hits"] == expected
    for wrong in ("q=", "q=red&colour=", "q=red&k=&k=3"):
        assert client.get(f"/v1/search?{wrong}").status_code == 422


@pytest.mark.parametrize("field", ["k", "taken_from", "min_megapixels", "photo"])
def test_an_empty_field_of_json_is_refused(client: httpx.Client, field: str) -> None:
    assert client.post("/v1/search", json={"text": "red", field: ""}).status_code == 422
