"""Photos in object storage, on servers of the real protocols: moto's S3, and an emulator of Google's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import object_storage
from object_storage import BUCKET, GCS, S3, picture
from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import (
    GalleryError,
    GalleryIncompatible,
    GalleryNotFound,
    PhotoError,
    PhotoSourceUnreachable,
    PhotoUnreachable,
    QueryError,
)
from photoseek.gallery.indexing.encode import Limits
from photoseek.gallery.indexing.index import index_gallery
from photoseek.gallery.indexing.pipeline import PhotoEncoder
from photoseek.gallery.watch import watch_gallery
from photoseek.photos.decode import open_photo, photo_format
from photoseek.sources.base import PhotoEntry, ScanGaps
from photoseek.sources.local import LocalSource, scan
from photoseek.sources.remote import RemoteFile, RemoteSource, photo_entry
from photoseek.sources.resolve import open_source
from tiny_bundle import COLORS

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of what botocore, moto and the emulator import
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets of the servers, and of discarded clients
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),  # of the emulator's server
]


@pytest.fixture
def s3() -> Iterator[S3]:
    with object_storage.s3() as server:
        yield server


@pytest.fixture(params=["s3", "gs"])
def storage(request: pytest.FixtureRequest) -> Iterator[tuple[str, S3 | GCS]]:
    """A folder's address, and the server that it is on."""
    with (object_storage.s3 if request.param == "s3" else object_storage.gcs)() as server:
        yield f"{request.param}://{BUCKET}/photos", server


def fill(server: S3 | GCS) -> None:
    for number, (name, color) in enumerate(COLORS.items()):
        for index in range(2):
            server.put(f"photos/{name}/{name}-{index}.png", picture(color, 10 * number + index))


@pytest.fixture
def gallery(s3: S3, tiny_bundle: Bundle, tmp_path: Path) -> Gallery:
    """Photos in S3, indexed."""
    fill(s3)
    gallery = Gallery.create(f"s3://{BUCKET}/photos", tiny_bundle, tmp_path / "gallery")
    gallery.index()
    return gallery


def counts(report: Any) -> dict[str, int]:
    names = ("photos", "encoded", "reused", "unchanged", "removed", "kept_missing")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


async def broken(*_: object, **__: object) -> bytes:
    """A connection that breaks."""
    raise ConnectionResetError(104, "Connection reset by peer")


