"""When a photo was taken: by its EXIF, its XMP, or the name of its file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeAlias

from PIL import ExifTags, Image

DateSource: TypeAlias = Literal["exif", "xmp", "sidecar", "name"]
"""Where the date of a photo comes from: its EXIF, its XMP, an XMP file beside it, or the name of its file."""

_EARLIEST_YEAR = 1826  # of the oldest photograph
_TAGS = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
_EXIF = re.compile(
    r"(\d{4})[:/.-]([01]\d)[:/.-]([0-3]\d)[T ]([0-2]\d):([0-5]\d):([0-6]\d)",
    re.ASCII,
)
_ISO = re.compile(
    r"(\d{4})(?:[-:](\d\d)(?:[-:](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?)?)?(?![\d:])",
    re.ASCII,
)
_SECONDS = r"(?P<H>[01]\d|2[0-3]){}(?P<M>[0-5]\d){}(?P<S>[0-5]\d)"
_DAY = r"(?<!\d)(?P<y>(?:19|20)\d\d){0}(?P<m>0[1-9]|1[0-2]){0}(?P<d>0[1-9]|[12]\d|3[01])"
_NAMES = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        # 20190824_101112, PXL_20230102_101112345, 20190824101112
        _DAY.format("") + r"(?:[-_ T.]{0,3}" + _SECONDS.format("", "") + r"(?:\d{3})?)?(?!\d)",
        # 2019-08-24 10.11.12, Screenshot 2021-03-02 at 1.02.03 PM
        r"(?<!\d)(?P<y>(?:18|19|20)\d\d)(?P<s>[-_. ])(?P<m>0[1-9]|1[0-2])(?P=s)(?P<d>0[1-9]|[12]\d|3[01])"
        r"(?:(?:[-_T., \u202f]|at|(?P<zh>上午|下午)){1,5}"
        r"(?P<H>[01]?\d|2[0-3])(?P<t>[-_.:h ]?)(?P<M>[0-5]\d)[-_.:m ]?(?P<S>[0-5]\d)(?:\d{3})?"
        r"(?!\d)(?:[ _\u202f]?(?P<half>[ap])\.?m)?)?(?!\d)",
        # 2019年8月24日
        r"(?<!\d)(?P<y>(?:18|19|20)\d\d)年(?P<m>0?[1-9]|1[0-2])月(?P<d>0?[1-9]|[12]\d|3[01])日"
        r"(?:[-_ ]{0,2}(?P<H>[01]?\d|2[0-3])[时時](?P<M>[0-5]?\d)分(?P<S>[0-5]?\d)秒?)?",
    )
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
            if isinstance(value, str) and (match := _EXIF.match(value.strip())) and (found := _date(match.groups())):
                return found
    except Exception:  # damaged EXIF does not make the photo unreadable
        pass
    return ""


def iso_taken(text: str) -> str:
    """Return a date of XMP, in ISO 8601, by the clock of its time zone; empty if it is none, or a mistake.

    A date may lack the time, the day and the month: ``1965``, as of a scanned photo.
    """
    match = _ISO.match(text.strip())
    return "" if match is None else _date(tuple(filter(None, match.groups())))


def name_taken(path: str) -> str:
    """Return the date in the name of a file, with its time if the name has one; empty if the name has no date.

    Digits that are part of a longer number are no date, and neither are days that do not exist.
    """
    name = path[path.rfind("/") + 1 :]
    if sum(map(str.isdecimal, name)) < 6:  # most names without a date need no search
        return ""
    for pattern in _NAMES:
        for match in pattern.finditer(name):
            if found := _of_name(match):
                return found
    return ""


def resolve_taken(exif: str, xmp: str, sidecar: str, path: str) -> tuple[str, DateSource | None]:
    """Return the date of a photo and where it comes from; empty and None if no source has one.

    Args:
        exif: Its date by EXIF, or empty, as are the others.
        xmp: Its date by the XMP in its file.
        sidecar: Its date by the XMP file beside it.
        path: Its path.
    """
    sources: tuple[tuple[str, DateSource], ...] = ((exif, "exif"), (xmp, "xmp"), (sidecar, "sidecar"))
    for taken, source in sources:
        if taken:
            return taken, source
    taken = name_taken(path)
    return taken, "name" if taken else None


def _of_name(match: re.Match[str]) -> str:
    found = match.groupdict()
    day = (found["y"], found["m"], found["d"])
    if found["H"] is None:
        return _date(day)
    hour = int(found["H"])
    half = "p" if found.get("zh") == "下午" else "a" if found.get("zh") else (found.get("half") or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    return _date((*day, hour, found["M"], found["S"]))


def _date(numbers: Iterable[str | int]) -> str:
    """Return a date in the form of ``exif_taken``, as long as its numbers allow; empty if it is a mistake."""
    values = [*map(int, numbers)]
    year, month, day, hour, minute, second = values + [0, 1, 1, 0, 0, 0][len(values) :]
    second = min(second, 59)  # 60 is a leap second
    try:
        datetime(year, month, day, hour, minute, second)
    except ValueError:
        return ""
    if not _EARLIEST_YEAR <= year <= datetime.now().year + 1:  # a camera's clock may be in another time zone
        return ""
    if len(values) < 4:
        return f"{year:04}-{month:02}-{day:02}"[: (4, 7, 10)[len(values) - 1]]
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
