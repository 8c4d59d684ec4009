"""The errors that photoseek_export raises on purpose.

PhotoseekError
└── ExportError
    ├── ParityError     a graph's vectors are not PyTorch's
    └── BundleExists    the output folder holds something already
"""

from __future__ import annotations

from photoseek.errors import PhotoseekError


class ExportError(PhotoseekError):
    """A checkpoint cannot become a bundle."""


class ParityError(ExportError):
    """A graph's vectors are not PyTorch's."""


class BundleExists(ExportError):
    """The output folder holds something already."""
