"""When a photo was taken: which EXIF tags count, in which form, and which dates are mistakes."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from PIL import ExifTags, Image

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
