"""The JSON files of a bundle, read with errors that say what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.system.atomic_write import read_bounded


def json_object(path: Path, remedy: str = "copy the file again") -> dict[str, Any]:
    """Read a JSON file that contains an object.

    Args:
        path: The file.
        remedy: What the error message says to do.

    Raises:
        BundleDamaged: It is missing, is not JSON, or contains another value.
    """
    try:
        value = json.loads(read_bounded(path).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleDamaged(f"{path}: expected JSON: {error}{placeholder_hint(path)}; {remedy}") from error
    if not isinstance(value, dict):
        raise BundleDamaged(f"{path}: expected a JSON object, found {type(value).__name__}; {remedy}")
    return value


def optional_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that contains an object; return an empty one if there is no such file."""
    return json_object(path) if path.is_file() else {}


def expect_file(path: Path, remedy: str) -> Path:
    """Return the path of a file that a layout requires.

    Raises:
        BundleIncompatible: There is no such file.
    """
    if not path.is_file():
        raise BundleIncompatible(f"{path}: missing; {remedy}")
    return path


def placeholder_hint(path: Path) -> str:
    """Return what a damaged file often is, as the end of an error message: a Git LFS pointer or a web page."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return ""
    if head.startswith(b"version https://git-lfs"):
        return " (a Git LFS pointer: fetch the real file with git lfs pull)"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return " (a web page in place of the file: the download failed)"
    return ""
