"""Trained towers -> ONNX bundles that the runtime reads; every graph is compared with PyTorch before it counts."""

from photoseek_export.errors import ExportError
from photoseek_export.export import export_checkpoint

__all__ = ["ExportError", "export_checkpoint"]
