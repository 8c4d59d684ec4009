"""Which layout a folder has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from photoseek.bundle.description import ExternalModel
from photoseek.bundle.layouts import chinese_clip, immich, rclip, transformers
from photoseek.bundle.manifest import Layout
from photoseek.errors import BundleIncompatible, BundleNotFound

_LAYOUTS = (transformers, immich, rclip, chinese_clip)
_PYTORCH = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_ONE_GRAPH = ("onnx/model.onnx", "model.onnx")


def detect_layout(folder: Path) -> ExternalModel:
    """What lies in a folder that has no manifest of ours.

    Raises:
        BundleNotFound: No layout is recognised.
        BundleIncompatible: One is, but it is not whole, asks for what is not done here, or is one that is not read.
        BundleDamaged: A file of it cannot be read.
    """
    known: list[Callable[[Path], ExternalModel | None]] = [layout.describe for layout in _LAYOUTS]
    try:
        found = next(filter(None, (look(folder) for look in known)), None)
        if found is None:
            _raise_not_a_bundle(folder)
    except (OSError, ValueError) as error:  # a folder that may not be read, an invalid name
        what = getattr(error, "strerror", None) or error
        raise BundleNotFound(f"no bundle at {folder}: expected a folder that can be read: {what}") from error
    if found is None:
        raise BundleNotFound(
            f"no bundle at {folder}: expected a folder with {Layout.MANIFEST}, or the files of another program: "
            f"{'; '.join(layout.EXPECTED for layout in _LAYOUTS)}; "
            "make one with photoseek-export, or name the embedded one: demo"
        )
    return found


def _raise_not_a_bundle(folder: Path) -> None:
    """Forms of the same models that are near to a bundle, with the way to one."""
    if not (folder / Layout.CONFIG).is_file():
        return
    if any((folder / name).is_file() for name in _PYTORCH):
        raise BundleIncompatible(
            f"{folder}: a model's weights for PyTorch, which no bundle has; turn them into one: "
            f"photoseek-export --from-clip {folder} --out BUNDLE"
        )
    one = next((name for name in _ONE_GRAPH if (folder / name).is_file()), None)
    if one is not None:
        raise BundleIncompatible(
            f"{folder / one}: both towers in one graph, so that a text would need a photo to be encoded; expected "
            f"{transformers.EXPECTED}"
        )
