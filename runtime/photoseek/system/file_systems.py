"""The type of the file system of a file, and its guarantees."""

from __future__ import annotations

import os
import re
from pathlib import Path

_LOCAL = frozenset(
    {
        *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "ntfs3", "overlay", "xfs", "zfs"),
        *("erofs", "iso9660", "ramfs", "rootfs", "squashfs", "tmpfs", "udf"),
    }
)
_STABLE_INODES = (_LOCAL | {"nfs", "nfs4"}) - {"exfat", "overlay"}
_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"\\([0-7]{3})")


def supports_wal(folder: Path) -> bool:
    """Return whether SQLite's write-ahead log is known to work in a folder; False if in doubt.

    The log needs memory that all processes share (https://www.sqlite.org/wal.html), which network file systems and most
    FUSE file systems lack, and ``photoseek.gallery.database.read_only`` needs timestamps finer than those of FAT.
    """
    return file_system_of(folder) in _LOCAL


def has_stable_inodes(path: Path) -> bool:
    """Return whether a file keeps its inode number as long as it exists; False if in doubt.

    FAT, exFAT and FUSE file systems assign numbers on access.
    """
    return file_system_of(path) in _STABLE_INODES


def file_system_of(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the type of the file system of a file or folder, such as ``ext4`` or ``nfs4``; None if it is unknown."""
    place = os.path.realpath(path)
    longest, found = -1, None
    for point, kind, _ in mount_points(mounts):
        inside = place == point or place.startswith(f"{point.rstrip('/')}/")
        if inside and len(point) >= longest:  # the last of several mounts at one point is on top
            longest, found = len(point), kind
    return found


def mount_points(mounts: Path = _MOUNTS) -> list[tuple[str, str, str]]:
    """Return the folder, the type and the device of each mounted file system; none if this is not Linux."""
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:  # not Linux, or no /proc
        return []
    found = []
    for line in lines:
        mounted, _, source = line.partition(b" - ")
        point = _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), mounted.split()[4])
        kind, device = source.split()[:2]
        found.append((os.fsdecode(point), os.fsdecode(kind), os.fsdecode(device)))
    return found
