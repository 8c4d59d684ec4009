"""Exceptions of photoseek. A message says what was expected, what was found, and what to do.

PhotoseekError
├── BundleError
│   ├── BundleNotFound        no model bundle at the given path
│   │   └── ModelNotInstalled  a model by name that was not downloaded
│   ├── BundleDamaged         a file of the bundle is missing or differs from its manifest
│   └── BundleIncompatible    a newer format, or the bundle lacks a precision or an input
├── ModelError                a model cannot be downloaded, unpacked or removed
│   ├── ModelUnavailable      the hub cannot be reached, denies access, or lacks the model
│   └── ModelRefused          a file differs from its checksum, or the towers return no valid vectors
├── GalleryError
│   ├── GalleryNotFound       no gallery or photo folder at the given path
│   ├── PhotoSourceUnreachable  object storage cannot be reached, or denies access
│   ├── IndexingError         a Ray cluster cannot be reached, or one of its machines cannot encode photos
│   ├── GalleryDamaged        a file of the gallery is missing or differs from its manifest
│   ├── GalleryIncompatible   a newer format, or vectors of another bundle
│   ├── GalleryUntrusted      records a photo folder elsewhere, or a bundle, that this user has not named
│   ├── GalleryBusy           another process is writing this gallery
│   ├── GalleryClosed         used after it was closed
│   └── GalleryEmpty          nothing indexed yet
├── StoreError
│   ├── StoreUnavailable      its server does not answer
│   ├── StoreIncompatible     vectors of another gallery or bundle, or a server that is too old
│   └── StoreEmpty            the gallery was not pushed to it
├── PhotoError                a photo cannot be decoded
│   ├── PhotoNeedsExtra       its format requires an optional dependency that is not installed
│   └── PhotoUnreachable      a photo cannot be read now; it may be valid
├── QueryError                an invalid query or argument
├── CaptionFileError          an invalid line of a caption or split file
├── EvaluationError           captioned images cannot be evaluated
└── MissingExtra              an optional dependency is not installed (also an ImportError)
"""

from __future__ import annotations


class PhotoseekError(Exception):
    """Base class of all exceptions of photoseek."""


class BundleError(PhotoseekError):
    """Base class of errors of a model bundle."""


class BundleNotFound(BundleError):
    """There is no model bundle at the given path."""


class ModelNotInstalled(BundleNotFound):
    """A model by name was not downloaded; the message names the command that downloads it."""


class BundleDamaged(BundleError):
    """A file of the bundle is missing, or differs from its manifest."""


class BundleIncompatible(BundleError):
    """The bundle has a newer format, or lacks a precision or an input."""


class ModelError(PhotoseekError):
    """A model cannot be downloaded, unpacked or removed."""


class ModelUnavailable(ModelError):
    """The hub cannot be reached, denies access, or lacks the model."""


class ModelRefused(ModelError):
    """A file of a model differs from its checksum, or its towers return no valid vectors."""


class GalleryError(PhotoseekError):
    """Base class of errors of a gallery."""


class GalleryNotFound(GalleryError):
    """There is no gallery, or no photo folder, at the given path."""


class PhotoSourceUnreachable(GalleryError):
    """Object storage cannot be reached, or denies access; its photos may be unchanged."""


class IndexingError(GalleryError):
    """A Ray cluster cannot be reached, or one of its machines cannot encode photos."""


class GalleryDamaged(GalleryError):
    """A file of the gallery is missing, or differs from its manifest."""


class GalleryIncompatible(GalleryError):
    """The gallery has a newer format, or vectors of another bundle."""


class GalleryUntrusted(GalleryError):
    """The gallery records a photo folder elsewhere, or a bundle, that its user has not named on this computer."""


class GalleryBusy(GalleryError):
    """Another process is writing this gallery."""


class GalleryClosed(GalleryError):
    """The gallery was used after it was closed."""


class GalleryEmpty(GalleryError):
    """Nothing in the gallery can be searched yet."""


class StoreError(PhotoseekError):
    """Base class of errors of a store, which has a copy of a gallery's vectors."""


class StoreUnavailable(StoreError):
    """The server of a store does not answer, or denies access."""


class StoreIncompatible(StoreError):
    """A store has vectors of another gallery or bundle, or its server is too old."""


class StoreEmpty(StoreError):
    """The gallery was not pushed to the store."""


class PhotoError(PhotoseekError):
    """A photo that cannot be decoded; the message is the reason."""


class PhotoNeedsExtra(PhotoError):
    """A photo's format requires an extra that is not installed.

    Attributes:
        kind: What it is, such as ``a HEIC photo``.
    """

    def __init__(self, kind: str, extra: str) -> None:
        super().__init__(kind, extra)  # all arguments, for pickle
        self.kind = kind
        self._extra = extra

    def __str__(self) -> str:
        """Return the reason, with the command that installs the extra."""
        return f"{self.kind}, which requires an extra; install it with: pip install 'photoseek[{self._extra}]'"


class PhotoUnreachable(PhotoError):
    """A photo that may be valid cannot be read now: its storage is unreachable or denies access, or memory is short."""


class QueryError(PhotoseekError):
    """A query or an argument is invalid."""


class CaptionFileError(PhotoseekError):
    """A line of a caption or split file is invalid; the message begins with the file and the line."""


class EvaluationError(PhotoseekError):
    """The captioned images cannot be evaluated."""


class MissingExtra(PhotoseekError, ImportError):
    """An optional dependency is not installed; the message names the command that installs it."""
