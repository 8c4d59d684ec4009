"""The errors that photoseek_export raises on purpose.

PhotoseekError
└── ExportError
    ├── ParityError         a graph's vectors are not PyTorch's
    ├── RecallDropTooHigh         a precision finds too much less than the full one
    ├── ImageSideDiffers    two checkpoints of one bundle make different vectors of photos
    └── BundleExists        the output folder holds something already
"""

from __future__ import annotations

from photoseek.errors import PhotoseekError


class ExportError(PhotoseekError):
    """A checkpoint cannot become a bundle."""


class ParityError(ExportError):
    """A graph's vectors are not PyTorch's."""


class RecallDropTooHigh(ExportError):
    """A precision finds too much less than the full one."""


class ImageSideDiffers(ExportError):
    """Two checkpoints of one bundle make different vectors of photos."""


class BundleExists(ExportError):
    """The output folder holds something already."""
