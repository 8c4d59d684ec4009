"""A bundle's folder: whether it may be written, what is in it, and how it takes its place."""

from __future__ import annotations

from pathlib import Path

from photoseek.manifest import FileRecord, Layout
from photoseek.preprocess import Preprocessing
from photoseek_export.errors import BundleExists


def expect_free(out: Path, overwrite: bool) -> None:
    """Make sure that a bundle may be written.

    Raises:
        BundleExists: The folder exists, and ``overwrite`` is false or it is no bundle.
    """
    if not out.exists():
        return
    if not (out / Layout.MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise BundleExists(f"{out}: exists and is no bundle; name another --out")
    if (out / Layout.MANIFEST).is_file() and not overwrite:
        raise BundleExists(f"{out}: there is a bundle already; replace it with --overwrite, or name another --out")


def records(folder: Path) -> dict[str, FileRecord]:
    """What the manifest says of each file of a bundle."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != Layout.MANIFEST)
    return {path.relative_to(folder).as_posix(): FileRecord.of(path) for path in paths}


def describe_input(preprocessing: Preprocessing) -> str:
    """What an image tower sees, in a few words."""
    size = f"{preprocessing.height} x {preprocessing.width} pixels"
    if preprocessing.shortest_edge is None:
        return f"{size}, the whole photo squeezed"
    return f"{size}, the middle of the photo scaled to {preprocessing.shortest_edge}"


def move_into_place(new: Path, out: Path) -> None:
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
