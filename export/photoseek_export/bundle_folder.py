"""A bundle's folder: whether it may be written, what is in it, and how it takes its place."""

from __future__ import annotations

import json
from pathlib import Path

from photoseek.bundle.manifest import FileRecord, Layout
from photoseek.photos.preprocessing import Preprocessing
from photoseek_export.errors import BundleExists


def check_output_folder(out: Path, overwrite: bool) -> None:
    """Make sure that a bundle may be written.

    Raises:
        BundleExists: The folder exists, and ``overwrite`` is false, it is no bundle, or it holds files that its
            manifest does not name: they would be removed with the bundle that is replaced.
    """
    if not out.exists():
        return
    if not (out / Layout.MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise BundleExists(f"{out}: exists and is no bundle; name another --out")
    if (out / Layout.MANIFEST).is_file() and not overwrite:
        raise BundleExists(f"{out}: there is a bundle already; replace it with --overwrite, or name another --out")
    if foreign := sorted(_entries(out) - _recorded(out)):
        raise BundleExists(
            f"{out}: expected files of a bundle alone, found {foreign[0]}; move it away, or name another --out"
        )


def _entries(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_symlink() or not path.is_dir()}


def _recorded(out: Path) -> set[str]:
    try:
        files = json.loads((out / Layout.MANIFEST).read_text("utf-8"))["files"]
        return {Layout.MANIFEST, *files}
    except (OSError, ValueError, KeyError, TypeError):  # a damaged manifest vouches for no file but itself
        return {Layout.MANIFEST}


def file_records(folder: Path) -> dict[str, FileRecord]:
    """What the manifest says of each file of a bundle."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != Layout.MANIFEST)
    return {path.relative_to(folder).as_posix(): FileRecord.of(path) for path in paths}


def describe_input(preprocessing: Preprocessing) -> str:
    """What an image tower sees, in a few words."""
    size = f"{preprocessing.height} x {preprocessing.width} pixels"
    if preprocessing.shortest_edge is None:
        return f"{size}, the whole photo squeezed"
    return f"{size}, the middle of the photo scaled to {preprocessing.shortest_edge}"


def publish(new: Path, out: Path) -> None:
    """Rename; a bundle that was there is set aside first, and comes back should that fail."""
    aside = new.with_name("old")
    if out.exists():
        out.rename(aside)
    try:
        new.rename(out)
    except OSError:
        if aside.exists():
            aside.rename(out)
        raise
