"""photoseek_export: export of trained towers as ONNX bundles, verified against PyTorch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from photoseek_export.errors import ExportError

if TYPE_CHECKING:
    from photoseek_export.clip.export import export_clip
    from photoseek_export.export import export_checkpoint

__all__ = ["ExportError", "export_checkpoint", "export_clip"]

_MODULES = {"export_checkpoint": "photoseek_export.export", "export_clip": "photoseek_export.clip.export"}


def __getattr__(name: str) -> object:
    """Import PyTorch on first use, so that ``photoseek-export --help`` is fast and works without it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
