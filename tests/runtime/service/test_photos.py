"""Photos and thumbnails by id, and that no other file is served."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from photoseek import Gallery, Searcher
from photoseek.service.app import make_app
from running_service import running
from tiny_bundle import COLORS


@pytest.fixture
def fresh(gallery: Gallery) -> Iterator[httpx.Client]:
    """A client of a service over photos that the test may change."""
    with running(make_app(Searcher(gallery, mode="service"))) as client:
        yield client


def first_red(client: httpx.Client) -> dict[str, str]:
    """Return a hit."""
    hit: dict[str, str] = client.post("/v1/search", json={"text": "red", "k": 1}).json()["hits"][0]
    return hit


def test_every_hit_leads_to_its_file(client: httpx.Client, still_photos: Path) -> None:
    for hit in client.post("/v1/search", json={"text": "red", "k": 24}).json()["hits"]:
        answer = client.get(f"/v1/photos/{hit['id']}")
        assert answer.content == (still_photos / hit["path"]).read_bytes()
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, max-age=3600"
        assert answer.headers["content-disposition"] == f'inline; filename="{Path(hit["path"]).name}"'


def test_the_type_is_that_of_the_content_and_not_of_the_name(fresh: httpx.Client, photos: Path) -> None:
    hit = first_red(fresh)
    for kind in ("JPEG", "WEBP", "GIF", "TIFF", "BMP"):
        Image.new("RGB", (30, 20), "red").save(photos / hit["path"], kind)
        assert fresh.get(f"/v1/photos/{hit['id']}").headers["content-type"] == f"image/{kind.lower()}"
    frames = [Image.new("RGB", (30, 20), color) for color in COLORS]
    frames[0].save(photos / hit["path"], "MPO", save_all=True, append_images=frames[1:])
    assert fresh.get(f"/v1/photos/{hit['id']}").headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(("query", "longest"), [("", 48), ("?side=16", 16), ("?side=1024", 48)])
def test_a_thumbnail_is_a_small_jpeg(client: httpx.Client, query: str, longest: int) -> None:
    answer = client.get(f"/v1/photos/1/thumbnail{query}")
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("JPEG", (longest, longest * 3 // 4))


@pytest.mark.parametrize("side", ["0", "15", "1025", "-1", "x", "1e2"])
def test_a_thumbnail_of_another_size_is_refused(client: httpx.Client, side: str) -> None:
    answer = client.get("/v1/photos/1/thumbnail", params={"side": side})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("path", ["", "/thumbnail"])
def test_an_unchanged_photo_is_not_sent_again(fresh: httpx.Client, photos: Path, path: str) -> None:
    hit = first_red(fresh)
    url = f"/v1/photos/{hit['id']}{path}"
    etag = fresh.get(url).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = fresh.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert fresh.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    Image.new("RGB", (30, 20), "red").save(photos / hit["path"])
    answer = fresh.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.headers["etag"] != etag) == (200, True)


def test_each_size_of_a_thumbnail_has_an_etag(client: httpx.Client) -> None:
    tags = [client.get(f"/v1/photos/1/thumbnail?side={side}").headers["etag"] for side in (16, 32)]
    assert len({*tags, client.get("/v1/photos/1").headers["etag"]}) == 3


@pytest.mark.parametrize("path", ["", "/thumbnail"])
def test_a_removed_photo_is_reported(fresh: httpx.Client, photos: Path, path: str) -> None:
    hit = first_red(fresh)
    (photos / hit["path"]).unlink()
    answer = fresh.get(f"/v1/photos/{hit['id']}{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "photo_missing")
    assert str(photos) not in answer.text


@pytest.mark.parametrize("path", ["", "/thumbnail"])
def test_an_unknown_id_is_reported(client: httpx.Client, path: str) -> None:
    for unknown in ("25", "999999999999999999"):
        answer = client.get(f"/v1/photos/{unknown}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "attempt",
    [
        "..%2f..%2f..%2fetc%2fpasswd",
        "../../../etc/passwd",
        "%2fetc%2fpasswd",
        "red/red-0.png",
        "red%2fred-0.png",
        "1/../../.photoseek/gallery.sqlite",
        "1%00",
        "-1",
        "0",
        "01",
        "1.0",
        "1e0",
        "%D9%A1",
        "9999999999999999999999",
        "1 or 1=1",
        "1/thumbnail/../../../etc/passwd",
    ],
)
def test_no_file_is_reached_by_a_path(client: httpx.Client, attempt: str) -> None:
    answer = client.get(httpx.URL(client.base_url, raw_path=f"/v1/photos/{attempt}".encode()))
    assert answer.status_code in (404, 422)
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("path", ["", "/thumbnail"])
@pytest.mark.parametrize("way", ["file", "folder"])
def test_a_link_out_of_the_photo_folder_is_not_followed(
    fresh: httpx.Client, photos: Path, tmp_path: Path, path: str, way: str
) -> None:
    hit = first_red(fresh)
    (tmp_path / "elsewhere").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "elsewhere" / Path(hit["path"]).name)
    if way == "file":
        (photos / hit["path"]).unlink()
        (photos / hit["path"]).symlink_to(tmp_path / "elsewhere" / Path(hit["path"]).name)
    else:
        (photos / "red").rename(photos / "was-red")
        (photos / "red").symlink_to(tmp_path / "elsewhere")
    answer = fresh.get(f"/v1/photos/{hit['id']}{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "photo_missing")


def test_a_link_within_the_photo_folder_is_followed(fresh: httpx.Client, photos: Path) -> None:
    hit = first_red(fresh)
    (photos / hit["path"]).unlink()
    (photos / hit["path"]).symlink_to(photos / "blue" / "blue-0.png")
    assert fresh.get(f"/v1/photos/{hit['id']}").content == (photos / "blue" / "blue-0.png").read_bytes()


@pytest.mark.parametrize("path", ["", "/thumbnail"])
@pytest.mark.parametrize("kind", ["text", "fifo", "folder", "circle"])
def test_a_file_that_is_no_longer_a_photo_is_not_served(
    fresh: httpx.Client, photos: Path, path: str, kind: str
) -> None:
    hit = first_red(fresh)
    file = photos / hit["path"]
    file.unlink()
    if kind == "text":
        file.write_text("<script>alert(1)</script>")
    elif kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to(file)
    answer = fresh.get(f"/v1/photos/{hit['id']}{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "photo_missing")
    assert "alert" not in answer.text


def test_ranges_are_ignored(client: httpx.Client) -> None:
    answer = client.get("/v1/photos/1", headers={"Range": "bytes=5-2,x"})
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "none")


@pytest.mark.parametrize("path", ["", "/thumbnail"])
@pytest.mark.parametrize("place", ["../elsewhere.png", "red/../../elsewhere.png", "ABSOLUTE", "../../../../etc/passwd"])
def test_a_path_in_a_manipulated_database_is_not_served(
    fresh: httpx.Client, photos: Path, tmp_path: Path, path: str, place: str
) -> None:
    hit = first_red(fresh)
    Image.new("RGB", (30, 20)).save(tmp_path / "elsewhere.png")
    with sqlite3.connect(photos / ".photoseek" / "gallery.sqlite") as database:
        changed = str(tmp_path / "elsewhere.png") if place == "ABSOLUTE" else place
        database.execute("UPDATE photos SET path = ? WHERE id = ?", (changed, hit["id"]))
    database.close()
    answer = fresh.get(f"/v1/photos/{hit['id']}{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "photo_missing")
    assert str(tmp_path) not in answer.text
