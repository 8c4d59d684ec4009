"""The photo folder of a gallery."""

from __future__ import annotations

from pathlib import Path

from photoseek.errors import GalleryError, GalleryIncompatible, GalleryNotFound
from photoseek.gallery.database.database import Database
from photoseek.gallery.location import record_of
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.trust import Trust
from photoseek.photos.photo_file import PhotoFile
from photoseek.sources.base import PhotoSource
from photoseek.sources.local import LocalSource
from photoseek.sources.resolve import open_source, source_from_record


class GalleryPhotos:
    """Where the photos of a gallery are: a local folder, or a prefix of a bucket."""

    def __init__(self, gallery: Path, database: Database, trust: Trust) -> None:
        self._gallery = gallery
        self._database = database
        self._trust = trust
        self._source: tuple[str, PhotoSource] | None = None  # of the last record that was read

    @property
    def recorded(self) -> PhotoSource:
        """The folder that the gallery records, trusted or not; use it only for display."""
        return self._parse(self._database.meta()["photos"])

    @property
    def source(self) -> PhotoSource:
        """The folder to read photos from.

        Raises:
            GalleryUntrusted: The gallery records a folder elsewhere that this user has not named.
        """
        return self.source_of(self._database.meta()["photos"])

    def source_of(self, record: str) -> PhotoSource:
        """Return the folder of a record, as ``Database.photos_in_folder`` returns it; raises as ``source``."""
        source = self._parse(record)
        self._trust.expect_photos(source)
        return source

    def _parse(self, record: str) -> PhotoSource:
        """Return the folder of a record, parsed once."""
        known = self._source
        if known is None or known[0] != record:
            known = self._source = record, source_from_record(record, self._gallery)
        return known[1]

    @property
    def root(self) -> Path:
        """The path of a local folder.

        Raises:
            GalleryError: The photos are in object storage; see ``source``.
        """
        source = self.source
        if not isinstance(source, LocalSource):
            raise GalleryError(f"{self._gallery}: expected photos in a folder of this machine, found {source.address}")
        return source.root

    def file_of(self, path: str) -> PhotoFile:
        """Return the file of a photo; ``path`` as in ``Hit.path``."""
        return self.source.photo_file(path)

    def expect_same(self, source: PhotoSource) -> None:
        """Raise unless the gallery records this folder, and trust it.

        Raises:
            GalleryIncompatible: The gallery belongs to other photos.
        """
        if not (before := self.recorded).same_as(source):
            missing = isinstance(before, LocalSource) and not before.root.is_dir()
            there = ", which does not exist" if missing else ""
            raise GalleryIncompatible(
                f"{self._gallery}: belongs to the photos in {before.address}{there}, not in {source.address}; "
                "if they have moved, add --relocate, which re-encodes no photo; otherwise name another --gallery"
            )
        self._trust.accept_photos(before)

    def relocate(self, photos: str | Path) -> None:
        """Record that the photos have moved to another folder, or to object storage; no photo is encoded again.

        Raises:
            GalleryNotFound: The folder does not exist, or contains none of the gallery's photos.
            PhotoSourceUnreachable: The object storage cannot be reached, or denies access.
            GalleryBusy: Another process is writing this gallery.
        """
        source = open_source(photos)
        known = self._database.paths()
        source.check_available()
        if known and not source.contains_any(known):
            raise GalleryNotFound(
                f"{source.address}: expected the photos that were in {self.recorded.address}, such as "
                f"{min(known)}, found none of {len(known):,}; name the folder that they have moved to"
            )
        with exclusive_writer(self._gallery):
            self._database.set_meta(photos=record_of(source, self._gallery))
        self._trust.accept_photos(source)
