"""From what a user names to the place with photos that it means."""

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
_LEGACY_URL = re.compile(r"(s3|gs|gcs):/[^/]")  # what pathlib makes of one
_LOCAL_URL = re.compile(r"file://(?:localhost)?(/[^?#]*).*", re.DOTALL)  # without its query and fragment
_ALIASES = {"gcs": "gs"}


def open_source(photos: str | Path) -> PhotoSource:
    """The place that a path or an address means; whether it is there is not looked at.

    Args:
        photos: A folder, ``file:///home/you/Photos``, ``s3://bucket/photos`` or ``gs://bucket/photos``.

    Raises:
        QueryError: Unsupported or invalid address.
    """
    if found := _URL.fullmatch(str(photos)):
        scheme, rest = found.groups()
        if scheme == "file":
            return LocalSource(_file(str(photos)))
        return _remote(_ALIASES.get(scheme, scheme), rest, str(photos))
    if isinstance(photos, Path) and _LEGACY_URL.match(str(photos)):
        raise QueryError(f"expected an address such as s3://bucket/photos as text, found it as a Path: {photos}")
    return LocalSource(absolute(photos))


def source_from_record(noted: str, gallery: Path) -> PhotoSource:
    """The place that a gallery has noted: an address, or a path, relative to the gallery or absolute."""
    if _URL.fullmatch(noted):
        return open_source(noted)
    return LocalSource(Path(os.path.normpath(gallery / encode_filename(noted))))


def _file(url: str) -> Path:
    found = _LOCAL_URL.fullmatch(url)
    if found is None:
        raise QueryError(f"expected a folder of this machine, as file:///home/you/Photos, found {printable(url)}")
    return Path(os.path.abspath(unquote(found.group(1), errors="surrogateescape")))


def _remote(scheme: str, rest: str, url: str) -> RemoteSource:
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in (*SCHEMES, "file"))
        raise QueryError(f"expected a folder, or an address with {known}, found {printable(url)}")
    if "@" in rest.partition("/")[0]:  # not printed: it may be a password
        raise QueryError(f"{scheme}://...@...: credentials are taken from the environment, never from an address")
    parts = rest.rstrip("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or not _is_text(rest):
        raise QueryError(f"expected {scheme}://BUCKET or {scheme}://BUCKET/FOLDER, found {printable(url)}")
    return RemoteSource(scheme, "/".join(parts))


def _is_text(text: str) -> bool:
    try:
        return "\0" not in text and bool(text.encode())
    except UnicodeEncodeError:  # bytes of a shell that are no UTF-8
        return False
