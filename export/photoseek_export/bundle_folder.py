"""The output folder of an export: checks, file records and atomic replacement."""

from __future__ import annotations

import json
from pathlib import Path

from photoseek.bundle.manifest import FileRecord, Layout
from photoseek.photos.preprocessing import Preprocessing
from photoseek_export.errors import BundleExists


def check_output_folder(out: Path, overwrite: bool) -> None:
    """Check that a bundle can be written to ``out``.

    Raises:
        BundleExists: The folder exists, and ``overwrite`` is false, it is not a bundle, or it contains files that its
            manifest does not list and that would be deleted with the replaced bundle.
    """
    if not out.exists():
        return
    if not (out / Layout.MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise BundleExists(f"{out}: expected a new folder or a bundle, found other files; choose another --out")
    if (out / Layout.MANIFEST).is_file() and not overwrite:
        raise BundleExists(f"{out}: the bundle exists; replace it with --overwrite, or choose another --out")
    if unlisted := sorted(_entries(out) - _recorded(out)):
        raise BundleExists(
            f"{out}: expected only files of the bundle, found {unlisted[0]}; move it, or choose another --out"
        )


def _entries(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_symlink() or not path.is_dir()}


def _recorded(out: Path) -> set[str]:
    try:
        files = json.loads((out / Layout.MANIFEST).read_text("utf-8"))["files"]
        return {Layout.MANIFEST, *files}
    except (OSError, ValueError, KeyError, TypeError):  # a damaged manifest lists no files
        return {Layout.MANIFEST}


def file_records(folder: Path) -> dict[str, FileRecord]:
    """Return the manifest's record of each file of a bundle."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != Layout.MANIFEST)
    return {path.relative_to(folder).as_posix(): FileRecord.of(path) for path in paths}


def describe_input(preprocessing: Preprocessing) -> str:
    """Return a short description of the image tower's input."""
    size = f"{preprocessing.height} x {preprocessing.width} pixels"
    if preprocessing.shortest_edge is None:
        return f"{size}, resized to a square"
    return f"{size}, center crop after resizing to {preprocessing.shortest_edge}"


def publish(new: Path, out: Path) -> None:
    """Rename the new folder to ``out``; an existing bundle is renamed first and restored if that fails."""
    backup = new.with_name("old")
    if out.exists():
        out.rename(backup)
    try:
        new.rename(out)
    except OSError:
        if backup.exists():
            backup.rename(out)
        raise
