"""Columns that filters compare: date, folder, pixels, orientation, type and camera of each photo of a snapshot.

They are written from the same database rows as the checksums, so a filter reads no row of the database.

``columns.npy`` is an array (6, n) of int32. ``folders.bin`` lists each folder that contains photos in sorted order: a
NUL, the path in UTF-8, and a slash (for the photo folder itself, only the NUL). The number of a folder is the offset of
its NUL, so a folder and its subfolders have a range of numbers. ``cameras.json`` lists the cameras, whose numbers start
at 1. Snapshots of older versions have neither this file nor the last column.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt

from photoseek.gallery.database.records import StoredPhoto
from photoseek.gallery.file_names import CAMERAS, CHECKSUMS, COLUMNS, FOLDERS
from photoseek.gallery.filters import TYPES, Filter, Orientation, camera_key, file_type, orientation
from photoseek.gallery.snapshot.arrays import map_array, write_array
from photoseek.vector_index.base import Matches
from photoseek.vectors import Mask, Rows

TAKEN, FOLDER, PIXELS, ORIENTATION, TYPE, CAMERA = range(6)
"""Rows of ``columns.npy``."""

NO_DATE = -1
"""Value of ``TAKEN`` without a date; other dates are the number YYYYMMDD, with 0 for an unknown month or day."""

ORIENTATIONS: dict[str, int] = {name: number for number, name in enumerate(get_args(Orientation))}
"""Values of ``ORIENTATION``."""

TYPE_NUMBERS = {name: number for number, name in enumerate(("", *TYPES))}
"""Values of ``TYPE``; 0 is any other type."""

_MOST = 2**31 - 1  # no photo has as many pixels, see ``photoseek.photos.formats.MAX_PIXELS``
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?!\d)", re.ASCII)


@dataclass(frozen=True)
class Columns:
    """The columns of a snapshot.

    Attributes:
        values: As in ``columns.npy``.
        folders: As in ``folders.bin``.
        cameras: As in ``cameras.json``; ``CAMERA`` is 0 for a photo without one.
    """

    values: npt.NDArray[np.int32]
    folders: bytes
    cameras: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: Path, count: int, *, has_cameras: bool = True) -> Columns:
        """Map the columns of a snapshot of ``count`` photos into memory.

        Raises:
            ValueError: The files contain anything else.
        """
        folders = (folder / FOLDERS).read_bytes()
        if has_cameras:
            return cls(map_array(folder / COLUMNS, np.int32, (6, count)), folders, _read_cameras(folder / CAMERAS))
        values = map_array(folder / COLUMNS, np.int32, (5, count))
        return cls(np.concatenate([values, np.zeros((1, count), dtype=np.int32)]), folders)

    def matching(self, where: Filter) -> Matches:
        """Return a function that returns which rows match a filter."""
        ranges = [(self.values[column], *limits) for column, limits in self._ranges(where).items()]

        def matches(rows: Rows | slice) -> Mask:
            found = np.ones(len(self.values[0][rows]), dtype=bool)
            for column, lowest, highest in ranges:
                values = column[rows]
                found &= (values >= lowest) & (values <= highest)
            return found

        return matches

    def folder_numbers(self) -> dict[str, int]:
        """Return the value of ``FOLDER`` of each folder with photos, a path with a slash at its end, in order."""
        names = self._folder_names()
        paths = (name[1:].decode("utf-8", "surrogatepass") for name in names)
        return dict(zip(paths, _offsets(names).tolist(), strict=True))

    def joined(self, removed: Rows, added: Columns) -> Columns:
        """Return the columns without removed rows, followed by those of added photos."""
        names = sorted({*self._folder_names(), *added._folder_names()})
        offset_of = dict(zip(names, _offsets(names).tolist(), strict=True))
        cameras = _CameraNumbers()
        parts = []
        for each in (self, added):
            values = each.values.copy()
            own = each._folder_names()
            offsets = np.array([offset_of[name] for name in own], dtype=np.int32)
            values[FOLDER] = offsets[np.searchsorted(_offsets(own), values[FOLDER])]
            values[CAMERA] = np.array([cameras.of(name) for name in ("", *each.cameras)])[values[CAMERA]]
            parts.append(values)
        values = np.concatenate([np.delete(parts[0], removed, axis=1), parts[1]], axis=1)
        return Columns(values, b"".join(names), tuple(cameras.names))

    def _folder_names(self) -> list[bytes]:
        """Return the entries of ``folders.bin``."""
        return [b"\0" + name for name in self.folders.split(b"\0")[1:]]

    def _ranges(self, where: Filter) -> dict[int, tuple[int, int]]:
        """Return the lowest and the highest number that match, by column."""
        found: dict[int, tuple[int, int]] = {}
        if where.folder_prefix:
            found[FOLDER] = self._folder_range(where.folder_prefix)
        if where.taken_from is not None or where.taken_to is not None:
            found[TAKEN] = (_date(where.taken_from or "0000", "0"), _date(where.taken_to or "9999", "9"))
        if where.fewest_pixels is not None or where.most_pixels is not None:
            found[PIXELS] = (where.fewest_pixels or 0, _MOST if where.most_pixels is None else where.most_pixels)
        if where.orientation is not None:
            found[ORIENTATION] = (ORIENTATIONS[where.orientation],) * 2
        if where.type is not None:
            found[TYPE] = (TYPE_NUMBERS[where.type],) * 2
        if where.camera is not None:
            number = {camera_key(name): number for number, name in enumerate(self.cameras, start=1)}
            found[CAMERA] = (number.get(camera_key(where.camera), -1),) * 2
        return found

    def _folder_range(self, prefix: str) -> tuple[int, int]:
        """Return the lowest and the highest number of a folder and its subfolders; an empty range if there is none."""
        if "\0" in prefix:
            return 0, -1
        wanted = b"\0" + prefix.encode()
        return max(0, self.folders.find(wanted)), self.folders.rfind(wanted)


def write_columns(folder: Path, photos: Iterable[tuple[int, StoredPhoto]]) -> int:
    """Write columns and checksums of photos, in the order of their ids, and return how many there were."""
    checksums, numbers, cameras = array("I"), [array("i") for _ in range(6)], _CameraNumbers()
    seen: dict[str, int] = {}  # folders in the order of their first photos
    for photo, stored in photos:
        checksums.append(stored.checksum(photo))
        parent = stored.path[: stored.path.rfind("/") + 1]
        pixels = min(max(stored.width * stored.height, 0), _MOST)
        kinds = (ORIENTATIONS[orientation(stored.width, stored.height)], TYPE_NUMBERS[file_type(stored.path)])
        place = seen.setdefault(parent, len(seen))
        facts = (_date(stored.taken, "0"), place, pixels, *kinds, cameras.of(stored.camera))
        for column, number in zip(numbers, facts, strict=True):
            column.append(number)
    values = np.array(numbers, dtype=np.int32)
    names = [b"\0" + parent.encode("utf-8", "surrogatepass") for parent in seen]
    order = sorted(names)
    offset_of = dict(zip(order, _offsets(order).tolist(), strict=True))
    values[FOLDER] = np.array([offset_of[name] for name in names], dtype=np.int32)[values[FOLDER]]
    write_array(folder / CHECKSUMS, np.array(checksums, dtype=np.uint32))
    write_array(folder / COLUMNS, values)
    with (folder / FOLDERS).open("wb") as file:
        file.write(b"".join(order))
    with (folder / CAMERAS).open("wb") as file:
        file.write(json.dumps(cameras.names).encode())
    return len(checksums)


class _CameraNumbers:
    """Numbers of cameras, in the order in which they are first seen; names that differ in case are one camera."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers = {"": 0}

    def of(self, name: str) -> int:
        """Return the number of a camera; 0 for none."""
        key = camera_key(name)
        if key not in self._numbers:
            self.names.append(name)
            self._numbers[key] = len(self.names)
        return self._numbers[key]


def _read_cameras(path: Path) -> tuple[str, ...]:
    """Return the names of cameras.

    Raises:
        ValueError: The file contains anything else.
    """
    try:
        names = json.loads(path.read_bytes())
    except RecursionError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{path.name}: expected a list of names")
    return tuple(names)


def _offsets(names: list[bytes]) -> npt.NDArray[np.int32]:
    """Return the offset of each entry of ``folders.bin``."""
    return np.cumsum([0, *map(len, names)], dtype=np.int32)[:-1]


def _date(text: str, rest: str) -> int:
    """Return a date as the number YYYYMMDD, with ``rest`` as its missing digits; ``NO_DATE`` if it is not a date."""
    found = _DATE.match(text)
    return int("".join(filter(None, found.groups())).ljust(8, rest)) if found else NO_DATE
