"""Cache of open galleries that all sessions share, so that a tower is loaded once and not for each query."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import streamlit as st

from photoseek.bundle.bundle import DEMO
from photoseek.errors import PhotoseekError
from photoseek.gallery.database.left_out_files import LeftOutFiles, left_out_files
from photoseek.gallery.database.pixel_limit import max_pixels
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.snapshot.current import current_id
from photoseek.gallery.status import GalleryStatus
from photoseek.page.exposure import is_shared
from photoseek.page.photo_files import PhotoFiles
from photoseek.page.thumbnail_cache import ThumbnailCache
from photoseek.search.backend import SearchBackend
from photoseek.search.caption_search import CaptionSearcher
from photoseek.search.reranker import Reranker
from photoseek.search.searcher import Searcher
from photoseek.search.tags import Tagger
from photoseek.sources.local import LocalSource
from photoseek.system.user_paths import absolute

_log = logging.getLogger(__name__)

_MAX_GALLERIES = 4  # open at the same time, each with its towers
_MAX_STATES = 16


@dataclass(frozen=True)
class OpenGallery:
    """An open gallery.

    Attributes:
        searcher: Searcher with the primary or an additional bundle.
        thumbnails: Thumbnails of its photos.
        files: URLs of its photos.
        captions: Searcher over its captions.
        tagger: Tags photos with words.
        database: Device and inode of its database.
        primary: Whether the searcher has the primary bundle.
        reranker: Reranker over the searcher, or None.
    """

    searcher: Searcher
    thumbnails: ThumbnailCache
    files: PhotoFiles
    captions: CaptionSearcher
    tagger: Tagger
    database: tuple[int, int]
    primary: bool = True
    reranker: Reranker | None = None

    @property
    def backend(self) -> SearchBackend:
        """The reranker if there is one, else the searcher."""
        return self.reranker or self.searcher


@dataclass(frozen=True)
class GalleryState:
    """Contents of a gallery.

    Attributes:
        status: Its statistics.
        unreadable: Path and reason of each photo that cannot be decoded.
        left_out: What the last indexing left out.
    """

    status: GalleryStatus
    unreadable: list[tuple[str, str]]
    left_out: LeftOutFiles


def open_gallery(folder: str, bundle: str | None = None) -> OpenGallery:
    """Return a gallery with its searcher, from the cache if possible.

    It is reopened if the gallery has been deleted and created again, or has another primary bundle.

    Args:
        folder: Folder of the gallery or of its photos.
        bundle: Fingerprint of the bundle that searches. None: the primary bundle.

    Raises:
        GalleryNotFound: There is no gallery.
        PhotoseekError: It or its bundle cannot be opened.
    """
    return _open(str(absolute(folder)), bundle, links=not is_shared())


def default_bundle(folder: str, gallery: Gallery, status: GalleryStatus) -> str:
    """Return the fingerprint of the bundle that searches by default.

    It is the primary one. If that is the embedded bundle, it is an additional one that is indexed and can be opened.
    """
    if gallery.bundles.primary.reference == DEMO:
        for each in status.additional:
            if each.generation is not None:
                with suppress(PhotoseekError):
                    open_gallery(folder, each.fingerprint)
                    return each.fingerprint
    return gallery.fingerprint


def open_reranker(opened: OpenGallery, bundle: str) -> Reranker:
    """Return a reranker with the bundle of a fingerprint, from the cache if possible.

    Raises:
        PhotoseekError: The bundle cannot be opened.
    """
    return _open_reranker(f"{id(opened.searcher)}", bundle, opened.searcher)


def gallery_state(gallery: Gallery) -> GalleryState:
    """Return the contents of a gallery, from the cache unless it has changed, because this reads every derived file.

    Raises:
        GalleryDamaged: A derived file is damaged.
    """
    revisions = (gallery.database.revision(), gallery.sentences.revision())
    bundles = tuple(gallery.bundles)
    version = (*revisions, *(current_id(each.folder(gallery.path)) for each in bundles), *map(repr, bundles))
    return _state(str(gallery.path), _identity(gallery), version, gallery)


def _identity(gallery: Gallery) -> tuple[int, int]:
    """Return device and inode: an open file keeps its inode, so a new database at the same path has another."""
    status = gallery.database.path.stat()
    return status.st_dev, status.st_ino


def _is_current(opened: OpenGallery) -> bool:
    gallery, bundle = opened.searcher.gallery, opened.searcher.bundle
    try:
        found = gallery.bundles.get(bundle)
        return _identity(gallery) == opened.database and found is not None and found.is_primary == opened.primary
    except (OSError, PhotoseekError):
        return False


@st.cache_resource(max_entries=_MAX_GALLERIES, show_spinner=False, validate=_is_current)
def _open(folder: str, bundle: str | None, *, links: bool) -> OpenGallery:
    gallery = Gallery.open(folder)
    searcher = Searcher(gallery, bundle=gallery.bundles.load(bundle))
    source = gallery.photos.source
    root = source.root if isinstance(source, LocalSource) else None
    limit = partial(max_pixels, gallery.database)
    thumbnails = ThumbnailCache(gallery.path, root=root, links=links, max_pixels=limit)
    files = PhotoFiles(gallery, searcher.bundle.fingerprint, thumbnails, shared=not links)
    primary = searcher.bundle.fingerprint == gallery.fingerprint
    readers = CaptionSearcher(searcher), Tagger(searcher)
    opened = OpenGallery(searcher, thumbnails, files, *readers, _identity(gallery), primary)
    _log.info("opened %r", opened.searcher)
    return opened


@st.cache_resource(max_entries=_MAX_GALLERIES, show_spinner=False)
def _open_reranker(key: str, bundle: str, _searcher: Searcher) -> Reranker:
    del key
    return Reranker(_searcher, _searcher.gallery.bundles.load(bundle))


@st.cache_data(max_entries=_MAX_STATES, show_spinner=False)
def _state(path: str, identity: tuple[int, int], version: tuple[object, ...], _gallery: Gallery) -> GalleryState:
    del path, identity, version  # the key; a parameter with an underscore is not part of it
    return GalleryState(_gallery.status(), _gallery.unreadable(), left_out_files(_gallery.database))
