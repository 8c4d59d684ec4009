"""The interface of indexes that find a gallery's nearest photos: its snapshot, or a vector database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from photoseek.gallery.database.records import StoredPhoto
from photoseek.gallery.filters import Filter
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.vectors import Rows, Vectors


@dataclass(frozen=True)
class Neighbors:
    """The photos nearest to a query, best first, equal scores by id.

    Attributes:
        ids: Photo ids, (n,).
        scores: Exact cosines, (n,).
        vectors: Unit vectors, (n, dim).
        photos: Database rows by photo id. Photos that were removed since the index was written are missing.
        folder: The gallery's record of its photo folder, see ``GalleryPhotos.source_of``.
        truncated: Whether a larger ``k`` may return more photos.
    """

    ids: Rows
    scores: Vectors
    vectors: Vectors
    photos: Mapping[int, StoredPhoto]
    folder: str
    truncated: bool


class PhotoIndex(Protocol):
    """Finds photos of one gallery by the vectors of one bundle. May be shared between threads and used after a fork."""

    @property
    def snapshot(self) -> Snapshot:
        """The gallery's current snapshot.

        Raises:
            GalleryEmpty: Nothing is indexed yet.
            GalleryDamaged: The manifest or the vectors are damaged.
            GalleryIncompatible: The gallery is being re-indexed with another bundle.
        """

    @property
    def damage(self) -> str | None:
        """Why a slower search is in use, or None."""

    def search(self, query: Vectors, k: int, where: Filter | None = None) -> Neighbors:
        """Return about ``k`` photos nearest to a unit vector (dim,) that match the filter."""

    def find_photo(self, path: str) -> tuple[int, Vectors] | None:
        """Return the id and the unit vector (dim,) of the photo at a path, or None."""

    def close(self) -> None:
        """Close network connections."""
