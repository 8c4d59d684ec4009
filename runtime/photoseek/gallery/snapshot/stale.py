"""Stale files of interrupted runs in a gallery, and generations that no reader uses: found, and removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.file_names import (
    BUNDLE_FILE,
    BUNDLE_NAME,
    BUNDLES,
    CURRENT,
    DRAFT_FILE,
    GENERATION_FILE,
    GENERATION_NAME,
    GENERATIONS,
    PARTIAL,
)
from photoseek.gallery.snapshot.current import current_id, is_pointer_draft
from photoseek.system.removal import DRAFT_NAME, is_ours, remove_file, remove_folder


def stale_snapshots(gallery: Path) -> list[Path]:
    """Return what a killed indexing left behind: incomplete files, and generations that no reader uses.

    The one before the current one may still be read, and is none of them.
    """
    pointers = [path for path in gallery.glob(f"{CURRENT}.*{PARTIAL}") if is_pointer_draft(path)]
    drafts = [path for path in gallery.glob("*") if DRAFT_NAME.fullmatch(path.name)]
    found = [*pointers, *(path for path in drafts if is_ours(gallery, path.name, files=DRAFT_FILE))]
    unread = _unread(gallery)
    return sorted([*found, *(path for path in unread if is_ours(gallery, *_inner(path), files=GENERATION_FILE))])


def remove_stale_snapshots(gallery: Path) -> list[Path]:
    """Remove what ``stale_snapshots`` names, and return it; the caller holds the gallery's lock.

    A folder with the name of a generation that photoseek did not create is left alone, with a warning in the log.
    """
    removed = []
    for path in sorted({*stale_snapshots(gallery), *_unread(gallery)}):
        if path.parent != gallery:
            done = remove_folder(gallery, *_inner(path), files=GENERATION_FILE)
        elif path.is_dir():
            done = remove_folder(path, files=DRAFT_FILE)
        else:
            done = remove_file(path)
        removed += [path] if done else []
    return removed


def _unread(gallery: Path) -> list[Path]:
    """Return each folder with the name of a generation but the current one and the one before; none behind a link."""
    parent = gallery / GENERATIONS
    if parent.is_symlink():
        return []
    folders = [path for path in parent.glob("*") if GENERATION_NAME.fullmatch(path.name) and path.is_dir()]
    partial = [folder for folder in folders if folder.suffix == PARTIAL]
    complete = {number_of(folder): folder for folder in folders if folder.suffix != PARTIAL}
    try:
        current = int(current_id(gallery) or "")
    except (GalleryDamaged, ValueError):
        return partial
    earlier = sorted((number for number in complete if number < current), reverse=True)
    ours = (number for number in earlier if is_ours(gallery, *_inner(complete[number]), files=GENERATION_FILE))
    kept = {current, next(ours, current)}
    return [*partial, *(folder for number, folder in complete.items() if number not in kept)]


def _inner(generation: Path) -> tuple[str, str]:
    return generation.parent.name, generation.name


def number_of(folder: Path) -> int:
    """Return the number in the name of a generation; 0 for any other name."""
    return int(folder.name.removesuffix(PARTIAL)) if GENERATION_NAME.fullmatch(folder.name) else 0


def stale_files(gallery: Path, held: Sequence[GalleryBundle]) -> list[Path]:
    """Return stale files of interrupted runs, and the folders of removed bundles."""
    kept = _kept(gallery, held)
    unheld = [path for path in _unheld(gallery, kept) if is_ours(gallery, BUNDLES, path.name, files=BUNDLE_FILE)]
    return [*(path for folder in kept for path in stale_snapshots(folder)), *unheld]


def remove_stale_files(gallery: Path, held: Sequence[GalleryBundle]) -> list[Path]:
    """Remove what ``stale_files`` names, and return it; the caller holds the gallery's lock."""
    kept = _kept(gallery, held)
    removed = [path for folder in kept for path in remove_stale_snapshots(folder)]
    for path in _unheld(gallery, kept):
        removed += [path] if remove_folder(gallery, BUNDLES, path.name, files=BUNDLE_FILE) else []
    return removed


def _kept(gallery: Path, held: Sequence[GalleryBundle]) -> list[Path]:
    return sorted({one.folder(gallery) for one in held})


def _unheld(gallery: Path, kept: Sequence[Path]) -> list[Path]:
    """Return the folders that are called like that of a bundle that the gallery does not hold; none behind a link."""
    if (gallery / BUNDLES).is_symlink():
        return []
    folders = (path for path in sorted((gallery / BUNDLES).glob("*")) if BUNDLE_NAME.fullmatch(path.name))
    return [path for path in folders if path not in kept]
