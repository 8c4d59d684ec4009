"""When a photo was taken: which EXIF tags count, in which form, and which dates are mistakes."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from PIL import ExifTags, Image

from photoseek.photos.dates import iso_taken, name_taken, resolve_taken
from photoseek.photos.decode import decode_photo

SHOT, DIGITIZED, CHANGED = "2019:08:24 15:30:12", "2020:01:02 03:04:05", "2021:06:07 08:09:10"


def taken(original: str | None = None, digitized: str | None = None, changed: str | None = None) -> str:
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    for tags, tag, value in (
        (details, ExifTags.Base.DateTimeOriginal, original),
        (details, ExifTags.Base.DateTimeDigitized, digitized),
        (exif, ExifTags.Base.DateTime, changed),
    ):
        if value is not None:
            tags[tag] = value
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=exif)
    return decode_photo(file.getvalue()).taken


def test_the_date_of_the_shot_precedes_those_of_digitization_and_change() -> None:
    assert taken(SHOT, DIGITIZED, CHANGED) == "2019-08-24 15:30:12"
    assert taken(None, DIGITIZED, CHANGED) == "2020-01-02 03:04:05"
    assert taken(None, None, CHANGED) == "2021-06-07 08:09:10"
    assert taken() == ""
    assert taken("    :  :     :  :  ", DIGITIZED) == "2020-01-02 03:04:05"


@pytest.mark.parametrize("text", ["2019-08-24 15:30:12", "2019/08/24 15:30:12", "2019:08:24T15:30:12+02:00"])
def test_other_separators_are_read(text: str) -> None:
    assert taken(text) == "2019-08-24 15:30:12"


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "2019:02:30 10:00:00",
        "2019:13:01 10:00:00",
        "2019:01:01 24:00:00",
        "1004:01:01 10:00:00",
        f"{datetime.now().year + 2}:01:01 10:00:00",
        "yesterday",
    ],
)
def test_dates_that_cannot_be_are_no_dates(text: str) -> None:
    assert taken(text) == ""


def test_a_leap_second_is_the_second_before() -> None:
    assert taken("2016:12:31 23:59:60") == "2016-12-31 23:59:59"


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("IMG-20190824-WA0001.jpg", "2019-08-24"),
        ("PXL_20230102_101112345.MP.jpg", "2023-01-02 10:11:12"),
        ("Screenshot_2021-03-02-10-11-12.png", "2021-03-02 10:11:12"),
        ("Screenshot 2021-03-02 at 1.02.03\u202fPM.png", "2021-03-02 13:02:03"),
        ("Screenshot 2021-03-02 at 12.02.03 AM.png", "2021-03-02 00:02:03"),
        ("截屏2021-03-02 下午1.02.03.png", "2021-03-02 13:02:03"),
        ("2019-08-24 10.11.12.jpg", "2019-08-24 10:11:12"),
        ("2019_08_24.jpg", "2019-08-24"),
        ("2019.08.24 (2).jpg", "2019-08-24"),
        ("2019年8月24日.jpg", "2019-08-24"),
        ("20190824101112.jpg", "2019-08-24 10:11:12"),
        ("20190824_101112(1).jpg", "2019-08-24 10:11:12"),
        ("photo_2021-03-02_10-11-12.jpg", "2021-03-02 10:11:12"),
        ("WhatsApp Image 2019-08-24 at 10.11.12.jpeg", "2019-08-24 10:11:12"),
        ("VID_20190824_995959.jpg", "2019-08-24"),
        ("IMG_20190824_0001.jpg", "2019-08-24"),
        ("a/19990101/IMG_0001.jpg", ""),
    ],
)
def test_names_have_dates_and_perhaps_times(name: str, date: str) -> None:
    assert name_taken(name) == date


@pytest.mark.parametrize(
    "name",
    [
        "120190824.jpg",
        "201908241.jpg",
        "2019-08-241.jpg",
        "mmexport1566632000000.jpg",
        "IMG_20191332_101010.jpg",
        "2019.02.30.jpg",
        "1920x1080-10-80.jpg",
        "2019-08.24.jpg",
        f"IMG_{datetime.now().year + 2}0101.jpg",
        "DSC_0001.jpg",
    ],
)
def test_other_digits_in_names_are_no_dates(name: str) -> None:
    assert name_taken(name) == ""


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2019-08-24T15:30:12.45+02:00", "2019-08-24 15:30:12"),
        ("2019-08-24T15:30Z", "2019-08-24 15:30:00"),
        ("2019-08-24", "2019-08-24"),
        ("1965-07", "1965-07"),
        ("1965", "1965"),
        ("2019-02-30", ""),
        ("0000-00-00T00:00:00", ""),
        ("20190824", ""),
        ("summer", ""),
    ],
)
def test_dates_of_xmp_may_lack_their_end(text: str, date: str) -> None:
    assert iso_taken(text) == date


def test_the_sources_of_a_date_precede_each_other() -> None:
    dates, name = ("2019-01-01", "2020-01-01", "2021-01-01"), "IMG_20220101_1.jpg"
    assert resolve_taken(*dates, name) == ("2019-01-01", "exif")
    assert resolve_taken("", *dates[1:], name) == ("2020-01-01", "xmp")
    assert resolve_taken("", "", dates[2], name) == ("2021-01-01", "sidecar")
    assert resolve_taken("", "", "", name) == ("2022-01-01", "name")
    assert resolve_taken("", "", "", "a.jpg") == ("", None)
