"""Rules by which a scan leaves out folders and photos: defaults, marker files, and patterns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from photoseek.errors import QueryError
from photoseek.sources.patterns import Patterns, normalized, read_lines

GALLERY_FOLDER = ".photoseek"
"""Name of a gallery's folder inside the photo folder, by default."""

IGNORE_FILE = ".photoseekignore"
"""Name of a file with patterns for its folder and the folders below."""

MARKERS = frozenset({".nomedia", ".noimage"})
"""Names of files that leave out their folder, as on Android and in Nextcloud."""

MARKED = "with .nomedia or .noimage; to index them, remove this file"
LINKED = "links to folders elsewhere; index these folders on their own"

HIDDEN = "hidden, their names start with a dot; to index them, rename them"
RECYCLED = "recycle bins"
SNAPSHOTS = "snapshots of a NAS"
SYSTEM = "folders of the system or of programs"
PREVIEWS = "Lightroom previews"
DERIVATIVES = "copies that Apple Photos makes; its originals are indexed"

_BY_NAME = {  # in lower case
    "#recycle": RECYCLED,  # Synology
    "@recycle": RECYCLED,  # QNAP
    "$recycle.bin": RECYCLED,  # Windows
    "#snapshot": SNAPSHOTS,  # Synology
    "@recently-snapshot": SNAPSHOTS,  # QNAP
    "lost+found": SYSTEM,
    "system volume information": SYSTEM,
    "@eadir": SYSTEM,  # Synology's thumbnails
    "node_modules": SYSTEM,
}
_PREVIEW_SUFFIX = ".lrdata"
_LIBRARY_SUFFIX = ".photoslibrary"
_ORIGINALS = frozenset({"originals", "masters"})  # the latter before macOS 10.15
_SILENT = ""
BY = "by "
"""Before the name of an option or of an ignore file."""


def check_patterns(patterns: Sequence[str]) -> None:
    """Raise unless patterns are valid.

    Raises:
        QueryError: One is not.
    """
    if problems := Patterns(patterns).problems:
        raise QueryError(f"--exclude: {problems[0]}")


@dataclass(frozen=True)
class _Scope:
    """Patterns, the folder that they are for, and their source for reports; None: the ``--exclude`` options."""

    folder: str
    patterns: Patterns
    file: str | None

    def decide(self, path: str, *, is_folder: bool) -> tuple[bool, str] | None:
        """Return whether an entry is left out, and the reason; None if no pattern matches."""
        inside = path[len(self.folder) + 1 :] if self.folder else path
        found = self.patterns.decide(inside, is_folder=is_folder)
        return None if found is None else (found[0], f"{BY}{self.file or f'--exclude {found[1]!r}'}")


@dataclass(frozen=True)
class FolderRules:
    """The rules for the entries of one folder.

    Attributes:
        path: Of the folder, relative to the photo folder; empty for the photo folder itself.
        in_library: Whether it is an Apple Photos library.
    """

    path: str = ""
    in_library: bool = False
    _options: tuple[_Scope, ...] = ()
    _files: tuple[_Scope, ...] = ()  # the deepest first

    @classmethod
    def of_photo_folder(cls, name: str, patterns: Sequence[str] = ()) -> FolderRules:
        """Return the rules for the entries of the photo folder, which is read whatever its name is.

        Args:
            name: Its name.
            patterns: Those of ``--exclude``.
        """
        compiled = Patterns(patterns)
        options = (_Scope("", compiled, None),) if compiled else ()
        return cls("", _is_library(name), options)

    def inside(self, path: str) -> FolderRules:
        """Return the rules for a folder in this one, without its ignore file."""
        return replace(self, path=path, in_library=_is_library(path))

    def with_file(self, data: bytes) -> tuple[FolderRules, list[str]]:
        """Add the patterns of the folder's ignore file; return the rules and the problems of the file."""
        patterns = Patterns(read_lines(data))
        name = f"{self.path}/{IGNORE_FILE}" if self.path else IGNORE_FILE
        return replace(self, _files=(_Scope(normalized(self.path), patterns, name), *self._files)), patterns.problems

    def reason(self, path: str, name: str, *, is_folder: bool) -> str | None:
        """Return why an entry of the folder is left out; None if it is read.

        Args:
            path: Relative to the photo folder.
            name: Its last component.
            is_folder: Whether it is a folder, or a photo.
        """
        if name.startswith("."):
            return _SILENT if name == GALLERY_FOLDER or name.startswith("._") else HIDDEN
        if is_folder and (reason := self._default(name)) is not None:
            return reason
        if not self._options and not self._files:
            return None
        path = normalized(path)
        for scope in (*self._options, *self._files):
            if (found := scope.decide(path, is_folder=is_folder)) is not None:
                return found[1] if found[0] else None
        return None

    def _default(self, name: str) -> str | None:
        lower = name.lower()
        if self.in_library and lower not in _ORIGINALS:
            return DERIVATIVES
        return PREVIEWS if lower.endswith(_PREVIEW_SUFFIX) else _BY_NAME.get(lower)


def is_chosen(reason: str) -> bool:
    """Return whether people choose what is left out for a reason: by a pattern, or by a marker."""
    return reason == MARKED or reason.startswith(BY)


def is_left_out(rules: FolderRules, parts: Sequence[str]) -> bool:
    """Return whether the components of a path are left out by names and options alone, without files in its folders."""
    for depth, name in enumerate(parts, start=1):
        path = "/".join(parts[:depth])
        if rules.reason(path, name, is_folder=depth < len(parts)) is not None:
            return True
        rules = rules.inside(path)
    return False


def _is_library(name: str) -> bool:
    return name.lower().endswith(_LIBRARY_SUFFIX)