@contextmanager
def replaced(method: str, replacement: Any) -> Iterator[None]:
    """Replace a method of s3fs's client, which binds its methods when it is created."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"s3fs.S3FileSystem.{method}", replacement)
        object_storage.forget_clients("s3fs")
        yield
    object_storage.forget_clients("s3fs")


def test_photos_of_a_bucket_are_indexed_found_and_read(
    storage: tuple[str, S3 | GCS], tiny_bundle: Bundle, tmp_path: Path
) -> None:
    address, server = storage
    fill(server)
    server.put("photos-of-others/red.png", picture(COLORS["red"], 99))
    server.put("photos/notes.txt", b"red")
    server.put("photos/broken.jpg", b"no photo")
    gallery = Gallery.create(address, tiny_bundle, tmp_path / "gallery")
    report = gallery.index()
    assert counts(report) == {"photos": 13, "encoded": 12}
    assert [path for path, _ in report.unreadable] == ["broken.jpg"]
    hits = Searcher(gallery).search("red", k=2)
    assert sorted(hit.path for hit in hits) == ["red/red-0.png", "red/red-1.png"]
    assert str(hits[0].file) == hits[0].to_json()["file"] == f"{address}/{hits[0].path}"
    assert open_photo(hits[0].file).size == (hits[0].width, hits[0].height) == (48, 36)
    assert photo_format(hits[0].file) == "PNG"
    assert b"".join(hits[0].file.iter_chunks()) == hits[0].file.read_bytes()
    assert counts(gallery.index()) == {"photos": 13, "unchanged": 13}
    again = Gallery.open(tmp_path / "gallery")
    assert again.photos.source == gallery.photos.source == open_source(address)
    assert again.status().photos_root == address
    with pytest.raises(GalleryError, match="expected photos in a folder of this machine, found"):
        _ = again.photos.root


def test_changes_in_a_bucket_are_detected(storage: tuple[str, S3 | GCS], tiny_bundle: Bundle, tmp_path: Path) -> None:
    address, server = storage
    fill(server)
    gallery = Gallery.create(address, tiny_bundle, tmp_path / "gallery")
    gallery.index()
    one, other = picture(COLORS["blue"], 500), picture(COLORS["black"], 501)
    length = max(len(one), len(other))
    one, other = one.ljust(length, b"\0"), other.ljust(length, b"\0")  # of equal size, and written in the same second
    server.put("photos/red/red-0.png", one)
    assert counts(gallery.index()) == {"photos": 12, "encoded": 1, "unchanged": 11}
    server.put("photos/red/red-0.png", other)
    assert counts(gallery.index()) == {"photos": 12, "encoded": 1, "unchanged": 11}
    server.put("photos/moved.png", other)
    server.delete("photos/red/red-0.png")
    assert counts(gallery.index()) == {"photos": 12, "reused": 1, "unchanged": 11, "removed": 1}


def test_two_versions_of_one_second_and_size_differ() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    one, same, other = (
        photo_entry("a.png", {"LastModified": moment, "ETag": tag, "size": 7}) for tag in ('"1"', "1", '"2"')
    )
    assert one == same != other
    assert one.mtime_ns // 10**9 == other.mtime_ns // 10**9 == moment.timestamp()


def test_vectors_equal_those_of_the_same_photos_on_disk_and_photos_may_move_from_disk(
    photos: Path, s3: S3, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    gallery = Gallery.create(photos, tiny_bundle, tmp_path / "gallery")
    gallery.index()
    before = gallery.database.query("SELECT path, sha256, vector FROM photos JOIN vectors USING (sha256) ORDER BY path")
    for file in photos.rglob("*.png"):
        s3.put(f"all/{file.relative_to(photos)}", file.read_bytes())
    address = f"s3://{BUCKET}/all"
    with pytest.raises(GalleryIncompatible, match=f"belongs to the photos in {photos}, not in {address}"):
        Gallery.open_or_create(address, tiny_bundle, tmp_path / "gallery")
    moved = Gallery.open_or_create(address, tiny_bundle, tmp_path / "gallery", relocate=True)
    assert counts(moved.index()) == {"photos": 24, "unchanged": 24}
    fresh = Gallery.create(address, tiny_bundle, tmp_path / "fresh")
    fresh.index()
    for each in (moved, fresh):
        sql = "SELECT path, sha256, vector FROM photos JOIN vectors USING (sha256) ORDER BY path"
        assert each.database.query(sql) == before
    s3.put("others/a.png", picture(COLORS["red"]))
    with pytest.raises(GalleryNotFound, match="expected the photos that were in"):
        Gallery.open_or_create(f"s3://{BUCKET}/others", tiny_bundle, tmp_path / "gallery", relocate=True)


def test_a_bucket_that_cannot_be_listed_is_not_an_empty_one(gallery: Gallery, s3: S3) -> None:
    s3.stop()
    with pytest.raises(PhotoSourceUnreachable, match="cannot be listed: Could not connect") as raised:
        gallery.index()
    assert "test" not in str(raised.value).replace("tests", "")  # the key in the environment
    assert gallery.database.count() == 12
    assert len(Searcher(gallery).search("red", k=3)) == 3  # without a request to the bucket


def test_a_bucket_that_was_deleted_or_denies_access_is_not_an_empty_one(gallery: Gallery, s3: S3) -> None:
    from botocore.exceptions import ClientError

    async def denied(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "ListObjectsV2")

    with replaced("_call_s3", denied), pytest.raises(PhotoSourceUnreachable, match="Access Denied"):
        gallery.index()
    for name in COLORS:
        for index in range(2):
            s3.delete(f"photos/{name}/{name}-{index}.png")
    with pytest.raises(GalleryNotFound, match="no photo found where 12 were"):
        gallery.index()
    s3.client.delete_bucket(Bucket=BUCKET)
    with pytest.raises(GalleryNotFound, match="expected a bucket with objects in this folder"):
        gallery.index()
    assert gallery.database.count() == 12


def test_an_unreachable_photo_stays_in_the_gallery_and_is_not_unreadable(gallery: Gallery, s3: S3) -> None:
    """One photo is new and one has changed; the connection breaks for both."""
    s3.put("photos/new.png", picture(COLORS["red"], 700))
    s3.put("photos/blue/blue-0.png", picture(COLORS["blue"], 701))
    with replaced("_cat_file", broken):
        report = gallery.index()
    assert counts(report) == {"photos": 11, "unchanged": 11, "kept_missing": 1}
    assert report.skipped == [
        ("blue/blue-0.png", "Connection reset by peer"),
        ("new.png", "Connection reset by peer"),
    ]
    assert report.unreadable == []
    assert gallery.database.count() == 12
    assert counts(gallery.index()) == {"photos": 13, "encoded": 2, "unchanged": 11}


def test_indexing_stops_if_no_photo_can_be_reached(s3: S3, tiny_bundle: Bundle, tmp_path: Path) -> None:
    fill(s3)
    gallery = Gallery.create(f"s3://{BUCKET}/photos", tiny_bundle, tmp_path / "gallery")
    source, limits = gallery.photos.source, Limits(unreachable=8)

    with (
        replaced("_cat_file", broken),
        pytest.raises(PhotoSourceUnreachable, match="photos in a row could not be read, the last: Connection reset"),
    ):
        index_gallery(gallery.path, gallery.database, source, tiny_bundle, {}, limits=limits)


def test_a_photo_that_changes_while_it_is_read_is_read_again(s3: S3, tiny_bundle: Bundle, tmp_path: Path) -> None:
    fill(s3)
    once, last = threading.Lock(), picture(COLORS["black"], 800)
    cat_file = pytest.importorskip("s3fs").S3FileSystem._cat_file

    async def read(self: Any, path: str, **ranges: int) -> Any:
        data = await cat_file(self, path, **ranges)
        if path.endswith("red-0.png") and once.acquire(blocking=False):
            s3.put("photos/red/red-0.png", last)
        return data

    gallery = Gallery.create(f"s3://{BUCKET}/photos", tiny_bundle, tmp_path / "gallery")
    with replaced("_cat_file", read):
        assert counts(gallery.index()) == {"photos": 12, "encoded": 12}
    assert once.locked()
    assert "red/red-0.png" in [hit.path for hit in Searcher(gallery).search("black", k=3)]
    assert counts(gallery.index()) == {"photos": 12, "unchanged": 12}


def test_photos_of_a_batch_are_fetched_concurrently(photos: Path, tiny_bundle: Bundle) -> None:
    """Each waits until all four have started, which would be forever if they were fetched one by one."""
    four = threading.Barrier(4)

    class Waiting(LocalSource):
        read_concurrency = 4

        def read_stable(self, photo: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
            four.wait(30)
            return super().read_stable(photo)

    part = list(scan(photos))[:4]
    encoder = ImageEncoder(tiny_bundle)
    batch, plain = (PhotoEncoder(kind(photos), encoder, frozenset()).batch(part) for kind in (Waiting, LocalSource))
    assert batch.records == plain.records
    assert all((one.vector == other.vector).all() for one, other in zip(batch.contents, plain.contents, strict=True))
    assert RemoteSource("s3", BUCKET).read_concurrency == 4


NAMES = ["日本/é ü.png", "a b+c&d=e;f%20.png", "/slash.png", "twice//slashed.png", "hash#1.png", "\ue000\uef85.png"]


@pytest.mark.parametrize("prefix", ["photos/", ""])
def test_any_key_is_a_name_and_not_a_path(s3: S3, prefix: str) -> None:
    for number, name in enumerate(NAMES):
        s3.put(prefix + name, picture(COLORS["red"], number))
    for hidden in ("../up.png", "./here.png", "a/../../up.png", ".hidden.png", ".photoseek/t.png", "@eaDir/t.png"):
        s3.client.put_object(Bucket=BUCKET, Key=prefix + hidden, Body=b"x")
    folder = open_source(f"s3://{BUCKET}/photos" if prefix else f"s3://{BUCKET}")
    assert isinstance(folder, RemoteSource)
    photos = list(folder.scan(ScanGaps()))
    assert len(photos) == len(NAMES)
    for photo in photos:
        still = folder.read_stable(photo)
        assert still is not None
        key = str(folder.photo_file(photo.path)).removeprefix(f"s3://{BUCKET}/{prefix}")
        assert still == (photo, picture(COLORS["red"], NAMES.index(key)))


def test_a_path_outside_the_folder_is_never_requested(s3: S3) -> None:
    s3.put("secret.png", b"secret")
    folder = RemoteSource("s3", f"{BUCKET}/photos")
    for path in ("../secret.png", "a/../../secret.png", ".hidden/a.png", "secret.txt", "a\0.png"):
        with pytest.raises(PhotoError, match="outside the photo folder"):
            RemoteFile(folder, path).read_bytes()


def test_names_that_a_client_would_misread_are_reported(s3: S3) -> None:
    s3.put("photos/a.png?versionId=3.png", b"x")
    gaps = ScanGaps()
    assert list(RemoteSource("s3", f"{BUCKET}/photos").scan(gaps)) == []
    assert gaps.reasons == {"a.png?versionId=3.png": "a name with '?versionId='; rename it"}


def test_empty_deleted_and_too_large_objects(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RemoteSource("s3", f"{BUCKET}/photos")
    s3.put("photos/empty.png", b"")
    s3.put("photos/large.png", bytes(2000))
    empty, large = folder.scan(ScanGaps())
    assert folder.read_stable(empty) == (empty, b"")
    with monkeypatch.context() as patch:
        patch.setattr("photoseek.photos.formats.MAX_BYTES", 1000)
        with pytest.raises(PhotoError, match="at most 0 MB are read"):
            folder.read_stable(large)
    s3.delete("photos/empty.png")
    s3.delete("photos/large.png")
    assert folder.read_stable(large) is None
    with pytest.raises(PhotoError, match="no such object"):
        folder.photo_file("large.png").read_bytes()
    s3.stop()
    with pytest.raises(PhotoUnreachable, match="Could not connect"):
        folder.photo_file("large.png").version()


@pytest.mark.usefixtures("s3")
def test_a_missing_folder_is_refused_before_a_gallery_is_created(tiny_bundle: Bundle, tmp_path: Path) -> None:
    for address in ("s3://no-such-bucket/photos", f"s3://{BUCKET}/typo"):
        with pytest.raises(GalleryNotFound, match="expected a bucket with objects in this folder"):
            Gallery.create(address, tiny_bundle, tmp_path / "gallery")
    with pytest.raises(QueryError, match="expected --gallery DIR as well"):
        Gallery.create(f"s3://{BUCKET}/photos", tiny_bundle)
    assert not (tmp_path / "gallery").exists()


def test_watching_object_storage_is_refused(gallery: Gallery) -> None:
    with pytest.raises(QueryError, match="object storage does not report changes"):
        next(iter(watch_gallery(gallery)))


def test_what_is_left_out_of_a_folder_is_left_out_of_a_bucket(s3: S3, tiny_bundle: Bundle, tmp_path: Path) -> None:
    fill(s3)
    red = picture(COLORS["red"], 99)
    for key in (
        "#recycle/a.png", ".hidden/a.png", "marked/a.png", "marked/deep/b.png", "tmp/a.png", "in/a.png", "in/b.png",
        "C Previews.lrdata/a.png", "L.photoslibrary/resources/a.png", "L.photoslibrary/originals/0/c.png",
    ):  # fmt: skip
        s3.put(f"photos/{key}", red)
    s3.put("photos/marked/.nomedia", b"")
    s3.put("photos/in/.photoseekignore", b"*\n!b.png\na[\n")
    s3.put("photos/empty/.photoseekignore", b"")
    for name in ("film.mp4", "b.mov", "a.psd"):
        s3.put(f"photos/in/{name}", b"")
    gallery = Gallery.create(f"s3://{BUCKET}/photos", tiny_bundle, tmp_path / "gallery")
    report = gallery.index(exclude=["tmp/", "*-1.png"])
    assert gallery.database.paths() == {
        "L.photoslibrary/originals/0/c.png", "in/b.png", *(f"{name}/{name}-0.png" for name in COLORS)
    }  # fmt: skip
    assert sorted((each.example, each.folders, each.photos) for each in report.left_out) == [
        ("#recycle", 1, 0),
        (".hidden", 1, 0),
        ("C Previews.lrdata", 1, 0),
        ("L.photoslibrary/resources", 1, 0),
        ("black/black-1.png", 0, 6),
        ("in/a.png", 0, 1),
        ("marked", 1, 0),
        ("tmp", 1, 0),
    ]
    assert [path for path, _ in report.skipped] == ["in/.photoseekignore"]
    assert report.unread == []  # what an ignore file leaves out is not counted
    s3.put("photos/film.mp4", b"")
    assert [(each.kind, each.files) for each in gallery.index().unread] == [("videos", 1)]


def test_an_object_in_place_of_a_folder_is_named_for_what_it_is(s3: S3, tiny_bundle: Bundle, tmp_path: Path) -> None:
    fill(s3)
    s3.put("photos.zip", b"PK")
    for name, message in (
        ("photos/red/red-0.png", f"found one photo; name its folder, s3://{BUCKET}/photos/red"),
        ("photos.zip", "found a ZIP archive; unpack it"),
    ):
        with pytest.raises(GalleryNotFound, match=message):
            Gallery.create(f"s3://{BUCKET}/{name}", tiny_bundle, tmp_path / "gallery")
