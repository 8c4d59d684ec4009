"""Exceptions that photoseek_export raises.

PhotoseekError
└── ExportError
    ├── ParityError          the output of a graph differs from PyTorch's
    ├── RecallDropTooHigh    a precision loses too much recall
    ├── SimilarityTooLow     the vectors of a precision differ too much
    ├── ImageSideDiffers     two checkpoints of a bundle encode photos differently
    └── BundleExists         the output folder is not empty
"""

from __future__ import annotations

from photoseek.errors import PhotoseekError


class ExportError(PhotoseekError):
    """A checkpoint cannot be exported."""


class ParityError(ExportError):
    """The output of a graph differs from PyTorch's."""


class RecallDropTooHigh(ExportError):
    """A precision loses too much recall."""


class SimilarityTooLow(ExportError):
    """The vectors of a precision differ too much from those of the most exact one."""


class ImageSideDiffers(ExportError):
    """Two checkpoints of a bundle encode photos differently."""


class BundleExists(ExportError):
    """The output folder is not empty."""
