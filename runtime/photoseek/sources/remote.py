"""A prefix of a bucket in object storage, as a folder of photos.

A key is a name, not a path: ``..`` in it has no meaning, and a leading slash is a part of it. No part of a key ever
becomes a path of this machine. Keys with a component that starts with a dot are left out, like hidden files, and so are
those that other rules of ``photoseek.sources.exclusion`` leave out; ignore files and markers are objects, too.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, cast

from photoseek.errors import GalleryNotFound, MissingExtra, PhotoError, PhotoSourceUnreachable
from photoseek.photos.formats import MAX_BYTES, check_bytes, require_heif_extra
from photoseek.photos.metadata import sidecar_names
from photoseek.photos.xmp import MAX_BYTES as MAX_XMP_BYTES
from photoseek.sources import object_store
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps, sidecar_checksum
from photoseek.sources.local import has_photo_suffix
from photoseek.sources.remote_rules import RemoteRules
from photoseek.sources.single_file import expected_folder
from photoseek.system.atomic_write import MAX_TEXT_BYTES
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.permissions import OWNER

CHUNK_BYTES = 1 << 20
"""Bytes of a chunk or of a block of an open file."""

_READ_CONCURRENCY = 4
_ATTEMPTS = 3  # to read a photo that is being written
_RETRY_DELAY_S = 0.2
_UNSAFE_KEY = ("\0", "?versionId=")  # SQLite cannot store the former, s3fs reads the latter as a version of an object


@dataclass(frozen=True)
class RemoteFile:
    """An object in a bucket, in place of a ``Path``; only its methods make requests.

    Its methods raise ``PhotoUnreachable`` if the storage cannot be reached, and ``PhotoError`` if the object does not
    exist, or is outside the folder.

    Attributes:
        source: The folder.
        path: Inside the folder, as ``Hit.path``.
    """

    source: RemoteSource
    path: str

    def __str__(self) -> str:
        """Return its address: ``s3://bucket/photos/a.jpg``."""
        return f"{self.source.address}/{encode_filename(self.path)}"

    @property
    def name(self) -> str:
        """The last component of its path."""
        return self.path.rpartition("/")[2]

    def version(self) -> tuple[int, int]:
        """Return its modification time in nanoseconds, and its size."""
        found = self.source.stat(self.path)
        return found.mtime_ns, found.bytes

    def read_bytes(self) -> bytes:
        """Return its content, at most ``MAX_BYTES``."""
        return self.source.read(self.source.stat(self.path))

    def open(self) -> BinaryIO:
        """Return a file for random access; blocks are fetched when they are read."""
        return self.source.open(self.path)

    def iter_chunks(self) -> Iterator[bytes]:
        """Return its content in chunks of a mebibyte; errors are raised before the first chunk."""
        file = self.open()
        with object_store.translate_errors():
            first = file.read(CHUNK_BYTES)

        def chunks() -> Iterator[bytes]:
            with file:
                chunk = first
                while chunk:
                    yield chunk
                    chunk = file.read(CHUNK_BYTES)

        return chunks()


