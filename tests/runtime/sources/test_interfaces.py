"""The service, the thumbnails of the page and the command line with photos in object storage."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import object_storage
from object_storage import BUCKET, S3, picture
from photo_metadata import xmp
from photoseek import Bundle, Gallery, Searcher
from photoseek.cli.app import app
from photoseek.errors import GalleryNotFound, PhotoError, QueryError
from photoseek.gallery.album_export import ExportedXmp, export_xmp
from photoseek.gallery.filters import Filter
from photoseek.gallery.listing import newest_photos, position_of
from photoseek.gallery.thumbnails import thumbnail
from photoseek.page.thumbnail_cache import ThumbnailCache
from photoseek.photos.xmp import parse_xmp
from photoseek.system.folder_tag import TAG
from tiny_bundle import COLORS

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of what botocore and moto import
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets of the server, and of discarded clients
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ADDRESS = f"s3://{BUCKET}/photos"


@pytest.fixture
def s3() -> Iterator[S3]:
    with object_storage.s3() as server:
        for number, (name, color) in enumerate(COLORS.items()):
            server.put(f"photos/{name} é.png", picture(color, number))
        yield server


@pytest.fixture
def gallery(s3: S3, tiny_bundle: Bundle, tmp_path: Path) -> Gallery:
    assert s3
    gallery = Gallery.create(ADDRESS, tiny_bundle, tmp_path / "gallery")
    gallery.index()
    return gallery


def test_a_gallery_of_a_bucket_is_private_to_its_owner(gallery: Gallery) -> None:
    ThumbnailCache(gallery.path).thumbnail(gallery.photos.file_of("red é.png"))
    paths = [gallery.path, *gallery.path.rglob("*")]
    assert len(paths) > 10
    assert not [path for path in paths if path.stat().st_mode & 0o077]


def test_the_service_returns_photos_and_thumbnails(gallery: Gallery, s3: S3) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from photoseek.service.app import make_app
    from running_service import running

    with running(make_app(Searcher(gallery, mode="service"))) as client:
        hit = client.post("/v1/search", json={"text": "red", "k": 1}).json()["hits"][0]
        photo = client.get(f"/v1/photos/{hit['id']}")
        assert photo.content == picture(COLORS["red"], 0)
        assert photo.headers["content-type"] == "image/png"
        assert photo.headers["content-disposition"] == "inline; filename*=utf-8''red%20%C3%A9.png"
        known = {"If-None-Match": photo.headers["etag"]}
        assert client.get(f"/v1/photos/{hit['id']}", headers=known).status_code == 304
        small = client.get(f"/v1/photos/{hit['id']}/thumbnail?side=32")
        assert Image.open(io.BytesIO(small.content)).size == (32, 24)
        other = client.post("/v1/search", json={"text": "blue", "k": 1}).json()["hits"][0]["id"]
        s3.delete("photos/blue é.png")
        for address in (f"/v1/photos/{other}", f"/v1/photos/{other}/thumbnail"):
            missing = client.get(address)
            assert (missing.status_code, missing.json()["error"]["code"]) == (404, "photo_missing")
        s3.stop()
        third = client.post("/v1/search", json={"text": "green", "k": 1}).json()["hits"][0]["id"]
        unavailable = client.get(f"/v1/photos/{third}")
        assert (unavailable.status_code, unavailable.json()["error"]["code"]) == (503, "unavailable")
        assert s3.endpoint not in unavailable.text


def test_thumbnails_are_cached_until_the_object_changes(
    gallery: Gallery, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.gallery.thumbnails.VERSION_MAX_AGE_S", 1e-6)
    hit, other = Searcher(gallery).search("red", k=2)
    pictures = ThumbnailCache(gallery.path)
    first = pictures.thumbnail(hit.file, 40)
    assert Image.open(io.BytesIO(first)).size == (40, 30)
    assert len([file for file in pictures.folder.iterdir() if file.name != TAG]) == 1
    assert pictures.thumbnail(hit.file, 40) == first == thumbnail(hit.file, 40)
    s3.put(f"photos/{hit.path}", picture(COLORS["black"], 7))
    assert pictures.thumbnail(hit.file, 40) != first
    s3.delete(f"photos/{other.path}")
    with pytest.raises(PhotoError, match=r"^no such object$"):
        pictures.thumbnail(other.file)


def photoseek(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "120"})


def test_the_command_line(gallery: Gallery, tiny_bundle: Bundle, tmp_path: Path) -> None:
    index = ("index", ADDRESS, "--bundle", tiny_bundle.path)
    where = ("--gallery", gallery.path)
    assert json.loads(photoseek(*index, *where, "--json").stdout)["unchanged"] == len(COLORS)
    assert photoseek("search", "red", *where, "-k", 1, "--paths").stdout == f"{ADDRESS}/red é.png\n"
    table = photoseek("search", "red", *where, "-k", 1).stdout
    assert f"{ADDRESS}/red é.png" in table
    assert "gone" not in table
    with pytest.raises(QueryError, match="expected --gallery DIR as well"):
        raise photoseek(*index).exception or AssertionError
    missing = photoseek("index", f"s3://{BUCKET}/typo", "--gallery", tmp_path / "new")
    assert isinstance(missing.exception, GalleryNotFound)
    with pytest.raises(QueryError, match="object storage does not report changes"):
        raise photoseek(*index, *where, "--watch").exception or AssertionError


def test_xmp_files_of_an_album_contain_those_of_the_bucket(gallery: Gallery, s3: S3, tmp_path: Path) -> None:
    s3.put("photos/red é.png.xmp", xmp(keywords=["boat"]))
    gallery.albums.add("Trip", ["red é.png", "blue é.png"])
    assert export_xmp(gallery, "Trip", tmp_path / "xmp") == ExportedXmp(2, {})
    keywords = {file.name: parse_xmp(file.read_bytes()).keywords for file in (tmp_path / "xmp").iterdir()}
    assert keywords == {"red é.png.xmp": ("boat", "Trip"), "blue é.png.xmp": ("Trip", "Albums")}


def test_a_photo_is_listed_in_its_folder(tiny_bundle: Bundle, s3: S3, tmp_path: Path) -> None:
    s3.put("photos/trips/sea/1.png", picture(COLORS["red"], 50))
    gallery = Gallery.create(ADDRESS, tiny_bundle, tmp_path / "gallery")
    gallery.index()
    searcher = Searcher(gallery)
    for folder, total in (("trips/sea", 1), (None, len(COLORS) + 1)):
        where = Filter(folder=folder)
        photo, _ = searcher.resolve_photo("trips/sea/1.png")
        listing = newest_photos(gallery, searcher.snapshot, 50, where)
        assert listing.total == total
        position = position_of(gallery, searcher.snapshot, photo, where)
        assert position is not None
        assert listing.photos[position].path == "trips/sea/1.png"


def test_opening_a_viewer_requires_local_files(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = tmp_path / "bin" / ("open" if sys.platform == "darwin" else "xdg-open")
    viewer.parent.mkdir()
    viewer.write_text("#!/bin/sh\n")
    viewer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{viewer.parent}:/usr/bin:/bin")
    with pytest.raises(QueryError, match="--open: expected local files, found s3://"):
        raise photoseek("search", "red", "--gallery", gallery.path, "--open").exception or AssertionError
