"""Files of a folder that belong to a photo of the same name.

A camera writes a raw file beside its JPEG or HEIC, and an iPhone a video beside the HEIC of a Live Photo: each pair is
one photo. Names differ in case and in suffix only, except for the marks of some programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from photoseek.photos.formats import RAW, VIDEOS, unread_kinds

RAW_BESIDE_PICTURE = "raw files beside a picture of the same name, which is indexed; to index both, rename one"
"""The reason why a raw file is left out."""

_MARKS = re.compile(r"\.raw-\d\d\.(?:cover|original)$|_hevc$")  # of Google's camera; of videos by iCloud for Windows


class Companions:
    """The photos of one folder, by the names of their shots."""

    def __init__(self, names: Iterable[str]) -> None:
        """Create the object from the names of the photos that are not left out for another reason."""
        photos = list(names)
        self._shots = {_shot(name) for name in photos}
        self._pictures = {_shot(name) for name in photos if not is_raw_name(name) and _is_read(name)}

    def reason(self, name: str) -> str | None:
        """Return why a file is left out: it is a raw file beside a picture. None: it is not."""
        return RAW_BESIDE_PICTURE if is_raw_name(name) and _shot(name) in self._pictures else None

    def is_live_video(self, name: str) -> bool:
        """Return whether a file is a video beside a photo of the same name."""
        return suffix_of(name) in VIDEOS.suffixes and _shot(name) in self._shots


def may_have_companion(name: str) -> bool:
    """Return whether ``Companions`` decides about a file by its suffix."""
    return (suffix := suffix_of(name)) in RAW.suffixes or suffix in VIDEOS.suffixes


def is_raw_name(name: str) -> bool:
    """Return whether a name has the suffix of a raw file."""
    return suffix_of(name) in RAW.suffixes


def suffix_of(name: str) -> str:
    """Return the suffix of a name in lower case."""
    return name[name.rfind(".") :].lower()  # a Path for each file would cost as much as its stat


def _is_read(name: str) -> bool:
    """Return whether this installation reads a photo: a HEIC without its extra is only reported."""
    return suffix_of(name) not in unread_kinds()


def _shot(name: str) -> str:
    """Return the part of a name that is the same for all files of a shot."""
    return _MARKS.sub("", name[: name.rfind(".")].lower())
