"""Photos by URL: which files are sent, as what, and how browsers may cache them."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photo_answers import Album, Answer, write_phone_photo
from photoseek import Gallery


def test_a_thumbnail_is_a_jpeg_that_browsers_keep_until_it_changes(album: Album) -> None:
    first = Answer(album.url("red/red-0.png"))
    assert (first.status, first.headers["content-type"], first.picture.size) == (200, "image/jpeg", (48, 36))
    assert first.headers["cache-control"] == "private, max-age=3600"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cross-origin-resource-policy"] == "same-origin"
    again = Answer(album.url("red/red-0.png"), if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    os.utime(album.root / "red/red-0.png", ns=(1, 1))
    changed = Answer(album.url("red/red-0.png"), if_none_match=first.headers["etag"])
    assert (changed.status, changed.body) == (200, first.body)


def test_all_other_requests_are_passed_on() -> None:
    assert [Answer(path).status for path in ("/", "/photos", "/_stcore/health", "/photo")] == [418] * 4


def test_only_photos_of_open_galleries_have_a_url(album: Album) -> None:
    url = album.url("red/red-0.png")
    key = url.split("/")[2]
    wrong = [url[:-1], f"{url}/", url.replace(key, key[::-1]), "/photo/", f"/photo/{key}/0/card"]
    wrong += [f"/photo/{key}/1/../card", f"/photo/{key}/-1/card", f"/photo/{key}/١/card", f"/photo/{key}/1/1600"]
    assert [Answer(path).status for path in wrong] == [404] * len(wrong)
    assert Answer(url, method="POST").status == 404
    assert Answer(f"/photo/{key}/{10**17}/card").reason is None
    del album.files
    gc.collect()
    assert Answer(url).status == 404


def test_two_galleries_have_different_keys(album: Album, shared: Album) -> None:
    assert album.url("red/red-0.png") != shared.url("red/red-0.png")


def test_the_photo_at_its_own_size_and_its_file_are_the_original_on_this_computer(album: Album) -> None:
    file = album.root / "red/red-0.png"
    for size in ("full", "file"):
        answer = Answer(album.url("red/red-0.png", size))
        assert (answer.body, answer.headers["content-type"]) == (file.read_bytes(), "image/png")
    assert Answer(album.url("red/red-0.png", "file")).headers["content-disposition"].endswith("utf-8''red-0.png")
    assert "content-disposition" not in Answer(album.url("red/red-0.png", "full")).headers
    Image.new("RGB", (70, 50)).save(file, "TIFF")  # browsers do not show it
    answer = Answer(album.url("red/red-0.png", "full"))
    assert (answer.headers["content-type"], answer.picture.size) == ("image/jpeg", (70, 50))
    assert Answer(album.url("red/red-0.png", "file")).headers["content-type"] == "image/tiff"


@pytest.mark.parametrize("size", ["card", "view", "full", "file"])
def test_visitors_never_receive_the_metadata_of_a_photo(shared: Album, size: str) -> None:
    write_phone_photo(shared.root / "red/red-0.png")
    answer = Answer(shared.url("red/red-0.png", size))
    assert (answer.headers["content-type"], answer.picture.size) == ("image/jpeg", (40, 60))
    assert not answer.picture.getexif()
    assert b"Somebody" not in answer.body
    if size == "file":
        assert answer.headers["content-disposition"].endswith("red-0.jpg")


def test_a_name_never_adds_a_header(gallery: Gallery) -> None:
    name = 'a"\r\nSet-Cookie: b=c;é文.png'
    (gallery.photos.root / "red/red-0.png").rename(gallery.photos.root / name)
    gallery.index()
    album = Album(gallery, shared=False)
    answer = Answer(album.url(name, "file"))
    quoted = "attachment; filename*=utf-8''a%22%0D%0ASet-Cookie%3A%20b%3Dc%3B%C3%A9%E6%96%87.png"
    assert answer.headers["content-disposition"] == quoted
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("size", ["card", "view", "full", "file"])
def test_a_photo_that_cannot_be_shown_has_a_reason(album: Album, size: str) -> None:
    (album.root / "red/red-0.png").unlink()
    assert Answer(album.url("red/red-0.png", size)).reason is None
    (album.root / "red/red-1.png").write_text("<script>alert(1)</script>")
    answer = Answer(album.url("red/red-1.png", size))
    assert answer.headers["content-type"] == "application/json"
    assert "not a photo" in str(answer.reason)


@pytest.mark.parametrize("size", ["card", "view", "full", "file"])
def test_nothing_outside_the_photo_folder_is_sent(album: Album, shared: Album, tmp_path: Path, size: str) -> None:
    outside = tmp_path / "outside.png"
    Image.new("RGB", (9, 9)).save(outside)
    link = album.root / "red/red-0.png"
    link.unlink()
    link.symlink_to(outside)
    assert Answer(shared.url("red/red-0.png", size)).reason == "outside the photo folder"
    assert Answer(album.url("red/red-0.png", size)).picture.size == (9, 9)  # a link of the owner


def test_a_gallery_that_was_closed_is_a_reason(album: Album, gallery: Gallery) -> None:
    gallery.close()
    assert "this gallery was closed" in (Answer(album.url("red/red-0.png")).reason or "")
