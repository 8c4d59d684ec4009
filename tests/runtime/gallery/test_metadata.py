"""Dates, titles and keywords of photos in a gallery: where they come from, how they change, and older galleries."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from older_galleries import make_older
from photo_metadata import jpeg, xmp
from photoseek import Bundle, Gallery, Searcher
from photoseek.gallery.filters import Filter
from photoseek.gallery.snapshot import build
from tiny_bundle import COLORS
from tiny_photos import write_color

COLUMNS = "SELECT path, titles, keywords, descriptions FROM photos ORDER BY path"
OLD = "IMG-20190824-WA0001.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos with a date by EXIF, by XMP, by an XMP file, by their name, and without one."""
    from PIL import ExifTags, Image

    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2018:01:02 03:04:05"
    (photos := tmp_path / "photos").mkdir()
    (photos / "IMG_20200101_exif.jpg").write_bytes(jpeg(exif=exif, color="blue"))
    (photos / "xmp.jpg").write_bytes(jpeg(xmp=xmp(taken="1965-07", title="The pier", keywords=["sea", "gull"])))
    (photos / "beside.jpg").write_bytes(jpeg(color="green"))
    (photos / "beside.xmp").write_bytes(xmp(taken="2021-05-06T07:08:09", keywords=["boat"], description="At noon"))
    write_color(photos / OLD, COLORS["white"])
    write_color(photos / "none.png", COLORS["yellow"])
    return photos


def dates(gallery: Gallery, where: Filter | None = None) -> dict[str, tuple[str | None, str | None]]:
    return {hit.path: (hit.taken, hit.taken_from) for hit in Searcher(gallery).search("red", k=20, where=where)}


ALL = {
    "IMG_20200101_exif.jpg": ("2018-01-02 03:04:05", "exif"),
    "xmp.jpg": ("1965-07", "xmp"),
    "beside.jpg": ("2021-05-06 07:08:09", "sidecar"),
    OLD: ("2019-08-24", "name"),
    "none.png": (None, None),
}


def test_each_source_of_a_date_is_kept_and_filtered(folder: Path, tiny_bundle: Bundle) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        assert dates(gallery) == ALL
        assert dates(gallery, Filter(taken_from="2019-08-24", taken_to="2019-08-24")).keys() == {OLD}
        assert dates(gallery, Filter(taken_to="1970")).keys() == {"xmp.jpg"}
        assert dates(gallery, Filter(taken_from="2021-05-06", taken_to="2021-05-06")).keys() == {"beside.jpg"}
        assert gallery.database.query(COLUMNS)[-2:] == [
            ("none.png", "", "", ""),
            ("xmp.jpg", "The pier", "sea\ngull", ""),
        ]
        gallery.verify()


def test_a_renamed_photo_has_the_date_of_its_new_name(folder: Path, tiny_bundle: Bundle) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        (folder / OLD).rename(folder / "2020-02-03 10.11.12.png")
        (folder / "beside.jpg").rename(folder / "alone.jpg")
        report = gallery.index()
        assert (report.encoded, report.reused, report.removed) == (0, 2, 2)
        found = dates(gallery)
        assert found["2020-02-03 10.11.12.png"] == ("2020-02-03 10:11:12", "name")
        assert found["alone.jpg"] == (None, None)


@pytest.mark.parametrize("delta", [False, True])
def test_changes_of_sidecars_are_found_without_encoding(
    folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, *, delta: bool
) -> None:
    if delta:
        monkeypatch.setattr(build, "MIN_BASE", 0)
        monkeypatch.setattr(build, "MAX_SHARE", 1.0)
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        before = gallery.generation().manifest.state
        gallery.index()
        assert gallery.generation().manifest.state == before
        for document, name, expected in (
            (xmp(taken="2011-01-01"), "beside.xmp", ("2011-01-01", "sidecar")),
            (xmp(taken="2012-01-01"), "beside.jpg.XMP", ("2012-01-01", "sidecar")),
            (b"<damaged", "beside.jpg.XMP", ("2011-01-01", "sidecar")),
            (b"", "beside.xmp", (None, None)),
        ):
            (folder / name).write_bytes(document)
            report = gallery.index()
            assert (report.encoded, report.unchanged, report.photos) == (0, 5, 5)
            assert dates(gallery)["beside.jpg"] == expected
            assert (gallery.generation().base is not None) is delta
            gallery.verify()
        (folder / "beside.xmp").unlink()
        (folder / "beside.jpg.XMP").unlink()
        assert gallery.index().unchanged == 5
        assert dates(gallery)["beside.jpg"] == (None, None)


