"""Trained towers -> ONNX bundles that the runtime reads; every graph is compared with PyTorch before it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from photoseek_export.errors import ExportError

if TYPE_CHECKING:
    from photoseek_export.export import export_checkpoint

__all__ = ["ExportError", "export_checkpoint"]


def __getattr__(name: str) -> object:
    """Import PyTorch only when something is exported: ``photoseek-export --help`` answers at once, and without it."""
    if name != "export_checkpoint":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from photoseek_export.export import export_checkpoint

    return export_checkpoint
