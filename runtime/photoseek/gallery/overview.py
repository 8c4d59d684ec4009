"""Numbers of photos of a gallery by date, folder, type, orientation and camera, from the columns of its snapshot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from photoseek.gallery.snapshot.columns import (
    CAMERA,
    FOLDER,
    NO_DATE,
    ORIENTATION,
    ORIENTATIONS,
    TAKEN,
    TYPE,
    TYPE_NUMBERS,
    Columns,
)


@dataclass(frozen=True)
class Overview:
    """Numbers of searchable photos.

    Attributes:
        photos: All of them.
        years: By year, ``YYYY``, the latest first.
        months: By month, ``YYYY-MM``, the latest first. Photos whose month is unknown count for their year only.
        undated: Without a date.
        folders: By folder, relative to the photo folder, subfolders included; in order.
        types: By file type, the most frequent first.
        orientations: By orientation, the most frequent first.
        cameras: By camera, the most frequent first; photos without one do not count.
    """

    photos: int
    years: dict[str, int]
    months: dict[str, int]
    undated: int
    folders: dict[str, int]
    types: dict[str, int]
    orientations: dict[str, int]
    cameras: dict[str, int]


def count_photos(columns: Columns) -> Overview:
    """Return the numbers of photos in a snapshot's columns; reads no row of the database."""
    months = _frequencies(columns.values[TAKEN] // 100)  # NO_DATE stays below 0
    undated = months.pop(NO_DATE, 0)
    years: Counter[int] = Counter()
    for month, count in months.items():
        years[month // 100] += count
    return Overview(
        photos=columns.values.shape[1],
        years={f"{year:04}": years[year] for year in sorted(years, reverse=True)},
        months={
            f"{month // 100:04}-{month % 100:02}": months[month]
            for month in sorted(months, reverse=True)
            if month % 100
        },
        undated=undated,
        folders=_folders(columns),
        types=_named(columns.values[TYPE], TYPE_NUMBERS),
        orientations=_named(columns.values[ORIENTATION], ORIENTATIONS),
        cameras=_named(columns.values[CAMERA], {name: number for number, name in enumerate(columns.cameras, start=1)}),
    )


def _folders(columns: Columns) -> dict[str, int]:
    counts, found = _frequencies(columns.values[FOLDER]), Counter[str]()
    for path, number in columns.folder_numbers().items():
        for folder in accumulate(path.split("/")[:-1], "{}/{}".format):
            found[folder] += counts.get(number, 0)
    return {folder: found[folder] for folder in sorted(found) if found[folder]}


def _named(column: npt.NDArray[np.int32], numbers: dict[str, int]) -> dict[str, int]:
    counts = _frequencies(column)
    named = Counter({name: counts[number] for name, number in numbers.items() if name and number in counts})
    return dict(named.most_common())


def _frequencies(column: npt.NDArray[np.int32]) -> dict[int, int]:
    values, counts = np.unique(column, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))
