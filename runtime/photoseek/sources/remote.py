"""A prefix of a bucket in object storage, as a folder of photos.

A key is a name, and no path: ``..`` in it leads nowhere, and a slash at its start is a part of it. No part of a key
ever becomes a path of this machine. Keys with a part that begins with a dot are passed over, as hidden files are.

``RemoteFile`` takes the place of a ``Path`` for one of its photos.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, cast

from photoseek.errors import GalleryNotFound, MissingExtra, PhotoError, PhotoSourceUnreachable
from photoseek.photos.decode import check_bytes, require_heif_extra
from photoseek.photos.formats import MAX_BYTES
from photoseek.sources import object_store
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps
from photoseek.sources.local import has_photo_suffix, is_skipped
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.permissions import OWNER

CHUNK_BYTES = 1 << 20
"""Bytes that are fetched at a time where parts are read."""


@dataclass(frozen=True)
class RemoteFile:
    """An object in a bucket; nothing is asked of the storage before a method is called.

    Attributes:
        folder: Where it lies.
        path: Inside that, as ``Hit.path`` has it.
    """

    folder: RemoteSource
    path: str

    def __str__(self) -> str:
        """Its address: ``s3://bucket/photos/a.jpg``."""
        return f"{self.folder.address}/{encode_filename(self.path)}"

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    def look(self) -> PhotoEntry:
        """Size and version now.

        Raises:
            PhotoUnreachable: It cannot be told now.
            PhotoError: It is gone, or lies outside the folder.
        """
        return self.folder.look(self.path)

    def version(self) -> tuple[int, int]:
        """The time of its change in nanoseconds, and its size; the errors are those of ``look``."""
        found = self.look()
        return found.mtime_ns, found.bytes

    def read_bytes(self) -> bytes:
        """All of it, at most ``MAX_BYTES``; the errors are those of ``look``."""
        return self.folder.read(self.path)

    def open(self) -> BinaryIO:
        """A file from which parts can be read, each fetched when it is asked for; the errors are those of ``look``."""
        return self.folder.open(self.path)

    def iter_chunks(self) -> Iterator[bytes]:
        """All of it, a mebibyte at a time; the errors are those of ``look``, and come before the first block."""
        file = self.open()
        with object_store.translate_errors():
            first = file.read(CHUNK_BYTES)

        def rest() -> Iterator[bytes]:
            with file:
                block = first
                while block:
                    yield block
                    block = file.read(CHUNK_BYTES)

        return rest()


_READERS = 4
_TRIES = 3  # of a photo that is written while it is read
_PAUSE_S = 0.2
_UNSAFE_KEY = ("\0", "?versionId=")  # what SQLite cannot keep, and what s3fs takes for a version of another object


