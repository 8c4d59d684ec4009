"""The files of a bundle, and how it is known that they are what they should be."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from photoseek.bundle.hash_cache import FileStat, cached_sha256
from photoseek.bundle.manifest import FileRecord, upgrade_hint
from photoseek.errors import BundleDamaged
from photoseek.system.atomic_write import file_sha256
from photoseek.system.fork_safety import ForkAware


class BundleFiles(Protocol):
    """Files by their paths inside the folder of a bundle; may be shared between threads."""

    @property
    def have_checksums(self) -> bool:
        """Whether anything records what they should contain."""

    def verified(self, name: str) -> Path:
        """Return the path of a file after verifying it.

        Raises:
            BundleDamaged: It is not what it should be.
        """

    def verify_all(self) -> None:
        """Verify every file, also those that were verified before.

        Raises:
            BundleDamaged: The first file that is not what it should be.
        """


class ChecksummedFiles(ForkAware):
    """Files whose sizes and SHA-256 a manifest records; each is hashed when it is first used."""

    have_checksums = True

    def __init__(self, folder: Path, records: Mapping[str, FileRecord]) -> None:
        self._folder = folder
        self._records = records
        self._verified: set[str] = set()
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread may have held."""
        self._lock = threading.Lock()

    def verified(self, name: str) -> Path:
        """Return the path of a file whose content is what the manifest says; hashed once.

        Raises:
            BundleDamaged: It is not.
        """
        with self._lock:
            if name not in self._verified:
                self._check_content(name)
                self._verified.add(name)
        return self._folder / name

    def verify_all(self) -> None:
        """Hash every file.

        Raises:
            BundleDamaged: The first file that is not what the manifest says.
        """
        self.check_sizes()
        for name in self._records:
            self._check_content(name)

    def check_sizes(self) -> None:
        """Compare sizes with the manifest, without reading any file.

        Raises:
            BundleDamaged: A file is missing or has another size.
        """
        for name, record in self._records.items():
            path = self._folder / name
            if not is_file(path):
                raise BundleDamaged(f"{path}: missing, or not a file; copy the bundle again, or export it anew")
            if (found := path.stat().st_size) != record.bytes:
                raise BundleDamaged(
                    f"{path}: expected {record.bytes:,} bytes, found {found:,}"
                    f"{upgrade_hint(path)}; copy the bundle again"
                )

    def _check_content(self, name: str) -> None:
        path, record = self._folder / name, self._records.get(name)
        if record is None:
            raise BundleDamaged(f"{path}: the manifest records no such file")
        try:
            found = file_sha256(path)
        except OSError as error:
            raise BundleDamaged(f"{path}: {error.strerror or error}") from error
        if found != record.sha256:
            raise BundleDamaged(
                f"{path}: expected sha256 {record.sha256[:12]}..., found {found[:12]}...{upgrade_hint(path)}; "
                "copy the bundle again"
            )


class UnchangedFiles:
    """Files without recorded checksums; they must not change while the bundle is used."""

    have_checksums = False

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        """Note the size and times of each file.

        Raises:
            BundleDamaged: One of them cannot be looked at.
        """
        self._folder = folder
        self._stamps = {name: _stamp(folder / name) for name in names}

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each file."""
        return {name: stamp.bytes for name, stamp in self._stamps.items()}

    def verified(self, name: str) -> Path:
        """Return the path of a file that has not changed since the bundle was opened.

        Raises:
            BundleDamaged: It has.
        """
        if _stamp(self._folder / name) != self._stamps.get(name):
            raise BundleDamaged(f"{self._folder / name}: has changed since the bundle was opened; open it again")
        return self._folder / name

    def verify_all(self) -> None:
        """Check that no file has changed since the bundle was opened.

        Raises:
            BundleDamaged: One has.
        """
        for name in self._stamps:
            self.verified(name)

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file that has not changed since the bundle was opened.

        Raises:
            BundleDamaged: It has changed, or cannot be read.
        """
        path = self.verified(name)
        try:
            found = cached_sha256(path)
        except OSError as error:
            raise BundleDamaged(f"{path}: {error.strerror or error}") from error
        self.verified(name)
        return found


def is_file(path: Path) -> bool:
    """Return whether a path is a file that can be looked at."""
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder that may not be read
        return False


def _stamp(path: Path) -> FileStat:
    try:
        return FileStat.of(path)
    except OSError as error:
        raise BundleDamaged(f"{path}: {error.strerror or error}") from error
