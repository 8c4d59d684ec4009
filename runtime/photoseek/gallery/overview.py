"""Numbers of photos of a gallery by date, folder, type, orientation and camera, from the columns of its snapshot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from photoseek.gallery.filters import Filter
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
    """Numbers of searchable photos; with a filter, those that match all of its conditions except the one counted.

    Attributes:
        photos: In any folder.
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


def count_photos(columns: Columns, where: Filter | None = None) -> Overview:
    """Return the numbers of photos in a snapshot's columns; reads no row of the database.

    Args:
        columns: The columns.
        where: A filter. Each number is what the filter would find with that year, folder, type and so on in place of
            its own.
    """

    def others(column: int, *own: str) -> npt.NDArray[np.int32]:
        """Return a column of the photos that match all conditions but its own."""
        rest = replace(where, **dict.fromkeys(own)) if where is not None else Filter()
        values: npt.NDArray[np.int32] = columns.values[column]
        return values if rest.empty else values[columns.matching(rest)(slice(None))]

    months = _frequencies(others(TAKEN, "taken_from", "taken_to") // 100)  # NO_DATE stays below 0
    undated = months.pop(NO_DATE, 0)
    years: Counter[int] = Counter()
    for month, count in months.items():
        years[month // 100] += count
    folders = others(FOLDER, "folder")
    return Overview(
        photos=len(folders),
        years={f"{year:04}": years[year] for year in sorted(years, reverse=True)},
        months={
            f"{month // 100:04}-{month % 100:02}": months[month]
            for month in sorted(months, reverse=True)
            if month % 100
        },
        undated=undated,
        folders=_folders(folders, columns.folder_numbers()),
        types=_named(others(TYPE, "type"), TYPE_NUMBERS),
        orientations=_named(others(ORIENTATION, "orientation"), ORIENTATIONS),
        cameras=_named(
            others(CAMERA, "camera"), {name: number for number, name in enumerate(columns.cameras, start=1)}
        ),
    )


def _folders(column: npt.NDArray[np.int32], numbers: dict[str, int]) -> dict[str, int]:
    counts, found = _frequencies(column), Counter[str]()
    for path, number in numbers.items():
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