@dataclass(frozen=True)
class RemoteSource:
    """Objects whose keys begin with a prefix.

    Attributes:
        scheme: One of ``SCHEMES``.
        prefix: The bucket, and the beginning of the keys, without a slash at its end: ``bucket/photos``.
    """

    scheme: str
    prefix: str

    @property
    def address(self) -> str:
        """As ``s3://bucket/photos``."""
        return f"{self.scheme}://{self.prefix}"

    @property
    def read_concurrency(self) -> int:
        """As many as are in a batch: each photo is two requests."""
        return _READERS

    def expect(self) -> None:
        """Make sure that the bucket is there, and an object under the prefix.

        Raises:
            GalleryNotFound: It is not.
            PhotoSourceUnreachable: The storage cannot be reached, or refuses.
            MissingExtra: What speaks its protocol is not installed.
        """
        with self._call():
            object_store.filesystem(self.scheme).info(self.prefix)

    def scan(self, unseen: ScanGaps) -> Iterator[PhotoEntry]:
        """Every object that looks like a photo, listed to the end before the first is told.

        What stops halfway is no list: photos would seem to be gone. Only the owner of the gallery counts as a reader.

        Raises:
            GalleryNotFound: No such bucket.
            PhotoSourceUnreachable: The storage cannot be reached, or refuses.
        """
        unseen.access.access = OWNER
        with self._call():
            listed = object_store.filesystem(self.scheme).find(self.prefix, detail=True)
        for name, info in sorted(listed.items()):
            key = name.removeprefix(f"{self.prefix}/")
            if key == name or name.endswith("/") or not _is_photo_key(key):
                continue
            if odd := next((sign for sign in _UNSAFE_KEY if sign in key), None):
                unseen.reasons[decode_filename(key.replace("\0", "\ufffd"))] = f"a name with {odd!r}; rename it"
            else:
                yield _found(decode_filename(key), info)

    def read_stable(self, photo: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
        """The bytes of an object, and the size and version that belong to them; None where it is gone.

        Raises:
            PhotoUnreachable: The storage cannot be reached, or refuses.
            PhotoError: It is too large, of a format whose extra is missing, or keeps changing.
        """
        try:
            for _ in range(_TRIES):
                data = self._read(photo)
                now = self.look(photo.path)
                if now == photo and len(data) == now.bytes:
                    return now, data
                photo = now
                time.sleep(_PAUSE_S)
        except PhotoError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        raise PhotoError("changes while it is read; it is tried again by the next indexing")

    def photo(self, path: str) -> RemoteFile:
        """The object of a path."""
        return RemoteFile(self, path)

    def contains_any(self, paths: Collection[str]) -> bool:
        """Whether one of these photos is in it; the errors are those of ``scan``."""
        known = frozenset(paths)
        return any(photo.path in known for photo in self.scan(ScanGaps()))

    def same_as(self, other: PhotoSource) -> bool:
        """Whether another one has this address."""
        return self == other

    def look(self, path: str) -> PhotoEntry:
        """Size and version of an object; see ``RemoteFile.look``."""
        with object_store.translate_errors():
            return _found(path, object_store.filesystem(self.scheme).info(self._key(path)))

    def read(self, path: str) -> bytes:
        """The bytes of an object; see ``RemoteFile.read_bytes``."""
        return self._read(self.look(path))

    def open(self, path: str) -> BinaryIO:
        """An object as a file; see ``RemoteFile.open``."""
        with object_store.translate_errors():
            return cast(
                "BinaryIO", object_store.filesystem(self.scheme).open(self._key(path), "rb", block_size=CHUNK_BYTES)
            )

    def _read(self, photo: PhotoEntry) -> bytes:
        check_bytes(photo.bytes)
        if photo.bytes == 0:  # of nothing, no range can be asked for
            return b""
        with object_store.translate_errors():
            data = object_store.filesystem(self.scheme).cat_file(self._key(photo.path), start=0, end=MAX_BYTES + 1)
        check_bytes(len(data))  # it may have grown since
        require_heif_extra(data)
        return bytes(data)

    def _key(self, path: str) -> str:
        """What the storage calls a photo; a path may come out of a database that somebody has tampered with."""
        name = encode_filename(path)
        if not _is_photo_key(name) or "\0" in name:
            raise PhotoError("lies outside the photo folder, and is not read")
        return f"{self.prefix}/{name}"

    @contextmanager
    def _call(self) -> Iterator[None]:
        """What the storage answers to a question about the whole folder, in the errors of this library."""
        try:
            yield
        except FileNotFoundError as error:
            raise self._raise_if_empty() from error
        except MissingExtra:
            raise
        except Exception as error:  # each client has errors of its own
            raise self._unreachable(error) from error

    def _raise_if_empty(self) -> GalleryNotFound:
        return GalleryNotFound(f"{self.address}: no such bucket, or no object in this folder of it")

    def _unreachable(self, error: Exception) -> PhotoSourceUnreachable:
        return PhotoSourceUnreachable(
            f"{self.address}: cannot be listed: {object_store.describe_error(error)}; nothing was changed: "
            "look after the "
            "network, the endpoint and the credentials, and try again"
        )


def _is_photo_key(key: str) -> bool:
    """Whether a key, relative to the prefix, is one of a photo; ``.`` and ``..`` count among hidden folders."""
    *folders, name = key.split("/")
    return has_photo_suffix(name) and not any(map(is_skipped, (*folders, name)))


def _found(path: str, info: Mapping[str, Any]) -> PhotoEntry:
    """An object by what its storage tells of it.

    Times of objects are whole seconds, within which one may be written twice. So what stands below the second is not
    time, but drawn from what the storage names this very content by: S3's ETag, or Google's generation.
    """
    changed = info.get("LastModified") or info.get("mtime")
    seconds = int(changed.timestamp()) if isinstance(changed, datetime) else 0
    version = str(info.get("ETag") or info.get("generation") or "").strip('"')
    drawn = int.from_bytes(hashlib.sha256(version.encode()).digest()[:8]) % 1_000_000_000
    return PhotoEntry(path, int(info["size"] or 0), seconds * 1_000_000_000 + drawn)
