"""Cameras of photos: recorded by indexing, found by filters, and read later in galleries of older versions."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from older_galleries import make_older, without_cameras
from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import GalleryDamaged, QueryError
from photoseek.gallery.database.cameras import list_cameras
from photoseek.gallery.database.schema import FORMAT
from photoseek.gallery.database.typed_names import with_known_names
from photoseek.gallery.filters import Filter, camera_key
from photoseek.gallery.indexing.report import Progress
from photoseek.gallery.indexing.thread_pool import ThreadBackend
from photoseek.gallery.overview import count_photos
from photoseek.gallery.snapshot import build
from photoseek.gallery.snapshot.columns import Columns
from photoseek.sources.local import LocalSource
from tiny_bundle import COLORS
from tiny_photos import write_color

CANON, NIKON, PHONE = "Canon EOS R6", "NIKON D750", "Apple iPhone 12"
EXPECTED = {
    "a/canon-0.jpg": CANON,
    "a/canon-1.jpg": CANON,
    "a/canon-2.png": CANON,
    "b/nikon.webp": NIKON,
    "b/other case.tif": "Nikon D750",
    "phone.jpg": PHONE,
    "none.jpg": "",
    "none.png": "",
}
ALL = {path: camera or None for path, camera in EXPECTED.items()}


def write(path: Path, make: str = "", model: str = "", number: int = 0) -> None:
    """Write a photo with the camera in its EXIF."""
    exif = Image.Exif()
    if make:
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = make, model
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 36), (200, 9 * number, 30)).save(path, exif=exif)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "cameras"
    for number in range(3):
        write(root / f"a/canon-{number}.{'png' if number == 2 else 'jpg'}", "Canon\0\0 ", "Canon EOS R6  ", number)
    write(root / "b/nikon.webp", "NIKON CORPORATION", "NIKON D750", 3)
    write(root / "b/other case.tif", "Nikon", "Nikon D750", 4)
    write(root / "phone.jpg", "Apple", "iPhone 12", 5)
    write(root / "none.jpg", number=6)
    write_color(root / "none.png", COLORS["yellow"])
    return root


def cameras(gallery: Gallery, where: Filter | None = None) -> dict[str, str | None]:
    return {hit.path: hit.camera for hit in Searcher(gallery).search("red", k=50, where=where)}


def forbid_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageEncoder, "encode_pixels", lambda *_: pytest.fail("a photo is encoded"))
    monkeypatch.setattr("photoseek.gallery.indexing.pipeline.decode_photo", lambda *_: pytest.fail("one is decoded"))


def test_cameras_are_recorded_and_filtered_and_counted(folder: Path, tiny_bundle: Bundle) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        assert cameras(gallery) == ALL
        for name in ("Canon EOS R6", "canon  eos r6 ", "NIKON D750", "Nikon d750", "Apple iPhone 12", "Canon", "D750"):
            expected = {path for path, camera in EXPECTED.items() if camera_key(camera) == camera_key(name)}
            assert cameras(gallery, Filter(camera=name)).keys() == expected
        assert cameras(gallery, Filter(camera=CANON, type="png")).keys() == {"a/canon-2.png"}
        counted = count_photos(gallery.generation().columns).cameras
        assert counted == {CANON: 3, NIKON: 2, PHONE: 1}
        assert list(counted)[:2] == [CANON, NIKON]
        assert list_cameras(gallery.database) == [PHONE, CANON, NIKON, "Nikon D750"]
        gallery.verify()


def test_a_photo_is_read_once(folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    read, opened = Counter[str](), LocalSource.read_stable
    monkeypatch.setattr(LocalSource, "read_stable", lambda self, each: read.update([each.path]) or opened(self, each))
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        gallery.index()
        assert cameras(gallery) == ALL
    assert read == dict.fromkeys(EXPECTED, 1)


@pytest.mark.parametrize("delta", [False, True])
def test_a_camera_follows_its_photo(
    folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, *, delta: bool
) -> None:
    if delta:
        monkeypatch.setattr(build, "MIN_BASE", 0)
        monkeypatch.setattr(build, "MAX_SHARE", 1.0)
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        (folder / "phone.jpg").rename(folder / "b/moved.jpg")
        write(folder / "a/canon-0.jpg", "FUJIFILM", "X100V", 20)
        write(folder / "new.jpg", "nikon", "nikon D750", 21)
        (folder / "a/canon-1.jpg").unlink()
        gallery.index()
        assert (gallery.generation().base is not None) is delta
        expected = {path: camera for path, camera in ALL.items() if path not in ("phone.jpg", "a/canon-1.jpg")}
        expected |= {"b/moved.jpg": PHONE, "a/canon-0.jpg": "FUJIFILM X100V", "new.jpg": "nikon D750"}
        assert cameras(gallery) == expected
        assert cameras(gallery, Filter(camera=NIKON)).keys() == {"b/nikon.webp", "b/other case.tif", "new.jpg"}
        assert cameras(gallery, Filter(camera="fujifilm x100v")).keys() == {"a/canon-0.jpg"}
        assert count_photos(gallery.generation().columns).cameras == {CANON: 1, NIKON: 3, PHONE: 1, "FUJIFILM X100V": 1}
        gallery.verify()


def test_photos_with_given_vectors_have_cameras(folder: Path, tiny_bundle: Bundle) -> None:
    vectors = ImageEncoder(tiny_bundle).encode([folder / "phone.jpg", folder / "b/nikon.webp"])
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.add_vectors(["phone.jpg", "b/nikon.webp"], vectors, fingerprint=tiny_bundle.fingerprint)
        assert cameras(gallery) == {"phone.jpg": PHONE, "b/nikon.webp": NIKON}


@pytest.fixture(params=[1, 2])
def old(folder: Path, tiny_bundle: Bundle, request: pytest.FixtureRequest) -> Path:
    """The folder with a gallery of format 1 or 2."""
    with without_cameras(), Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
    make_older(folder / ".photoseek", request.param)
    return folder


def test_an_older_gallery_is_searched_without_being_changed(old: Path) -> None:
    before = (old / ".photoseek/gallery.sqlite").read_bytes()
    with Gallery.open(old) as gallery:
        assert cameras(gallery) == dict.fromkeys(EXPECTED)
        assert cameras(gallery, Filter(camera=CANON)) == {}
        assert count_photos(gallery.generation().columns).cameras == {}
        with pytest.raises(QueryError, match=r"not read yet, found 'Canon'; run: photoseek index PHOTOS$"):
            with_known_names(gallery.database, Filter(camera="Canon"))
        gallery.verify()
    assert (old / ".photoseek/gallery.sqlite").read_bytes() == before


def test_indexing_reads_the_cameras_of_an_older_gallery_and_encodes_nothing(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_encoding(monkeypatch)
    with Gallery.open(old) as gallery, Gallery.open(old) as reader:
        assert cameras(reader) == dict.fromkeys(EXPECTED)
        before = gallery.database.query("SELECT id, path FROM photos ORDER BY id")
        report = gallery.index()
        assert (report.encoded, report.reused, report.unchanged) == (0, 0, len(EXPECTED))
        assert gallery.database.format == FORMAT
        assert cameras(gallery) == cameras(reader) == ALL
        assert cameras(reader, Filter(camera=CANON)).keys() == {path for path in ALL if ALL[path] == CANON}
        assert gallery.database.query("SELECT id, path FROM photos ORDER BY id") == before  # albums and links stay
        gallery.verify()
        state = gallery.database.index_state(gallery.fingerprint)
        assert gallery.index().unchanged == len(EXPECTED)
        assert gallery.database.index_state(gallery.fingerprint) == state


def test_an_interrupted_reading_of_cameras_resumes(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_encoding(monkeypatch)

    def stop(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with Gallery.open(old) as gallery, Gallery.open(old) as reader:
        before = cameras(reader)
        with pytest.raises(KeyboardInterrupt):
            gallery.index(progress=stop, backend=ThreadBackend(workers=1, ahead=1))
        read = dict(gallery.database.query("SELECT path, camera FROM photos WHERE camera IS NOT NULL"))
        assert 0 < len(read) < len(EXPECTED)
        assert read == {path: EXPECTED[path] for path in read}
        assert before.keys() == cameras(reader).keys()  # the snapshot still answers, though some rows have cameras
        gallery.verify()
        report = gallery.index()
        assert (report.encoded, report.unchanged) == (0, len(EXPECTED))
        assert cameras(reader) == ALL
        assert cameras(reader, Filter(camera=CANON)).keys() == {path for path in ALL if ALL[path] == CANON}


def test_cameras_that_are_read_later_are_not_missing_in_a_delta(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MIN_BASE", 0)
    monkeypatch.setattr(build, "MAX_SHARE", 1.0)
    write(old / "new.jpg", "Canon", "EOS R6", 30)
    with Gallery.open(old) as gallery:
        gallery.index()
        assert cameras(gallery, Filter(camera=CANON)).keys() == {"new.jpg", *(p for p in ALL if ALL[p] == CANON)}
        assert gallery.generation().base is None


def test_new_photos_with_cameras_are_a_delta_of_an_older_snapshot_without(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "MIN_BASE", 0)
    monkeypatch.setattr(build, "MAX_SHARE", 1.0)
    with Gallery.create(photos, tiny_bundle) as gallery:
        gallery.index()
    make_older(photos / ".photoseek", 2)
    with Gallery.open(photos) as gallery:
        before = gallery.generation().path
        gallery.index()
        assert gallery.generation().path == before  # no photo has a camera: nothing to write
        write(photos / "new.jpg", "Canon", "EOS R6", 30)
        gallery.index()
        base = gallery.generation().base
        assert base is not None
        assert base.path == before
        assert cameras(gallery, Filter(camera=CANON)) == {"new.jpg": CANON}
        assert count_photos(gallery.generation().columns).cameras == {CANON: 1}
        gallery.verify()


@pytest.mark.parametrize("value", ["'Canon EOS R5'", "''", "x'00'"])
def test_a_damaged_camera_is_reported_and_repaired(folder: Path, tiny_bundle: Bundle, value: str) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        with gallery.database.writing() as connection:
            connection.execute(f"UPDATE photos SET camera = {value} WHERE path = 'phone.jpg'")
        with pytest.raises(GalleryDamaged):
            cameras(gallery)
        with pytest.raises(GalleryDamaged, match="1 rows of photos"):
            gallery.verify()
        gallery.repair()
        gallery.index()
        assert cameras(gallery) == ALL
        gallery.verify()


@pytest.mark.parametrize("content", [b"{}", b"[1]", b"\xff", b'["Canon"', b"", b"[" * 100_000])
def test_a_list_of_cameras_that_is_none_is_refused(folder: Path, tiny_bundle: Bundle, content: bytes) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        snapshot = shutil.copytree(gallery.generation().path, folder / "copy")
    (snapshot / "cameras.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        Columns.open(snapshot, len(EXPECTED))


def test_an_unknown_camera_is_an_error_that_names_those_of_the_gallery(folder: Path, tiny_bundle: Bundle) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        assert with_known_names(gallery.database, Filter(camera="canon eos r6")).camera == CANON
        for wanted, first in (("Nikon", NIKON), ("Canon EOS R5", CANON), ("iphone", PHONE)):
            with pytest.raises(QueryError) as raised:
                with_known_names(gallery.database, Filter(camera=wanted))
            start, _, names = str(raised.value).partition("; it has ")
            assert start == f"camera: expected a camera of this gallery, found {wanted!r}"
            assert names.split(", ")[0] == repr(first)
            assert len(names.split(", ")) == 3
        assert cameras(gallery, Filter(camera="Nikon")) == {}  # in the library, a filter is a filter
        for number in range(20):
            write(folder / f"{number}.jpg", "Maker", f"Model {number:02}", number)
        gallery.index()
        with pytest.raises(QueryError, match=r"it has 'Maker Model 19', .*, \.\.\.$"):
            with_known_names(gallery.database, Filter(camera="model 19"))


def test_a_gallery_without_cameras_says_so(gallery: Gallery) -> None:
    with pytest.raises(QueryError, match=r"expected none, since no photo of this gallery names its camera, found 'x'"):
        with_known_names(gallery.database, Filter(camera="x"))
