"""Open galleries, kept between interactions and sessions: a tower is loaded once, and never for a query."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from photoseek.errors import PhotoseekError
from photoseek.folders.local import LocalFolder
from photoseek.gallery import Gallery
from photoseek.generations import current_name
from photoseek.listening import is_loopback
from photoseek.page.pictures import Pictures
from photoseek.search import Searcher
from photoseek.selection import folders
from photoseek.status import GalleryStatus

_log = logging.getLogger(__name__)

_GALLERIES = 4  # kept open at the same time, each with its towers
_STATES = 16


@dataclass(frozen=True)
class OpenGallery:
    """A searcher, its thumbnails, and the device and inode of the database that it was opened with."""

    searcher: Searcher
    pictures: Pictures
    database: tuple[int, int]


@dataclass(frozen=True)
class GalleryState:
    """What is in a gallery.

    Attributes:
        status: Its numbers.
        unreadable: Path and reason of each photo that cannot be decoded.
        folders: Every folder that holds a photo, relative to the photo folder.
    """

    status: GalleryStatus
    unreadable: list[tuple[str, str]]
    folders: list[str]


def open_gallery(folder: str) -> OpenGallery:
    """A gallery with its searcher, opened at most once.

    It is opened anew where the gallery has been deleted and made again, or has gone over to another bundle.

    Raises:
        GalleryNotFound: There is no gallery.
        PhotoseekError: It or its bundle cannot be opened.
    """
    return _open(os.path.abspath(Path(folder).expanduser()))


def state_of(gallery: Gallery) -> GalleryState:
    """What is in a gallery now; computed anew only after it has changed, since it reads every derived file.

    Raises:
        GalleryDamaged: One of those is not what it should be.
    """
    revisions = (gallery.database.revision(), gallery.sentences.revision())
    moment = (*revisions, current_name(gallery.path), gallery.fingerprint)
    return _state(str(gallery.path), _identity(gallery), moment, gallery)


def _identity(gallery: Gallery) -> tuple[int, int]:
    """An open file keeps its inode, so a database made anew at the same place always has another."""
    status = gallery.database.path.stat()
    return status.st_dev, status.st_ino


def _still_right(opened: OpenGallery) -> bool:
    gallery = opened.searcher.gallery
    try:
        return _identity(gallery) == opened.database and gallery.fingerprint == opened.searcher.bundle.fingerprint
    except (OSError, PhotoseekError):
        return False


@st.cache_resource(max_entries=_GALLERIES, show_spinner=False, validate=_still_right)
def _open(folder: str) -> OpenGallery:
    gallery = Gallery.open(folder)
    alone = is_loopback(str(st.get_option("server.address") or ""))
    source = gallery.photo_folder
    root = source.root if isinstance(source, LocalFolder) else None
    pictures = Pictures(gallery.path, root=root, links=alone)
    opened = OpenGallery(Searcher(gallery), pictures, _identity(gallery))
    _log.info("opened %r", opened.searcher)
    return opened


@st.cache_data(max_entries=_STATES, show_spinner=False)
def _state(path: str, identity: tuple[int, int], moment: tuple[object, ...], _gallery: Gallery) -> GalleryState:
    del path, identity, moment  # the key; a parameter with an underscore is not part of it
    return GalleryState(_gallery.status(), _gallery.unreadable(), folders(_gallery.database))
