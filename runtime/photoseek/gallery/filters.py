"""Filters that restrict which photos a query may find, and the comparisons of a filter."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal, TypeAlias, get_args

from photoseek.errors import QueryError
from photoseek.system.filenames import normalize_user_path

Orientation: TypeAlias = Literal["landscape", "portrait", "square"]

TYPES = {
    "jpeg": ("jpg", "jpeg", "jpe", "jfif", "mpo"),
    "png": ("png",),
    "webp": ("webp",),
    "gif": ("gif",),
    "tiff": ("tif", "tiff"),
    "bmp": ("bmp",),
    "avif": ("avif",),
    "ppm": ("ppm",),
    "heic": ("heic", "heif", "hif"),
    "jpeg2000": ("jp2", "j2k", "j2c", "jpx", "jpf"),
    "jxl": ("jxl",),
    "raw": ("arw", "cr2", "cr3", "dng", "nef", "orf", "raf", "rw2"),
}
"""File types, and their extensions."""

Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">="]

_MOST_PIXELS = 2**62  # more than any photo has, and fits 64 bits
_TYPE_OF = {ending: name for name, endings in TYPES.items() for ending in endings}
_LONE = re.compile("[\ud800-\udfff]")  # lone surrogates, which databases reject
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


@dataclass(frozen=True)
class Filter:
    """Conditions that a photo must all match; None: no condition.

    Attributes:
        folder: A folder inside the photo folder, including its subfolders.
        taken_from: Earliest date: a year, month or day, such as ``2024``, ``2024-05`` or ``2024-05-17``. Photos without
            a date do not match.
        taken_to: Latest date, likewise; not before ``taken_from``.
        min_megapixels: Smallest size, in millions of pixels.
        max_megapixels: Largest size, in millions of pixels.
        orientation: ``landscape`` is wider than high, ``portrait`` higher than wide.
        type: One of ``TYPES``.
        camera: Name of a camera, make and model as ``photoseek.photos.camera`` returns them, in any case.

    Raises:
        QueryError: Invalid value.
    """

    folder: str | None = None
    taken_from: str | None = None
    taken_to: str | None = None
    min_megapixels: float | None = None
    max_megapixels: float | None = None
    orientation: Orientation | None = None
    type: str | None = None
    camera: str | None = None

    def __post_init__(self) -> None:
        if self.folder is not None and (
            not isinstance(self.folder, str) or _LONE.search(normalize_user_path(self.folder))
        ):
            raise QueryError(f"folder: expected the path of a folder, found {self.folder!r}")
        for name, value in (("taken_from", self.taken_from), ("taken_to", self.taken_to)):
            if value is not None and (not isinstance(value, str) or not _DATE.fullmatch(value)):
                raise QueryError(f"{name}: expected a date like 2024, 2024-05 or 2024-05-17, found {value!r}")
        if self.taken_from is not None and self.taken_to is not None and self.taken_from > f"{self.taken_to}~":
            raise QueryError(
                f"taken_from: expected a date not after taken_to, {self.taken_to}, found {self.taken_from!r}"
            )
        for name, size in (("min_megapixels", self.min_megapixels), ("max_megapixels", self.max_megapixels)):
            if size is not None and not _is_size(size):
                raise QueryError(f"{name}: expected a number of at least 0, found {size!r:.40}")
        if self.orientation is not None and self.orientation not in get_args(Orientation):
            raise QueryError(f"orientation: expected {', '.join(get_args(Orientation))}, found {self.orientation!r}")
        if self.type is not None and (not isinstance(self.type, str) or self.type not in TYPES):
            raise QueryError(f"type: expected one of {', '.join(TYPES)}, found {self.type!r}")
        if self.camera is not None and not (isinstance(self.camera, str) and _is_name(camera_key(self.camera))):
            raise QueryError(f"camera: expected the name of a camera, such as Canon EOS R6, found {self.camera!r:.200}")

    @property
    def empty(self) -> bool:
        """Whether there is no condition."""
        return not self.to_json()

    @property
    def folder_prefix(self) -> str:
        """The folder with a slash at its end, with which the paths of its photos begin; empty for any folder."""
        folder = normalize_user_path(self.folder or "").strip("/")
        return f"{folder}/" if folder else ""

    @property
    def fewest_pixels(self) -> int | None:
        """``min_megapixels`` as a number of pixels."""
        return None if self.min_megapixels is None else math.ceil(_pixels(self.min_megapixels))

    @property
    def most_pixels(self) -> int | None:
        """``max_megapixels`` as a number of pixels."""
        return None if self.max_megapixels is None else math.floor(_pixels(self.max_megapixels))

    def to_json(self) -> dict[str, Any]:
        """Return the conditions that are set."""
        return {it.name: value for it in fields(self) if (value := getattr(self, it.name)) is not None}


@dataclass(frozen=True)
class Clause:
    """A comparison of a field of a photo, ``field operator value``; texts compare by code points."""

    field: Literal["path", "taken", "pixels", "orientation", "type", "camera"]
    operator: Operator
    value: str | int


def filter_clauses(where: Filter | None) -> list[Clause]:
    """Return the comparisons that a photo must all match; none without a filter.

    Each store renders them in its language: SQL of PostgreSQL, or Milvus expressions.
    """
    if where is None:
        return []
    found: list[Clause] = []
    if folder := where.folder_prefix:
        found += [Clause("path", ">=", folder), Clause("path", "<", f"{folder[:-1]}0")]  # 0 is the character after /
    if where.taken_from is not None:
        found.append(Clause("taken", ">=", where.taken_from))
    if where.taken_to is not None:
        found += [Clause("taken", "!=", ""), Clause("taken", "<", f"{where.taken_to}~")]  # ~ is after all of a date
    if where.fewest_pixels is not None:
        found.append(Clause("pixels", ">=", where.fewest_pixels))
    if where.most_pixels is not None:
        found.append(Clause("pixels", "<=", where.most_pixels))
    if where.orientation is not None:
        found.append(Clause("orientation", "=", where.orientation))
    if where.type is not None:
        found.append(Clause("type", "=", where.type))
    if where.camera is not None:
        found.append(Clause("camera", "=", camera_key(where.camera)))
    return found


def orientation(width: int, height: int) -> Orientation:
    """Return the orientation of a photo."""
    return "landscape" if width > height else "portrait" if width < height else "square"


def file_type(path: str) -> str:
    """Return the file type of an extension, one of ``TYPES``; empty for any other."""
    _, dot, ending = path.rpartition(".")
    return _TYPE_OF.get(ending.lower(), "") if dot else ""


def camera_key(name: str) -> str:
    """Return what is compared of the name of a camera, in which case and the number of spaces do not matter."""
    return " ".join(name.split()).casefold()


def _is_name(text: str) -> bool:
    return bool(text) and text.isprintable()


def _pixels(megapixels: float) -> float:
    return min(float(megapixels) * 1e6, float(_MOST_PIXELS))


def _is_size(value: object) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return float(value) >= 0
    except OverflowError:  # an integer too large for a float
        return False
