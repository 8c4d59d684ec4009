"""Folders that a person can choose from: those inside a folder, and where photos usually are on this computer."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from photoseek.errors import GalleryNotFound
from photoseek.sources.exclusion import FolderRules
from photoseek.sources.local import has_photo_suffix
from photoseek.system.file_systems import mount_points
from photoseek.system.user_paths import printable, why_no_folder

MOST_FOLDERS = 500
"""Maximum number of folders in a list."""

MOST_PHOTOS = 1_000
"""Photos of a folder are counted up to this number."""

_COUNT_S = 0.4  # for all folders of a list; what cannot be counted in this time has no number
_SHARED_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.rclone", "fuse.gvfsd-fuse"})
_SYSTEM = ("/boot/", "/dev/", "/etc/", "/nix/", "/proc/", "/run/", "/snap/", "/sys/", "/tmp/", "/usr/", "/var/")
_REMOVABLE = ("/run/media/", "/var/mnt/", "/media/", "/mnt/")


@dataclass(frozen=True)
class Subfolder:
    """A folder in a list.

    Attributes:
        path: Its path.
        photos: Photos in it and below, up to ``MOST_PHOTOS``; None if they were not counted.
    """

    path: Path
    photos: int | None = None


def subfolders(folder: Path) -> tuple[list[Subfolder], int]:
    """Return the folders inside a folder by name, without those that a scan leaves out, and how many are not listed.

    Raises:
        GalleryNotFound: The folder does not exist, or cannot be read.
    """
    reason = why_no_folder(folder)
    if reason is not None:
        raise GalleryNotFound(f"{printable(folder)}: {reason}")
    rules = FolderRules.of_photo_folder(folder.name)
    try:
        with os.scandir(folder) as entries:
            found = sorted((Path(entry.path) for entry in entries if _is_listed(entry, rules)), key=_by_name)
    except OSError as error:
        raise GalleryNotFound(f"{printable(folder)}: {error.strerror}") from error
    shown = found[:MOST_FOLDERS]
    counts = _count_all(shown)
    return [Subfolder(path, counts.get(path)) for path in shown], len(found) - len(shown)


def usual_places() -> list[Path]:
    """Return the home folder, its folder of pictures, and mounted disks that people see in a file manager."""
    home = Path.home()
    pictures = next((place for place in (_xdg_pictures(home), home / "Pictures") if place and place.is_dir()), None)
    return [*dict.fromkeys(place for place in (home, pictures, *mounted_disks()) if place is not None)]


def mounted_disks() -> list[Path]:
    """Return where other disks, cards and network folders are mounted."""
    if sys.platform == "darwin":
        with suppress(OSError):
            return sorted(each for each in Path("/Volumes").iterdir() if not each.is_symlink())
        return []
    return sorted(Path(point) for point, kind, device in mount_points() if _is_disk(point, kind, device))


def _is_disk(point: str, kind: str, device: str) -> bool:
    shared = kind in _SHARED_DISKS
    if not shared and not device.startswith("/dev/"):
        return False
    if point.startswith(_REMOVABLE):
        return True
    inside = f"{point.rstrip('/')}/"
    if inside.startswith(_SYSTEM) or f"{Path.home()}/".startswith(inside):
        return False
    return shared or not os.path.isfile(point)  # a network that does not respond is not asked


def _is_listed(entry: os.DirEntry[str], rules: FolderRules) -> bool:
    """Return whether an entry is a folder that a scan does not leave out; links to folders can be chosen."""
    try:
        return entry.is_dir() and rules.reason(entry.name, entry.name, is_folder=True) is None
    except OSError:
        return False


def _by_name(path: Path) -> tuple[str, str]:
    return path.name.casefold(), path.name


def _count_all(folders: Sequence[Path]) -> dict[Path, int]:
    """Count photos in a thread, since a network folder may not respond, and return the counts that are complete."""
    counts: dict[Path, int] = {}
    end = time.monotonic() + _COUNT_S

    def count() -> None:
        for number, folder in enumerate(folders):
            now = time.monotonic()
            found = _count(folder, now + (end - now) / (len(folders) - number))
            if found is not None:
                counts[folder] = found

    thread = threading.Thread(target=count, name="photoseek-count", daemon=True)
    thread.start()
    thread.join(2 * _COUNT_S)
    return dict(counts)


def _count(folder: Path, end: float) -> int | None:
    """Return the number of photos in a folder and below, up to the maximum; None if there is not enough time."""
    pending, photos = [(folder, FolderRules.of_photo_folder(folder.name))], 0
    while pending:
        place, rules = pending.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if photos >= MOST_PHOTOS:
                        return MOST_PHOTOS
                    if time.monotonic() > end:
                        return None
                    folder_inside = entry.is_dir(follow_symlinks=False)
                    if rules.reason(entry.name, entry.name, is_folder=folder_inside) is not None:
                        continue
                    if folder_inside:
                        pending.append((Path(entry.path), rules.inside(entry.name)))
                    else:
                        photos += has_photo_suffix(entry.name)
        except OSError:  # a folder of another account; a scan reports it
            continue
    return photos


def _xdg_pictures(home: Path) -> Path | None:
    """Return the folder of pictures that the desktop has set; see xdg-user-dirs."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    try:
        lines = (base / "user-dirs.dirs").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return None
    found = next((line.partition("=")[2] for line in lines if line.startswith("XDG_PICTURES_DIR=")), "").strip('" ')
    place = Path(found.replace("$HOME", str(home), 1))
    return place if found and place.is_absolute() and place != home else None