@dataclass(frozen=True)
class RemoteSource:
    """Objects whose keys start with a prefix; its methods are those of ``PhotoSource``.

    Attributes:
        scheme: One of ``SCHEMES``.
        prefix: The bucket, and the start of the keys, without a slash at its end: ``bucket/photos``.
    """

    scheme: str
    prefix: str

    @property
    def address(self) -> str:
        """An address such as ``s3://bucket/photos``."""
        return f"{self.scheme}://{self.prefix}"

    @property
    def read_concurrency(self) -> int:
        """The size of a batch, because each photo takes two requests."""
        return _READ_CONCURRENCY

    def check_available(self) -> None:
        """Check that the bucket exists, and has an object under the prefix.

        Raises:
            MissingExtra: The package for its protocol is not installed.
        """
        with self._folder_errors():
            found = object_store.filesystem(self.scheme).info(self.prefix)
        if found.get("type") == "file":
            raise GalleryNotFound(f"{self.address}: {expected_folder(self.prefix, self.address.rpartition('/')[0])}")

    def scan(self, gaps: ScanGaps, exclude: Sequence[str] = ()) -> Iterator[PhotoEntry]:
        """Yield every object with the suffix of a photo, after listing all of them.

        With an interrupted listing, photos would look deleted. Only the owner of the gallery counts as a reader.
        """
        gaps.access.access = OWNER
        with self._folder_errors():
            listed = object_store.filesystem(self.scheme).find(self.prefix, detail=True)
            start = f"{self.prefix}/"
            names = [name for name in sorted(listed) if name.startswith(start) and not name.endswith("/")]
            keys = {name.removeprefix(start): listed[name] for name in names}
            rules = RemoteRules(self.prefix, keys, exclude, self._read_text, gaps)
        for key, info in keys.items():
            if not rules.includes(key):
                continue
            if unsafe := next((sign for sign in _UNSAFE_KEY if sign in key), None):
                gaps.reasons[decode_filename(key.replace("\0", "\ufffd"))] = f"a name with {unsafe!r}; rename it"
            else:
                states = _sidecar_states(listed, start + key)
                yield photo_entry(decode_filename(key), info)._replace(sidecar=sidecar_checksum(states))

    def read_stable(self, photo: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
        """Return a photo that did not change while it was read, and its content; None if it no longer exists."""
        try:
            for _ in range(_ATTEMPTS):
                data = self.read(photo)
                now = self.stat(photo.path)._replace(sidecar=photo.sidecar)
                if now == photo and len(data) == now.bytes:
                    return now, data
                photo = now
                time.sleep(_RETRY_DELAY_S)
        except PhotoError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        raise PhotoError("changes while it is read; the next indexing tries it again")

    def sidecars(self, path: str) -> dict[str, bytes | None]:
        """Return the content of each XMP file beside the photo at a path; see ``PhotoSource.sidecars``."""
        folder, _, name = self._key(path).rpartition("/")
        found: dict[str, bytes | None] = {}
        for each in sidecar_names(name):
            with object_store.translate_errors():
                client, key = object_store.filesystem(self.scheme), f"{folder}/{each}"
                with suppress(FileNotFoundError):
                    readable = client.info(key)["size"] <= MAX_XMP_BYTES
                    text = path[: path.rfind("/") + 1] + decode_filename(each)
                    found[text] = bytes(client.cat_file(key)) if readable else None
        return found

    def photo_file(self, path: str) -> RemoteFile:
        """Return the object at a path."""
        return RemoteFile(self, path)

    def contains_any(self, paths: Collection[str]) -> bool:
        """Return whether one of these photos exists; errors are those of ``scan``."""
        known = frozenset(paths)
        return any(photo.path in known for photo in self.scan(ScanGaps()))

    def same_as(self, other: PhotoSource) -> bool:
        """Return whether another source has this address."""
        return self == other

    def stat(self, path: str) -> PhotoEntry:
        """Return size and version of an object; errors are those of ``RemoteFile``."""
        with object_store.translate_errors():
            return photo_entry(path, object_store.filesystem(self.scheme).info(self._key(path)))

    def open(self, path: str) -> BinaryIO:
        """Open an object for random access; see ``RemoteFile.open``."""
        with object_store.translate_errors():
            client = object_store.filesystem(self.scheme)
            return cast("BinaryIO", client.open(self._key(path), "rb", block_size=CHUNK_BYTES))

    def read(self, photo: PhotoEntry) -> bytes:
        """Return the content of an object; see ``RemoteFile.read_bytes``."""
        check_bytes(photo.bytes)
        if photo.bytes == 0:  # an empty object has no range
            return b""
        with object_store.translate_errors():
            data = object_store.filesystem(self.scheme).cat_file(self._key(photo.path), start=0, end=MAX_BYTES + 1)
        check_bytes(len(data))  # it may have grown meanwhile
        require_heif_extra(data)
        return bytes(data)

    def _read_text(self, key: str) -> bytes:
        """Return the content of an ignore file, at most ``MAX_TEXT_BYTES``."""
        client, name = object_store.filesystem(self.scheme), f"{self.prefix}/{key}"
        if not client.info(name)["size"]:  # an empty object has no range
            return b""
        return bytes(client.cat_file(name, start=0, end=MAX_TEXT_BYTES))

    def _key(self, path: str) -> str:
        """Return the key of a photo; the path may come from a tampered database."""
        name = encode_filename(path)
        if not _is_photo_key(name) or "\0" in name:
            raise PhotoError("outside the photo folder; not read")
        return f"{self.prefix}/{name}"

    @contextmanager
    def _folder_errors(self) -> Iterator[None]:
        """Raise the errors of requests about the entire folder as errors of this library."""
        try:
            yield
        except FileNotFoundError as error:
            raise GalleryNotFound(
                f"{self.address}: expected a bucket with objects in this folder, found none; check the address"
            ) from error
        except MissingExtra:
            raise
        except Exception as error:  # each client has its own errors
            raise PhotoSourceUnreachable(
                f"{self.address}: cannot be listed: {object_store.describe_error(error)}; nothing was changed: "
                "check the network, the endpoint and the credentials, and try again"
            ) from error


def photo_entry(path: str, info: Mapping[str, Any]) -> PhotoEntry:
    """Return the entry of an object from the metadata of its storage.

    Storage records whole seconds, within which an object may be written twice. The nanoseconds of ``mtime_ns`` are
    therefore a hash of the version of the content: S3's ETag, or Google's generation.
    """
    changed = info.get("LastModified") or info.get("mtime")
    seconds = int(changed.timestamp()) if isinstance(changed, datetime) else 0
    version = str(info.get("ETag") or info.get("generation") or "").strip('"')
    nanoseconds = int.from_bytes(hashlib.sha256(version.encode()).digest()[:8]) % 1_000_000_000
    return PhotoEntry(path, int(info["size"] or 0), seconds * 1_000_000_000 + nanoseconds)


def _sidecar_states(listed: Mapping[str, Mapping[str, Any]], name: str) -> list[tuple[int, ...]]:
    """Return size and version of each XMP file beside the photo of a name; ``listed``: objects by name."""
    folder, _, last = name.rpartition("/")
    names = (f"{folder}/{each}" for each in sidecar_names(last))
    return [photo_entry("", listed[each])[1:3] for each in names if each in listed]


def _is_photo_key(key: str) -> bool:
    """Return whether a key, relative to the prefix, is that of a photo; ``.`` and ``..`` are hidden folders."""
    *folders, name = key.split("/")
    return has_photo_suffix(name) and not any(part.startswith(".") for part in (*folders, name))
