"""What a scan leaves out, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from photoseek.photos.formats import FileKind
from photoseek.sources.companions import Companions


@dataclass(frozen=True)
class LeftOut:
    """Folders and photos that were left out for one reason.

    Attributes:
        reason: The reason, and what to do to index them.
        folders: Number of folders; what is below them is not counted.
        photos: Number of photos.
        example: Path of one of them.
    """

    reason: str
    folders: int
    photos: int
    example: str

    def __str__(self) -> str:
        counts = [counted(self.folders, "folder"), counted(self.photos, "photo")]
        return f"{', '.join(filter(None, counts))}: {self.reason} (such as {self.example})"


@dataclass(frozen=True)
class UnreadKind:
    """Files of a kind that is not read.

    Attributes:
        kind: Its name, in the plural.
        files: Number of files.
        extra: The extra that reads it; None: nothing does.
        example: Path of one of them.
    """

    kind: str
    files: int
    extra: str | None
    example: str


@dataclass
class LeftOutCounts:
    """Counts of one scan.

    Attributes:
        folders: Paths of the folders that were left out.
    """

    folders: set[str] = field(default_factory=set)
    _found: dict[str, list[int]] = field(default_factory=dict)  # folders and photos by reason
    _kinds: dict[FileKind, int] = field(default_factory=dict)
    _examples: dict[str | FileKind, str] = field(default_factory=dict)

    def add(self, reason: str, path: str, *, is_folder: bool) -> None:
        """Count a folder or a photo; an empty reason is not reported."""
        if is_folder:
            self.folders.add(path)
        if reason:
            self._found.setdefault(reason, [0, 0])[0 if is_folder else 1] += 1
            self._examples.setdefault(reason, path)

    def add_unread(self, kind: FileKind, path: str) -> None:
        """Count a file of a kind that is not read."""
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        self._examples.setdefault(kind, path)

    def add_other(self, kind: FileKind, path: str, name: str, companions: Companions | None) -> None:
        """Count a file of a kind that is not read, unless it is one photo with another; see ``Companions``."""
        if companions is None:
            self.add_unread(kind, path)
        elif (reason := companions.reason(name)) is not None:
            self.add(reason, path, is_folder=False)
        elif not companions.is_live_video(name):
            self.add_unread(kind, path)

    def covers(self, path: str) -> bool:
        """Return whether a path is in a folder that was left out."""
        parts = path.split("/")
        return any("/".join(parts[:depth]) in self.folders for depth in range(1, len(parts) + 1))

    def left_out(self) -> list[LeftOut]:
        """Return the counts by reason, in the order in which they were found."""
        found = self._found.items()
        return [LeftOut(reason, folders, photos, self._examples[reason]) for reason, (folders, photos) in found]

    def unread(self) -> list[UnreadKind]:
        """Return the counts by kind."""
        return [UnreadKind(kind.name, count, kind.extra, self._examples[kind]) for kind, count in self._kinds.items()]


def counted(number: int, name: str) -> str:
    """Return a number of things, such as ``2 folders``; nothing for 0."""
    return f"{number:,} {name}{'' if number == 1 else 's'}" if number else ""
