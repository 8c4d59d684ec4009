"""The photo source of a path or an address."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from photoseek.errors import QueryError
from photoseek.sources.base import PhotoSource
from photoseek.sources.local import LocalSource
from photoseek.sources.object_store import SCHEMES
from photoseek.sources.remote import RemoteSource
from photoseek.system.filenames import encode_filename
from photoseek.system.user_paths import absolute, printable

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.DOTALL)
_URL_AS_PATH = re.compile(r"(s3|gs|gcs):/[^/]")  # pathlib removes a slash
_LOCAL_URL = re.compile(r"file://(?:localhost)?(/[^?#]*).*", re.DOTALL)  # without its query and fragment
_ALIASES = {"gcs": "gs"}


def open_source(photos: str | Path) -> PhotoSource:
    """Return the source of a path or an address, whether or not it exists.

    Args:
        photos: A folder, ``file:///home/you/Photos``, ``s3://bucket/photos`` or ``gs://bucket/photos``.

    Raises:
        QueryError: An unsupported or invalid address.
    """
    if found := _URL.fullmatch(str(photos)):
        scheme, rest = found.groups()
        if scheme == "file":
            return LocalSource(_local_path(str(photos)))
        return _remote(_ALIASES.get(scheme, scheme), rest, str(photos))
    if isinstance(photos, Path) and _URL_AS_PATH.match(str(photos)):
        raise QueryError(f"expected an address such as s3://bucket/photos as a str, found a Path: {photos}")
    return LocalSource(absolute(photos))


def source_from_record(record: str, gallery: Path) -> PhotoSource:
    """Return the source that a gallery records: an address, or a path, relative to the gallery or absolute."""
    if _URL.fullmatch(record):
        return open_source(record)
    return LocalSource(Path(os.path.normpath(gallery / encode_filename(record))))


def _local_path(url: str) -> Path:
    found = _LOCAL_URL.fullmatch(url)
    if found is None:
        raise QueryError(f"expected a folder of this machine, as file:///home/you/Photos, found {printable(url)}")
    return absolute(unquote(found.group(1), errors="surrogateescape"))


def _remote(scheme: str, rest: str, url: str) -> RemoteSource:
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in (*SCHEMES, "file"))
        raise QueryError(f"expected a folder, or an address with {known}, found {printable(url)}")
    if "@" in rest.partition("/")[0]:  # not printed: it may contain a password
        raise QueryError(
            f"{scheme}://...@...: expected credentials in the environment, found some in the address; remove them"
        )
    parts = rest.rstrip("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or not _is_text(rest):
        raise QueryError(f"expected {scheme}://BUCKET or {scheme}://BUCKET/FOLDER, found {printable(url)}")
    return RemoteSource(scheme, "/".join(parts))


def _is_text(text: str) -> bool:
    try:
        return "\0" not in text and bool(text.encode())
    except UnicodeEncodeError:  # bytes from a shell that are not UTF-8
        return False