def test_a_sidecar_that_cannot_be_read_is_left_out(folder: Path, tiny_bundle: Bundle) -> None:
    (folder / "beside.xmp").unlink()
    (folder / "beside.xmp").mkdir()
    (folder / "none.xmp").symlink_to("nowhere")
    with Gallery.create(folder, tiny_bundle) as gallery:
        report = gallery.index()
        assert (report.encoded, report.unreadable) == (5, [])
        assert dates(gallery)["beside.jpg"] == (None, None)


def test_a_gallery_is_not_more_public_than_a_sidecar(folder: Path, tiny_bundle: Bundle) -> None:
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / "beside.xmp").chmod(0o600)
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        assert (gallery.path / "gallery.sqlite").stat().st_mode & 0o077 == 0


@pytest.fixture
def old(folder: Path, tiny_bundle: Bundle) -> Path:
    """A folder whose gallery has format 1; its snapshot is of the same photos."""
    beside = (folder / "beside.xmp").read_bytes()
    (folder / "beside.xmp").unlink()
    (folder / "xmp.jpg").rename(folder / "../xmp.jpg")
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
    make_older(folder / ".photoseek", 1)
    (folder / "beside.xmp").write_bytes(beside)
    (folder / "../xmp.jpg").rename(folder / "xmp.jpg")
    return folder


def test_a_gallery_of_format_1_is_searched_without_being_changed(old: Path) -> None:
    before = (old / ".photoseek" / "gallery.sqlite").read_bytes()
    with Gallery.open(old) as gallery:
        assert dates(gallery) == {path: ALL[path] for path in ("IMG_20200101_exif.jpg", OLD, "none.png")} | {
            "beside.jpg": (None, None)
        }
        gallery.verify()
        gallery.status()
    assert (old / ".photoseek" / "gallery.sqlite").read_bytes() == before


def test_indexing_upgrades_format_1_and_encodes_nothing_again(old: Path) -> None:
    with Gallery.open(old) as gallery, Gallery.open(old) as reader:
        assert dates(reader).keys() == ALL.keys() - {"xmp.jpg"}
        first = dict(gallery.database.query("SELECT id, path FROM photos"))
        report = gallery.index()
        assert (report.encoded, report.unchanged, report.photos) == (1, 4, 5)
        assert dates(gallery) == dates(reader) == ALL
        assert gallery.database.query("SELECT DISTINCT incomplete FROM vectors") == [(0,)]
        gallery.verify()
        kept = {photo for photo, path in gallery.database.query("SELECT id, path FROM photos") if photo in first}
        assert {first[photo] for photo in kept} == {"IMG_20200101_exif.jpg", OLD, "none.png"}
        state = gallery.database.index_state(gallery.fingerprint)
        assert gallery.index().unchanged == 5
        assert gallery.database.index_state(gallery.fingerprint) == state


def test_an_interrupted_upgrade_reads_the_rest_of_the_metadata_later(old: Path) -> None:
    with Gallery.open(old) as gallery:

        def stop(_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            gallery.index(progress=stop)
        assert gallery.database.query("SELECT count(*) FROM photos WHERE titles IS NULL") == [(4,)]
        gallery.index()
        assert dates(gallery) == ALL


def test_two_bundles_share_the_metadata(folder: Path, tiny_bundle: Bundle, second: Bundle) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.bundles.add(second)
        gallery.index()
        shutil.copy(folder / "beside.xmp", folder / "none.xmp")
        gallery.index()
        for bundle in (tiny_bundle, second):
            found = {hit.path: hit.taken for hit in Searcher(gallery, bundle=bundle).search("red", k=9)}
            assert found["none.png"] == "2021-05-06 07:08:09"
        gallery.verify()


def test_damaged_dates_and_texts_are_found_and_repaired(folder: Path, tiny_bundle: Bundle) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index()
        for column, value in (("sidecar_taken", "'1999'"), ("keywords", "x'00'"), ("sidecar", "'x'")):
            with gallery.database.writing() as connection:
                connection.execute(f"UPDATE photos SET {column} = {value} WHERE path = 'beside.jpg'")
            with pytest.raises(Exception, match="1 rows of photos"):
                gallery.verify()
            gallery.repair()
            gallery.index()
            assert dates(gallery) == ALL


def test_an_excluded_sidecar_is_not_read(folder: Path, tiny_bundle: Bundle) -> None:
    with Gallery.create(folder, tiny_bundle) as gallery:
        gallery.index(exclude=["beside.xmp"])
        assert dates(gallery)["beside.jpg"] == (None, None)
