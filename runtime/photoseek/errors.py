"""The errors that photoseek raises on purpose; each message says what was expected, what was found, what to do.

PhotoseekError
├── BundleError
│   ├── BundleNotFound        no model bundle at the given place
│   ├── BundleDamaged         a file of the bundle is missing or not what its manifest says
│   └── BundleIncompatible    a newer format, or a precision or input that the bundle lacks
├── GalleryError
│   ├── GalleryNotFound       no gallery at the given place
│   ├── PhotoSourceUnreachable     object storage that cannot be reached, or refuses: nothing is known of its photos
│   ├── IndexingError             machines that cannot embed photos together
│   ├── GalleryDamaged        a file of the gallery is missing or not what its manifest says
│   ├── GalleryIncompatible   a newer format, or vectors of another bundle
│   ├── GalleryUntrusted      records photos elsewhere, or a bundle, that this user has not named
│   ├── GalleryBusy           another process is writing this gallery
│   ├── GalleryClosed         used after it was closed
│   └── GalleryEmpty          nothing indexed yet
├── StoreError
│   ├── StoreUnavailable      its server does not answer
│   ├── StoreIncompatible     vectors of another gallery or bundle, or a server that is too old
│   └── StoreEmpty            nothing of this gallery was pushed to it
├── PhotoError                a photo that cannot be decoded
│   └── PhotoUnreachable      a photo of which nothing can be told now
├── QueryError                a query that cannot be answered
├── CaptionFileError          a broken line of a caption or split file
├── EvaluationError           a measurement that the captioned images don't allow
└── MissingExtra              an optional dependency that is not installed (also an ImportError)
"""

from __future__ import annotations


class PhotoseekError(Exception):
    """Base of every error that photoseek raises on purpose."""


class BundleError(PhotoseekError):
    """Something is wrong with a model bundle."""


class BundleNotFound(BundleError):
    """No model bundle at the given place."""


class BundleDamaged(BundleError):
    """A file of the bundle is missing, or is not what its manifest says."""


class BundleIncompatible(BundleError):
    """The bundle has a newer format, or lacks what was asked of it."""


class GalleryError(PhotoseekError):
    """Something is wrong with a gallery."""


class GalleryNotFound(GalleryError):
    """No gallery, or no photo folder, at the given place."""


class PhotoSourceUnreachable(GalleryError):
    """Object storage cannot be reached, or refuses: that says nothing of the photos in it."""


class IndexingError(GalleryError):
    """The machines that were to embed photos together cannot be reached, or one of them cannot do it."""


class GalleryDamaged(GalleryError):
    """A file of the gallery is missing, or is not what its manifest says."""


class GalleryIncompatible(GalleryError):
    """The gallery has a newer format, or holds vectors of another bundle."""


class GalleryUntrusted(GalleryError):
    """The gallery records a photo folder elsewhere, or a bundle, that its user has not named on this computer."""


class GalleryBusy(GalleryError):
    """Another process is writing this gallery."""


class GalleryClosed(GalleryError):
    """The gallery was closed, and is used all the same."""


class GalleryEmpty(GalleryError):
    """The gallery holds nothing that could be searched."""


class StoreError(PhotoseekError):
    """Something is wrong with a store that holds a copy of a gallery's vectors."""


class StoreUnavailable(StoreError):
    """The server of a store does not answer, or does not let this user in."""


class StoreIncompatible(StoreError):
    """A store holds vectors of another gallery or bundle, or its server is too old."""


class StoreEmpty(StoreError):
    """Nothing of this gallery was pushed to the store."""


class PhotoError(PhotoseekError):
    """A photo that cannot be decoded; the message is the reason."""


class PhotoUnreachable(PhotoError):
    """Nothing can be told of a photo now: its storage cannot be reached, or refuses, or memory is short."""


class QueryError(PhotoseekError):
    """A query that cannot be answered."""


class CaptionFileError(PhotoseekError):
    """A broken line of a caption or split file; the message begins with the file and the line."""


class EvaluationError(PhotoseekError):
    """A measurement that makes no sense, or that the captioned images don't allow."""


class MissingExtra(PhotoseekError, ImportError):
    """An optional dependency is not installed; the message names the command that installs it."""
