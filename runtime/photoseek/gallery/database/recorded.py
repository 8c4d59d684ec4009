"""What the database recorded of each photo: compared with a scan, and with the contents of new photos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from photoseek.gallery.database.bases import base_record
from photoseek.gallery.database.database import Database
from photoseek.sources.base import PhotoEntry

_ROW = (
    "SELECT path, id, reason IS NULL, sha256 IS NULL, titles IS NULL OR camera IS NULL, "
    "bytes, mtime_ns, ctime_ns, inode, sidecar FROM photos"
)


INCOMPLETE = (
    "SELECT path FROM vectors CROSS JOIN photos USING (sha256) "
    "WHERE incomplete = 1 AND fingerprint = ? AND reason IS NULL ORDER BY path"
)
"""SQL for the searchable photos whose files end early; CROSS JOIN makes SQLite begin with these few contents."""


class RecordedPhotos:
    """Every photo of the database, readable or not, as it was when this object was created, or refreshed."""

    def __init__(self, database: Database) -> None:
        """Read all photos."""
        self._database = database
        self._rows: dict[str, tuple[Any, ...]] = {row[0]: row for row in database.query(_ROW)}

    @property
    def paths(self) -> KeysView[str]:
        """Their paths."""
        return self._rows.keys()

    def refresh(self, paths: Sequence[str]) -> None:
        """Read some photos again."""
        self._rows.update((row[0], row) for row in self._database.of_values(f"{_ROW} WHERE path IN", (), paths))

    def work(self, found: Iterable[PhotoEntry], fingerprint: str) -> list[PhotoEntry]:
        """Return the found photos whose current content a bundle has not encoded, and that may be decoded.

        Those of which only the metadata was never read, or not all of it, come last.
        """
        base = base_record(self._database, fingerprint)
        last = -1 if base is None else base.last  # photos up to this id have a vector, or cannot be decoded
        sql = "SELECT id FROM photos JOIN vectors USING (sha256) WHERE fingerprint = ? AND id > ?"
        later = {photo for (photo,) in self._database.query(sql, fingerprint, last)}
        work, unread_metadata = [], []
        for photo in found:
            row = self._rows.get(photo.path)
            if row is not None and row[5:] == photo[1:]:
                _, number, decodable, unread, without_metadata, *_ = row
                if (number <= last or number in later) if decodable else not unread:
                    unread_metadata += [photo] if decodable and without_metadata else []
                    continue
            work.append(photo)
        return work + unread_metadata


def incomplete_photos(database: Database, fingerprint: str) -> list[str]:
    """Return the path of each searchable photo whose file ends early."""
    if not database.has_metadata:
        return []
    return [path for (path,) in database.query(INCOMPLETE, fingerprint)]


class KnownContents(AbstractSet[str]):
    """The SHA-256 of each photo content that has a vector of a bundle, looked up in the database."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database, self._fingerprint = database, fingerprint

    def __contains__(self, sha256: object) -> bool:
        sql = "SELECT 1 FROM vectors WHERE sha256 = ? AND fingerprint = ?"
        return bool(self._database.query(sql, sha256, self._fingerprint))

    def __iter__(self) -> Iterator[str]:
        rows = self._database.query("SELECT sha256 FROM vectors WHERE fingerprint = ?", self._fingerprint)
        return iter([sha256 for (sha256,) in rows])

    def __len__(self) -> int:
        return len(list(iter(self)))
