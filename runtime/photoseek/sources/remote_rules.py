"""The rules of ``photoseek.sources.exclusion`` for the keys of objects in storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from photoseek.photos.formats import VIDEOS, photo_suffixes, unread_kinds
from photoseek.sources.base import ScanGaps
from photoseek.sources.exclusion import IGNORE_FILE, MARKED, MARKERS, FolderRules
from photoseek.system.filenames import decode_filename


class RemoteRules:
    """Which keys of a listing are those of photos that are not left out."""

    def __init__(
        self,
        prefix: str,
        keys: Iterable[str],
        exclude: Sequence[str],
        read: Callable[[str], bytes],
        gaps: ScanGaps,
    ) -> None:
        """Read the ignore files of folders that are not left out.

        Args:
            prefix: Of the folder.
            keys: All keys in it, relative to the prefix.
            exclude: Patterns, as for ``PhotoSource.scan``.
            read: Returns the content of the object with a key.
            gaps: Receives what is left out.
        """
        self._read, self._gaps = read, gaps
        places = [key.rpartition("/") for key in keys]
        self._marked = {folder for folder, _, name in places if name in MARKERS}
        self._with_file = {folder for folder, _, name in places if name == IGNORE_FILE}
        self._stems = {(folder, _stem(name)) for folder, _, name in places if _suffix(name) in photo_suffixes()}
        root = FolderRules.of_photo_folder(prefix.rpartition("/")[2], exclude)
        self._rules: dict[str, FolderRules | None] = {"": self._with_patterns("", root)}

    def includes(self, key: str) -> bool:
        """Return whether a key is that of a photo that is read, and count it if it is left out."""
        folder, _, name = key.rpartition("/")
        suffix = _suffix(name)
        kind = unread_kinds().get(suffix)
        if (suffix not in photo_suffixes() and kind is None) or (rules := self._rules_of(folder)) is None:
            return False
        path = decode_filename(key)
        reason = rules.reason(path, name, is_folder=False)
        if suffix in photo_suffixes():
            if reason is not None:
                self._gaps.left_out.add(reason, path, is_folder=False)
            return reason is None
        if kind is not None and reason is None and not (kind is VIDEOS and (folder, _stem(name)) in self._stems):
            self._gaps.left_out.add_unread(kind, path)
        return False

    def _rules_of(self, folder: str) -> FolderRules | None:
        """Return the rules of a folder; None if it is left out."""
        if folder not in self._rules:
            above, _, name = folder.rpartition("/")
            rules = self._rules_of(above)
            self._rules[folder] = None if rules is None else self._enter(rules, folder, name)
        return self._rules[folder]

    def _enter(self, rules: FolderRules, folder: str, name: str) -> FolderRules | None:
        path = decode_filename(folder)
        reason = MARKED if folder in self._marked else None
        reason = rules.reason(path, name, is_folder=True) if reason is None else reason
        if reason is not None:
            self._gaps.left_out.add(reason, path, is_folder=True)
            return None
        return self._with_patterns(folder, rules.inside(path))

    def _with_patterns(self, folder: str, rules: FolderRules) -> FolderRules:
        if folder not in self._with_file:
            return rules
        name = f"{folder}/{IGNORE_FILE}".lstrip("/")
        rules, problems = rules.with_file(self._read(name))
        if problems:
            self._gaps.reasons[decode_filename(name)] = "; ".join(problems)
        return rules


def _suffix(name: str) -> str:
    return name[name.rfind(".") :].lower()


def _stem(name: str) -> str:
    return name[: name.rfind(".")].lower()
