"""Open galleries, kept between interactions and sessions: a tower is loaded once, and never for a query."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import streamlit as st

from photoseek.errors import PhotoseekError
from photoseek.gallery.database.filter_query import list_folders
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.snapshot.current import current_id
from photoseek.gallery.status import GalleryStatus
from photoseek.page.exposure import is_shared
from photoseek.page.thumbnail_cache import Pictures
from photoseek.search.backend import SearchBackend
from photoseek.search.caption_search import CaptionSearcher
from photoseek.search.reranker import Reranker
from photoseek.search.searcher import Searcher
from photoseek.sources.local import LocalSource
from photoseek.system.user_paths import absolute

_log = logging.getLogger(__name__)

_GALLERIES = 4  # kept open at the same time, each with its towers
_STATES = 16


@dataclass(frozen=True)
class OpenGallery:
    """A searcher, its thumbnails, and the device and inode of the database that it was opened with.

    ``own``: whether the gallery's own bundle answers, and not one beside it. ``reranker``: over that searcher, where
    a second look was chosen.
    """

    searcher: Searcher
    pictures: Pictures
    captions: CaptionSearcher
    database: tuple[int, int]
    own: bool = True
    reranker: Reranker | None = None

    @property
    def backend(self) -> SearchBackend:
        """The reranker if there is one, else the searcher."""
        return self.reranker or self.searcher


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


def open_gallery(folder: str, model: str | None = None) -> OpenGallery:
    """A gallery with its searcher, opened at most once.

    It is opened anew where the gallery has been deleted and made again, or has gone over to another bundle.

    Args:
        folder: Its own, or that of its photos.
        model: Fingerprint of the bundle that answers. None: the gallery's own.

    Raises:
        GalleryNotFound: There is no gallery.
        PhotoseekError: It or its bundle cannot be opened.
    """
    return _open(str(absolute(folder)), model, links=not is_shared())


def open_reranker(opened: OpenGallery, second: str) -> Reranker:
    """What has a second bundle look at the first hits, by its fingerprint; made at most once for a searcher.

    Raises:
        PhotoseekError: The bundle cannot be opened.
    """
    return _rerank(f"{id(opened.searcher)}", second, opened.searcher)


def gallery_state(gallery: Gallery) -> GalleryState:
    """What is in a gallery now; computed anew only after it has changed, since it reads every derived file.

    Raises:
        GalleryDamaged: One of those is not what it should be.
    """
    revisions = (gallery.database.revision(), gallery.sentences.revision())
    held = tuple(gallery.bundles)
    moment = (*revisions, *(current_id(each.folder(gallery.path)) for each in held), *map(repr, held))
    return _state(str(gallery.path), _identity(gallery), moment, gallery)


def _identity(gallery: Gallery) -> tuple[int, int]:
    """An open file keeps its inode, so a database made anew at the same place always has another."""
    status = gallery.database.path.stat()
    return status.st_dev, status.st_ino


def _is_current(opened: OpenGallery) -> bool:
    gallery, bundle = opened.searcher.gallery, opened.searcher.bundle
    try:
        held = gallery.bundles.get(bundle)
        return _identity(gallery) == opened.database and held is not None and held.is_primary == opened.own
    except (OSError, PhotoseekError):
        return False


@st.cache_resource(max_entries=_GALLERIES, show_spinner=False, validate=_is_current)
def _open(folder: str, model: str | None, *, links: bool) -> OpenGallery:
    gallery = Gallery.open(folder)
    searcher = Searcher(gallery, bundle=gallery.bundles.load(model))
    source = gallery.photos.source
    root = source.root if isinstance(source, LocalSource) else None
    pictures = Pictures(gallery.path, root=root, links=links)
    own = searcher.bundle.fingerprint == gallery.fingerprint
    opened = OpenGallery(searcher, pictures, CaptionSearcher(searcher), _identity(gallery), own)
    _log.info("opened %r", opened.searcher)
    return opened


@st.cache_resource(max_entries=_GALLERIES, show_spinner=False)
def _rerank(key: str, second: str, _searcher: Searcher) -> Reranker:
    del key
    return Reranker(_searcher, _searcher.gallery.bundles.load(second))


@st.cache_data(max_entries=_STATES, show_spinner=False)
def _state(path: str, identity: tuple[int, int], moment: tuple[object, ...], _gallery: Gallery) -> GalleryState:
    del path, identity, moment  # the key; a parameter with an underscore is not part of it
    return GalleryState(_gallery.status(), _gallery.unreadable(), list_folders(_gallery.database))
