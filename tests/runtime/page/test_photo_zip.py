"""Downloads of several photos: which files a zip file has, under which names, and who may request it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photo_answers import Answer, write_phone_photo
from photoseek import Gallery
from photoseek.page.photo_zip import MAX_PHOTOS, NOT_INCLUDED, UniqueNames
from photoseek.page.token_store import TokenStore

if TYPE_CHECKING:
    from photo_answers import Album


def prepare(album: Album, *photos: Any) -> Answer:
    """Request a download of photos by their ids."""
    return Answer(f"/{album.files.root}zip", "POST", content={"photos": photos})


def download(album: Album, *paths: str) -> zipfile.ZipFile:
    """Download photos by their paths; any damage of the zip file fails."""
    url = json.loads(prepare(album, *(album.ids[path] for path in paths)).body)["url"]
    answer = Answer(f"/{url}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="photos.zip"'
    assert answer.headers["cache-control"] == "no-store"
    found = zipfile.ZipFile(io.BytesIO(answer.body))
    assert found.testzip() is None
    return found


def test_a_zip_has_the_original_files_with_their_times(album: Album) -> None:
    paths = ["red/red-0.png", "blue/blue-1.png"]
    found = download(album, *paths)
    assert found.namelist() == ["red-0.png", "blue-1.png"]
    for path, info in zip(paths, found.infolist(), strict=True):
        file = album.root / path
        assert found.read(info) == file.read_bytes()
        assert info.compress_type == zipfile.ZIP_STORED
        assert abs(time.mktime((*info.date_time, 0, 0, -1)) - file.stat().st_mtime) <= 2


def test_the_same_name_in_two_folders_is_two_files(gallery: Gallery) -> None:
    from photo_answers import Album

    root = gallery.photos.root
    (root / "blue/blue-0.png").rename(root / "blue/RED-0.png")
    gallery.index()
    found = download(Album(gallery, shared=False), "red/red-0.png", "blue/RED-0.png")
    assert found.namelist() == ["red-0.png", "RED-0 (2).png"]


def test_visitors_receive_jpegs_without_metadata(shared: Album) -> None:
    write_phone_photo(shared.root / "red/red-0.png")
    found = download(shared, "red/red-0.png", "red/red-1.png")
    assert found.namelist() == ["red-0.jpg", "red-1.jpg"]
    content = found.read("red-0.jpg")
    assert content.startswith(b"\xff\xd8\xff")
    assert b"Somebody" not in content


def test_photos_that_cannot_be_read_are_listed(shared: Album) -> None:
    (shared.root / "red/red-0.png").unlink()
    (shared.root / "red/red-2.png").write_text("no photo")
    outside = shared.root.parent / "outside.png"
    (shared.root / "red/red-1.png").rename(outside)
    (shared.root / "red/red-1.png").symlink_to(outside)
    found = download(shared, *(f"red/red-{number}.png" for number in range(4)))
    assert found.namelist() == ["red-3.jpg", NOT_INCLUDED]
    lines = found.read(NOT_INCLUDED).decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["red/red-0.png", "red/red-1.png", "red/red-2.png"]
    assert lines[1] == "red/red-1.png: outside the photo folder"
    assert str(shared.root) not in "".join(lines)


def test_a_photo_that_left_the_gallery_is_listed_by_its_id(album: Album) -> None:
    url = json.loads(prepare(album, 10**6).body)["url"]
    found = zipfile.ZipFile(io.BytesIO(Answer(f"/{url}").body))
    assert found.read(NOT_INCLUDED).decode() == "1000000: no longer in the gallery\n"


@pytest.mark.parametrize(
    "content",
    [
        *(b"{", b"[]", b"{}", b"\xff", b" " * 100_001),
        *({"photos": photos} for photos in ([], [0], [True], ["1"], [1 << 63], list(range(1, MAX_PHOTOS + 2)))),
    ],
)
def test_a_request_that_the_page_never_sends_is_refused(album: Album, content: Any) -> None:
    answer = Answer(f"/{album.files.root}zip", "POST", content=content)
    assert answer.status == 400
    assert "expected" in str(answer.reason)


def test_other_sites_cannot_send_the_request_without_asking(album: Album) -> None:
    answer = Answer(f"/{album.files.root}zip", "POST", content={"photos": [1]}, content_type="text/plain")
    assert (answer.status, answer.reason) == (400, "expected application/json")


def test_a_download_belongs_to_one_gallery(album: Album, shared: Album) -> None:
    name = json.loads(prepare(album, 1).body)["url"].rpartition("/")[2]
    assert Answer(f"/{album.files.root}zip/{name}").status == 200
    wrong = [f"/{shared.files.root}zip/{name}", f"/{album.files.root}zip/{name[::-1]}", f"/{album.files.root}zip"]
    assert [Answer(path).status for path in wrong] == [404] * 3
    assert Answer(f"/{album.files.root}zip/{name}", "POST", content={"photos": [1]}).status == 404
    key = album.files.root.split("/")[1]
    assert Answer(f"/photo/{key[::-1]}/zip", "POST", content={"photos": [1]}).status == 404


def test_old_downloads_are_forgotten() -> None:
    downloads = TokenStore[tuple[int, ...]]()
    names = [downloads.put((number,)) for number in range(65)]
    assert downloads.get(names[0]) is None
    assert downloads.get(names[1]) == (1,)
    assert len(set(names)) == 65


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.jpg", "a.jpg"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\r\nb:c?.jpg", "a__b_c_.jpg"),
        ("CON.jpg", "_CON.jpg"),
        ("con", "_con"),
        ("contact.jpg", "contact.jpg"),
        ("...", "photo"),
        ("a.jpg. ", "a.jpg"),
        ("cafe\u0301.jpg", "caf\u00e9.jpg"),
        ("gpj.\u202eexe", "gpj._exe"),
        ("\udcff.jpg", "_.jpg"),
        ("照片.jpg", "照片.jpg"),
        ("x" * 300 + ".jpg", "x" * 196 + ".jpg"),
        ("照" * 100 + ".jpg", "照" * 65 + ".jpg"),
    ],
)
def test_names_are_safe_on_every_system(name: str, safe: str) -> None:
    assert UniqueNames().add(name) == safe


def test_names_are_unique_in_upper_and_lower_case() -> None:
    names = UniqueNames()
    assert [names.add(name) for name in ("a.jpg", "A.JPG", "a.jpg", "a", "a (2)", "a")] == [
        "a.jpg",
        "A (2).JPG",
        "a (3).jpg",
        "a",
        "a (2)",
        "a (3)",
    ]
