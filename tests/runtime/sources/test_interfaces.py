"""The service, the page's pictures and the command line over photos in object storage."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import object_storage
from object_storage import BUCKET, S3, picture
from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import PhotoError
from photoseek.gallery.thumbnails import thumbnail
from photoseek.page.thumbnail_cache import ThumbnailCache
from photoseek.system.folder_tag import TAG
from tiny_bundle import COLORS

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of what botocore and moto import
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets of the server, and of clients that are forgotten
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
    ThumbnailCache(gallery.path).thumbnail(gallery.file_of("red é.png"))
    paths = [gallery.path, *gallery.path.rglob("*")]
    assert len(paths) > 10
    assert not [path for path in paths if path.stat().st_mode & 0o077]


def test_the_service_hands_on_photos_and_thumbnails(gallery: Gallery, s3: S3) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from photoseek.service.app import make_app
    from running_service import running

    with running(make_app(Searcher(gallery, mode="service"))) as client:
        hit = client.post("/v1/search", json={"text": "red", "k": 1}).json()["hits"][0]
        whole = client.get(f"/v1/photos/{hit['id']}")
        assert whole.content == picture(COLORS["red"], 0)
        assert whole.headers["content-type"] == "image/png"
        assert whole.headers["content-disposition"] == "inline; filename*=utf-8''red%20%C3%A9.png"
        known = {"If-None-Match": whole.headers["etag"]}
        assert client.get(f"/v1/photos/{hit['id']}", headers=known).status_code == 304
        small = client.get(f"/v1/photos/{hit['id']}/thumbnail?side=32")
        assert Image.open(io.BytesIO(small.content)).size == (32, 24)
        other = client.post("/v1/search", json={"text": "blue", "k": 1}).json()["hits"][0]["id"]
        s3.delete("photos/blue é.png")
        for address in (f"/v1/photos/{other}", f"/v1/photos/{other}/thumbnail"):
            gone = client.get(address)
            assert (gone.status_code, gone.json()["error"]["code"]) == (404, "photo_missing")
        s3.stop()
        third = client.post("/v1/search", json={"text": "green", "k": 1}).json()["hits"][0]["id"]
        away = client.get(f"/v1/photos/{third}")
        assert (away.status_code, away.json()["error"]["code"]) == (503, "unavailable")
        assert s3.endpoint not in away.text


def test_pictures_of_the_page_are_kept_and_made_again_for_another_version(
    gallery: Gallery, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.gallery.thumbnails._REMEMBERED_S", 1e-6)
    hit, other = Searcher(gallery).search("red", k=2)
    pictures = ThumbnailCache(gallery.path)
    first = pictures.thumbnail(hit.file, 40)
    assert Image.open(io.BytesIO(first)).size == (40, 30)
    assert len([file for file in pictures.folder.iterdir() if file.name != TAG]) == 1
    assert pictures.thumbnail(hit.file, 40) == first == thumbnail(hit.file, 40)
    s3.put(f"photos/{hit.path}", picture(COLORS["black"], 7))
    assert pictures.thumbnail(hit.file, 40) != first
    s3.delete(f"photos/{other.path}")
    (error,) = pictures.thumbnails([other.file])
    assert isinstance(error, PhotoError)
    assert str(error) == "no such object"


def test_the_command_line(gallery: Gallery, tiny_bundle: Bundle, tmp_path: Path) -> None:
    def photoseek(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "photoseek", *arguments], capture_output=True, text=True)

    index = ("index", ADDRESS, "--bundle", str(tiny_bundle.path))
    done = photoseek(*index, "--gallery", str(gallery.path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["unchanged"] == len(COLORS)
    where = ("--gallery", str(gallery.path))
    assert photoseek("search", "red", *where, "-k", "1", "--paths").stdout == f"{ADDRESS}/red é.png\n"
    table = photoseek("search", "red", *where, "-k", "1")
    assert f"{ADDRESS}/red é.png" in table.stdout
    assert "gone" not in table.stdout
    refused = photoseek(*index)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "expected --gallery DIR as well" in refused.stderr
    missing = photoseek("index", f"s3://{BUCKET}/typo", "--gallery", str(tmp_path / "new"))
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1
    watched = photoseek(*index, *where, "--watch")
    assert watched.returncode == 2
    assert "object storage tells nobody of its changes" in watched.stderr


def test_opening_with_a_viewer_is_refused_with_another_way(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = tmp_path / "bin" / ("open" if sys.platform == "darwin" else "xdg-open")
    viewer.parent.mkdir()
    viewer.write_text("#!/bin/sh\n")
    viewer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{viewer.parent}:/usr/bin:/bin")
    command = [sys.executable, "-m", "photoseek", "search", "red", "--gallery", str(gallery.path), "--open"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--open: expected local files, found s3://" in done.stderr
