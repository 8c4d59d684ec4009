"""The albums of a gallery: named lists of its photos."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from photoseek.errors import GalleryBusy, QueryError
from photoseek.gallery.database.album_rows import (
    TABLES,
    FoundPhoto,
    album_ids,
    album_rows,
    create_album,
    find_photos,
)
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.typed_names import photo_path
from photoseek.gallery.lock import exclusive_writer
from photoseek.system.filenames import normalize_user_path

FAVORITES = "Favorites"
"""Name of the album of favorite photos; it cannot be renamed."""

MAX_NAME = 100
"""Maximum length of a name in characters."""

_MOST_NAMED = 3


@dataclass(frozen=True)
class Album:
    """An album: its name, and how many of its photos are in the gallery now."""

    name: str
    photos: int


@dataclass(frozen=True)
class AlbumCopy:
    """What an album contained: for ``Albums.restore``.

    Attributes:
        album: Id of the album; None: the favorites before the first one.
        name: Its name.
        photos: Content and path of each photo, in the order in which they were added.
    """

    album: int | None
    name: str
    photos: tuple[tuple[str, str], ...]


class Albums:
    """The albums of a gallery.

    An album keeps its photos when they are renamed or copied, or their metadata is edited, and after they return to the
    photo folder. The photos themselves are never changed.
    """

    def __init__(self, gallery: Path, database: Database) -> None:
        self._gallery = gallery
        self._database = database

    @property
    def writable(self) -> bool:
        """Whether albums can be changed: the folder and the database of the gallery are not read-only."""
        return all(os.access(path, os.W_OK) for path in (self._gallery, self._database.path))

    def list(self) -> list[Album]:
        """Return every album, the favorites first, then by name."""
        ids = album_ids(self._database)
        found: dict[int, set[int]] = {album: set() for album in ids.values()}
        for row, photo in find_photos(self._database, album_rows(self._database)):
            if row.album in found:
                found[row.album].add(photo.id)
        albums = [Album(name, len(found[album])) for name, album in ids.items()]
        return sorted(albums, key=lambda album: (album.name != FAVORITES, album.name.casefold(), album.name))

    def photos(self, name: str) -> dict[int, str]:
        """Return the path of each photo of an album by its id, in the order in which they were added.

        Raises:
            QueryError: There is no such album.
        """
        album = self._id(name)
        rows = [] if album is None else album_rows(self._database, album)
        return {photo.id: photo.path for _, photo in find_photos(self._database, rows)}

    def create(self, name: str) -> None:
        """Create an empty album.

        Raises:
            QueryError: The name is invalid, or there is such an album.
            GalleryError: The gallery is read-only.
        """
        name = album_name(name)
        with self._writing() as connection:
            if name in album_ids(self._database):
                raise QueryError(f"expected the name of a new album, found {name!r}, which exists")
            create_album(connection, name)

    def add(self, name: str, paths: Iterable[str]) -> int:
        """Add photos to an album, which is created unless it exists; return how many were not in it.

        Args:
            name: Name of the album.
            paths: Paths of photos, as in ``Hit.path``.

        Raises:
            QueryError: The name is invalid, or the gallery has no readable photo at a path.
            GalleryError: The gallery is read-only.
        """
        name, photos = album_name(name), self._find(paths)
        with self._writing() as connection:
            album = create_album(connection, name)
            before = {found.id for _, found in find_photos(self._database, album_rows(self._database, album))}
            new = [(album, photo.sha256, photo.path) for photo in photos if photo.id not in before]
            connection.executemany("INSERT OR IGNORE INTO album_photos (album, sha256, path) VALUES (?, ?, ?)", new)
        return len(new)

    def remove(self, name: str, paths: Iterable[str]) -> int:
        """Remove photos from an album, and return how many were in it; the photos stay where they are.

        Raises:
            QueryError: There is no such album, or the gallery has no readable photo at a path.
            GalleryError: The gallery is read-only.
        """
        wanted = {photo.id for photo in self._find(paths)}
        with self._writing() as connection:
            album = self._id(name)
            rows = [] if album is None else album_rows(self._database, album)
            found = [(row.row, photo.id) for row, photo in find_photos(self._database, rows) if photo.id in wanted]
            connection.executemany("DELETE FROM album_photos WHERE id = ?", [(row,) for row, _ in found])
        return len({photo for _, photo in found})

    def rename(self, name: str, new_name: str) -> None:
        """Rename an album.

        Raises:
            QueryError: There is no such album, the new name is invalid or taken, or it is the album of favorites.
            GalleryError: The gallery is read-only.
        """
        new_name = album_name(new_name)
        with self._writing() as connection:
            album = self._id(name)
            if FAVORITES in (album_name(name), new_name):
                raise QueryError(f"the album {FAVORITES!r} cannot be renamed, and no other album can have its name")
            if new_name in album_ids(self._database):
                raise QueryError(f"expected the name of a new album, found {new_name!r}, which exists")
            connection.execute("UPDATE albums SET name = ? WHERE id = ?", (new_name, album))

    def delete(self, name: str) -> None:
        """Delete an album; its photos stay where they are.

        Raises:
            QueryError: There is no such album.
            GalleryError: The gallery is read-only.
        """
        with self._writing() as connection:
            album = self._id(name)
            connection.execute("DELETE FROM album_photos WHERE album = ?", (album,))
            connection.execute("DELETE FROM albums WHERE id = ?", (album,))

    def copy(self, name: str) -> AlbumCopy:
        """Return what an album contains now, to restore it after a change.

        Raises:
            QueryError: There is no such album.
        """
        album = self._id(name)
        return AlbumCopy(album, album_name(name), () if album is None else tuple(self._contents(album)))

    def restore(self, copy: AlbumCopy) -> str:
        """Restore an album, and return its name, which may have changed since.

        It contains the photos of the copy in their order, and then those that were added since. An album that was
        deleted is created again.

        Raises:
            GalleryError: The gallery is read-only.
        """
        with self._writing() as connection:
            names = {album: name for name, album in album_ids(self._database).items()}
            name = names.get(copy.album, copy.name) if copy.album is not None else copy.name
            album = create_album(connection, name)
            rows = [(album, *photo) for photo in dict.fromkeys((*copy.photos, *self._contents(album)))]
            connection.execute("DELETE FROM album_photos WHERE album = ?", (album,))
            connection.executemany("INSERT INTO album_photos (album, sha256, path) VALUES (?, ?, ?)", rows)
        return name

    def _contents(self, album: int) -> Iterator[tuple[str, str]]:
        return ((row.sha256, row.path) for row in album_rows(self._database, album))

    def _id(self, name: str) -> int | None:
        """Return the id of an album; None for the favorites before the first one."""
        ids, name = album_ids(self._database), album_name(name)
        if name not in ids and name != FAVORITES:
            known = ", ".join(repr(each) for each in [*ids][:_MOST_NAMED]) or "none"
            raise QueryError(f"expected an album of this gallery, found {name!r}; it has {known}")
        return ids.get(name)

    def _find(self, paths: Iterable[str]) -> Sequence[FoundPhoto]:
        wanted = list(dict.fromkeys(normalize_user_path(path) for path in paths))
        sql = "SELECT id, sha256, path FROM photos WHERE reason IS NULL AND path IN"
        found = {row[2]: FoundPhoto(*row) for row in self._database.of_values(sql, (), wanted)}
        photos = []
        for path in wanted:
            photo = found.get(path)
            if photo is None and (known := photo_path(self._database, path)) != path:  # another Unicode form
                photo = next((FoundPhoto(*row) for row in self._database.of_values(sql, (), [known])), None)
            if photo is None:
                raise QueryError(f"no photo {path!r} in this gallery, or it is not readable; see: photoseek info")
            photos.append(photo)
        return photos

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Start a transaction in which the tables exist.

        While the gallery is indexed, its lock is held for long, and the locks of SQLite keep the transactions apart.
        """
        with ExitStack() as stack:
            with suppress(GalleryBusy):
                stack.enter_context(exclusive_writer(self._gallery))
            with self._database.writing() as connection:
                for statement in TABLES:
                    connection.execute(statement)
                yield connection


def album_name(name: str) -> str:
    """Return the stored form of an album's name: Unicode NFC, without surrounding spaces.

    Raises:
        QueryError: It is empty, too long, or has characters that cannot be shown.
    """
    valid = unicodedata.normalize("NFC", name).strip() if isinstance(name, str) else ""
    if not 1 <= len(valid) <= MAX_NAME or not all(map(_is_shown, valid)):
        raise QueryError(f"expected the name of an album, 1 to {MAX_NAME} printable characters, found {name!r:.200}")
    return valid


def _is_shown(character: str) -> bool:
    return character.isprintable() or character in "\u200c\u200d"  # joiners: of Persian, and of emoji
