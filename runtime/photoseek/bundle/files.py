"""The files of a bundle, verified when they are first used."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from photoseek.bundle.json_files import placeholder_hint
from photoseek.bundle.manifest import FileRecord
from photoseek.errors import BundleDamaged
from photoseek.system.fork_safety import ForkAware
from photoseek.system.hash_cache import FileStat, cached_sha256


class ChecksummedFiles(ForkAware):
    """Files whose sizes and SHA-256 a manifest records, by path inside the folder. May be shared between threads."""

    have_checksums = True

    def __init__(
        self,
        folder: Path,
        records: Mapping[str, FileRecord],
        remedy: str = "copy the bundle again",
    ) -> None:
        """Remember the records; nothing is read yet.

        Args:
            folder: The folder.
            records: Sizes and checksums by path inside the folder.
            remedy: What messages about a file with another content say to do.
        """
        self._folder = folder
        self._records = records
        self._remedy = remedy
        self._verified: set[str] = set()
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread of the parent may have acquired."""
        self._lock = threading.Lock()

    def verified_path(self, name: str) -> Path:
        """Return the path of a file after its first use has verified its SHA-256, see ``cached_sha256``.

        Raises:
            BundleDamaged: The content differs from the manifest.
        """
        with self._lock:
            if name not in self._verified:
                self._check_content(name)
                self._verified.add(name)
        return self._folder / name

    @property
    def sizes(self) -> dict[str, int]:
        """The size of each file in bytes."""
        return {name: record.bytes for name, record in self._records.items()}

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file after its first use has verified it.

        Raises:
            BundleDamaged: The content differs from the manifest.
        """
        self.verified_path(name)
        return self._records[name].sha256

    def verify_all(self) -> None:
        """Read and verify every file again.

        Raises:
            BundleDamaged: The first file that differs from the manifest.
        """
        self.check_sizes()
        for name in self._records:
            self._check_content(name, reread=True)

    def check_sizes(self) -> None:
        """Compare the sizes with the manifest, without reading any file.

        Raises:
            BundleDamaged: A file is missing or has another size.
        """
        for name, record in self._records.items():
            path = self._folder / name
            if not is_file(path):
                raise BundleDamaged(f"{path}: missing, or not a file; copy or export the bundle again")
            if (found := path.stat().st_size) != record.bytes:
                raise BundleDamaged(
                    f"{path}: expected {record.bytes:,} bytes, found {found:,}{placeholder_hint(path)}; {self._remedy}"
                )

    def _check_content(self, name: str, *, reread: bool = False) -> None:
        path, record = self._folder / name, self._records.get(name)
        if record is None:
            raise BundleDamaged(f"{path}: missing from the manifest; copy or export the bundle again")
        try:
            found = cached_sha256(path, reread=reread)
        except OSError as error:
            raise BundleDamaged(f"{path}: {error.strerror or error}") from error
        if found != record.sha256:
            raise BundleDamaged(
                f"{path}: expected sha256 {record.sha256[:12]}..., found {found[:12]}...{placeholder_hint(path)}; "
                f"{self._remedy}"
            )


class UnchangedFiles:
    """Files without recorded checksums, which must not change while the bundle is open."""

    have_checksums = False

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        """Record the size and times of each file.

        Raises:
            BundleDamaged: A file cannot be accessed.
        """
        self._folder = folder
        self._stats = {name: _file_stat(folder / name) for name in names}

    @property
    def sizes(self) -> dict[str, int]:
        """The size of each file in bytes."""
        return {name: stat.bytes for name, stat in self._stats.items()}

    def verified_path(self, name: str) -> Path:
        """Return the path of a file that has not changed since the bundle was opened.

        Raises:
            BundleDamaged: It has changed.
        """
        if _file_stat(self._folder / name) != self._stats.get(name):
            raise BundleDamaged(f"{self._folder / name}: has changed since the bundle was opened; open it again")
        return self._folder / name

    def verify_all(self) -> None:
        """Check that no file has changed since the bundle was opened.

        Raises:
            BundleDamaged: The first file that has changed.
        """
        for name in self._stats:
            self.verified_path(name)

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file that has not changed since the bundle was opened.

        Raises:
            BundleDamaged: It has changed, or cannot be read.
        """
        path = self.verified_path(name)
        try:
            found = cached_sha256(path)
        except OSError as error:
            raise BundleDamaged(f"{path}: {error.strerror or error}") from error
        self.verified_path(name)
        return found


BundleFiles: TypeAlias = ChecksummedFiles | UnchangedFiles


def is_file(path: Path) -> bool:
    """Return whether a path is a file; False also if it cannot be accessed."""
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder without permission
        return False


def _file_stat(path: Path) -> FileStat:
    try:
        return FileStat.of(path)
    except OSError as error:
        raise BundleDamaged(f"{path}: {error.strerror or error}") from error
