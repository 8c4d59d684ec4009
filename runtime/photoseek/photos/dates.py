"""When a photo was taken, by its EXIF."""

from __future__ import annotations

import re
from datetime import datetime

from PIL import ExifTags, Image

_EARLIEST_YEAR = 1826  # of the oldest photograph
_TAGS = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
_DATE = re.compile(
    r"(\d{4})[:/.-]([01]\d)[:/.-]([0-3]\d)[T ]([0-2]\d):([0-5]\d):([0-6]\d)",
    re.ASCII,
)


def exif_taken(image: Image.Image) -> str:
    """Return when a photo was taken by the camera's clock, ``YYYY-MM-DD HH:MM:SS``; empty if its EXIF has no date.

    The date is that of the shot, or else of the digitization, such as a scan, or else of the last change. Days that do
    not exist, and dates before photography or in the future, are mistakes of a clock or a program.
    """
    try:
        exif = image.getexif()
        details = exif.get_ifd(ExifTags.IFD.Exif)
        for value in (*(details.get(tag) for tag in _TAGS), exif.get(ExifTags.Base.DateTime)):
            if isinstance(value, str) and (found := _parsed(_DATE.match(value.strip()))):
                return found
    except Exception:  # damaged EXIF does not make the photo unreadable
        pass
    return ""


def _parsed(match: re.Match[str] | None) -> str:
    """Return a date in the form of ``exif_taken``; empty if it is a mistake."""
    if match is None:
        return ""
    year, month, day, hour, minute, second = map(int, match.groups())
    try:
        date = datetime(year, month, day, hour, minute, min(second, 59))  # 60 is a leap second
    except ValueError:
        return ""
    latest = datetime.now().year + 1  # a camera's clock may be in another time zone
    return f"{date:%Y-%m-%d %H:%M:%S}" if _EARLIEST_YEAR <= date.year <= latest else ""
