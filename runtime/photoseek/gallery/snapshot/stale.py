"""Find and remove stale files of interrupted runs, and snapshots that no reader uses."""

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
from photoseek.gallery.snapshot.manifest import base_name
from photoseek.system.removal import DRAFT_NAME, is_ours, remove_file, remove_folder


def stale_snapshots(gallery: Path) -> list[Path]:
    """Return incomplete files of killed processes, and unused snapshots.

    The snapshot before the current one may still have readers; neither it nor the bases of both are among them.
    """
    pointers = [path for path in gallery.glob(f"{CURRENT}.*{PARTIAL}") if is_pointer_draft(path)]
    drafts = [path for path in gallery.glob("*") if DRAFT_NAME.fullmatch(path.name)]
    found = [*pointers, *(path for path in drafts if is_ours(gallery, path.name, files=DRAFT_FILE))]
    unused = _unused(gallery)
    return sorted([*found, *(path for path in unused if is_ours(gallery, *_inner(path), files=GENERATION_FILE))])


def remove_stale_snapshots(gallery: Path) -> list[Path]:
    """Remove what ``stale_snapshots`` returns, and return it; the caller holds the gallery's lock.

    A folder with the name of a snapshot that photoseek did not create is left alone, with a warning in the log.
    """
    removed = []
    for path in sorted({*stale_snapshots(gallery), *_unused(gallery)}):
        if path.parent != gallery:
            done = remove_folder(gallery, *_inner(path), files=GENERATION_FILE)
        elif path.is_dir():
            done = remove_folder(path, files=DRAFT_FILE)
        else:
            done = remove_file(path)
        removed += [path] if done else []
    return removed


def _unused(gallery: Path) -> list[Path]:
    """Return each folder with the name of a snapshot except the current one, the previous one and their bases.

    None behind a link.
    """
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
    used = {current, next(ours, current)}
    used |= {int(base) for number in used if number in complete and (base := base_name(complete[number])) is not None}
    return [*partial, *(folder for number, folder in complete.items() if number not in used)]


def _inner(snapshot: Path) -> tuple[str, str]:
    return snapshot.parent.name, snapshot.name


def number_of(folder: Path) -> int:
    """Return the number in the name of a snapshot; 0 for any other name."""
    return int(folder.name.removesuffix(PARTIAL)) if GENERATION_NAME.fullmatch(folder.name) else 0


def stale_files(gallery: Path, records: Sequence[GalleryBundle]) -> list[Path]:
    """Return stale files of interrupted runs, and the folders of removed bundles."""
    folders = _bundle_folders(gallery, records)
    removed = _removed_bundles(gallery, folders)
    ours = [path for path in removed if is_ours(gallery, BUNDLES, path.name, files=BUNDLE_FILE)]
    return [*(path for folder in folders for path in stale_snapshots(folder)), *ours]


def remove_stale_files(gallery: Path, records: Sequence[GalleryBundle]) -> list[Path]:
    """Remove what ``stale_files`` returns, and return it; the caller holds the gallery's lock."""
    folders = _bundle_folders(gallery, records)
    removed = [path for folder in folders for path in remove_stale_snapshots(folder)]
    for path in _removed_bundles(gallery, folders):
        removed += [path] if remove_folder(gallery, BUNDLES, path.name, files=BUNDLE_FILE) else []
    return removed


def _bundle_folders(gallery: Path, records: Sequence[GalleryBundle]) -> list[Path]:
    return sorted({record.folder(gallery) for record in records})


def _removed_bundles(gallery: Path, folders: Sequence[Path]) -> list[Path]:
    """Return the folders with the name of a bundle that are not in ``folders``; none behind a link."""
    if (gallery / BUNDLES).is_symlink():
        return []
    found = (path for path in sorted((gallery / BUNDLES).glob("*")) if BUNDLE_NAME.fullmatch(path.name))
    return [path for path in found if path not in folders]
