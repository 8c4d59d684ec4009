"""The photos of a gallery without a query, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from photoseek.gallery.database.records import StoredPhoto
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.snapshot.columns import NO_DATE, TAKEN
from photoseek.gallery.snapshot.row_checks import rows_for
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.photos.dates import DateSource
from photoseek.photos.photo_file import PhotoFile
from photoseek.sources.base import PhotoSource
from photoseek.vectors import Rows

_MOST_OF_A_DAY = 5_000  # photos that are sorted by their time


@dataclass(frozen=True)
class ListedPhoto:
    """A searchable photo of a gallery; the attributes are those of ``photoseek.Hit``."""

    path: str
    width: int
    height: int
    source: PhotoSource = field(repr=False)
    id: int
    taken: str | None = None
    taken_from: DateSource | None = None
    incomplete: bool = False
    camera: str | None = None

    @property
    def file(self) -> PhotoFile:
        """A path, or a ``RemoteFile`` for a photo in object storage."""
        return self.source.photo_file(self.path)


@dataclass(frozen=True)
class Listing:
    """A part of the photos that match a filter.

    Attributes:
        photos: The newest first, and those without a date at the end in the order in which they were indexed.
        total: Number of photos that match.
    """

    photos: list[ListedPhoto]
    total: int


def newest_photos(
    gallery: Gallery, snapshot: Snapshot, count: int, where: Filter | None = None, *, skip: int = 0
) -> Listing:
    """Return the newest photos of a snapshot.

    The columns of the snapshot have the day of each photo, so only rows of the photos that are returned, and of those
    taken on the same day as the first and the last one, are read from the database.

    Args:
        gallery: The gallery.
        snapshot: Its current snapshot.
        count: Maximum number of photos. Photos that were removed since the snapshot was written are not returned.
        where: Only photos that match this filter.
        skip: Number of newer photos that are left out.

    Raises:
        GalleryDamaged: A row of the database does not match the snapshot.
    """
    rows, days = _by_day(snapshot, where)
    begin = _start_of_day(days, skip)
    photos = _by_time(gallery, snapshot, rows[begin : _end_of_day(days, skip + count)])
    return Listing(photos[skip - begin : skip - begin + count], len(rows))


def position_of(gallery: Gallery, snapshot: Snapshot, photo: int, where: Filter | None = None) -> int | None:
    """Return how many photos ``newest_photos`` lists before a photo.

    Args:
        gallery: The gallery.
        snapshot: Its current snapshot.
        photo: Id of the photo.
        where: Filter of the list.

    Returns:
        Its index in the list; None if the list does not contain it.

    Raises:
        GalleryDamaged: A row of the database does not match the snapshot.
    """
    rows, days = _by_day(snapshot, where)
    found = np.flatnonzero(snapshot.ids[rows] == photo).tolist()
    if not found or days[found[0]] == NO_DATE:
        return found[0] if found else None
    begin = _start_of_day(days, found[0])
    same_day = _by_time(gallery, snapshot, rows[begin : _end_of_day(days, found[0] + 1)])
    return next((begin + index for index, each in enumerate(same_day) if each.id == photo), None)


def listed_ids(snapshot: Snapshot, where: Filter | None = None) -> list[int]:
    """Return the ids of all photos of a snapshot that match a filter, the latest day first."""
    ids: list[int] = snapshot.ids[_by_day(snapshot, where)[0]].tolist()
    return ids


def photos_by_id(gallery: Gallery, fingerprint: str, ids: Sequence[int]) -> list[ListedPhoto]:
    """Return the photos with these ids that a bundle can search, in their order.

    Raises:
        GalleryDamaged: A row of the database is invalid.
    """
    return _listed(gallery, ids, *gallery.database.photos_in_folder(ids, fingerprint))


def _listed(gallery: Gallery, ids: Sequence[int], found: Mapping[int, StoredPhoto], folder: str) -> list[ListedPhoto]:
    source = gallery.photos.source_of(folder)
    photos = []
    for photo in ids:
        if (stored := found.get(photo)) is not None:
            taken, taken_from = stored.dated
            facts = (stored.path, stored.width, stored.height, source, photo)
            photos.append(ListedPhoto(*facts, taken or None, taken_from, stored.incomplete, stored.camera or None))
    return photos


def _by_day(snapshot: Snapshot, where: Filter | None) -> tuple[Rows, Rows]:
    """Return the rows that match a filter, the latest day first, and the value of ``TAKEN`` of each."""
    rows: Rows = np.flatnonzero(snapshot.columns.matching(where or Filter())(slice(None)))
    days: Rows = snapshot.columns.values[TAKEN][rows]
    order = np.argsort(-days, kind="stable")
    return rows[order], days[order]


def _by_time(gallery: Gallery, snapshot: Snapshot, rows: Rows) -> list[ListedPhoto]:
    """Return the photos in some rows of a snapshot, the newest first."""
    photos = _listed(gallery, snapshot.ids[rows].tolist(), *rows_for(snapshot, gallery.database, rows))
    return sorted(photos, key=lambda each: each.taken or "", reverse=True)  # stable, also in reverse


def _start_of_day(days: Rows, skip: int) -> int:
    """Return how many of the sorted days not to read if ``skip`` are left out, so that the first day is complete."""
    if skip >= len(days) or days[skip] == NO_DATE:
        return skip
    return max(int(np.searchsorted(-days, -days[skip])), skip - _MOST_OF_A_DAY)


def _end_of_day(days: Rows, count: int) -> int:
    """Return how many of the sorted days to read for the first ``count``, so that the last day is complete."""
    if len(days) <= count or days[count - 1] == NO_DATE:
        return count
    end = int(np.searchsorted(-days, -days[count - 1], side="right"))
    return min(end, count + _MOST_OF_A_DAY)
