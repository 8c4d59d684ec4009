"""Values inside a JSON file that know where they stand, so that an error can say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoseek.captions.text_files import short
from photoseek.errors import CaptionFileError


@dataclass(frozen=True)
class Place:
    """A value of a JSON file; each method raises ``CaptionFileError`` where it finds something else.

    Attributes:
        path: The file.
        name: The way to the value: ``images[3].sentences[0].raw``.
        value: What stands there.
    """

    path: Path
    name: str
    value: Any

    def has(self, key: str) -> bool:
        """Whether this is an object with such a key."""
        return isinstance(self.value, dict) and key in self.value

    def at(self, key: str) -> Place:
        """The value of a key."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"an object with the key {key!r}")
        if key not in self.value:
            found = ", ".join(map(repr, list(self.value)[:8])) or "none"
            raise CaptionFileError(f"{self.path}: {self.name}: expected the key {key!r}, found {found}; add it")
        return Place(self.path, key if self.name == "the top level" else f"{self.name}.{key}", self.value[key])

    def list(self, key: str, *, at_least_one: bool = False) -> list[Place]:
        """The elements of the list at a key."""
        place = self.at(key)
        if not isinstance(place.value, list) or (at_least_one and not place.value):
            raise place.wrong("a list with at least one element" if at_least_one else "a list")
        return [Place(self.path, f"{place.name}[{index}]", value) for index, value in enumerate(place.value)]

    def text(self, key: str) -> str:
        """The text at a key; not blank."""
        place = self.at(key)
        if not isinstance(place.value, str) or not place.value.strip():
            raise place.wrong("text that is not empty", "write it, or delete the entry")
        return place.value

    def number(self, key: str) -> int:
        """The whole number at a key."""
        place = self.at(key)
        if not isinstance(place.value, int) or isinstance(place.value, bool):
            raise place.wrong("a whole number")
        return place.value

    def wrong(self, expected: str, cure: str = "correct it, or fetch the file anew") -> CaptionFileError:
        """The error that something else stands here."""
        found = f"{type(self.value).__name__} {short(self.value)}"
        return CaptionFileError(f"{self.path}: {self.name}: expected {expected}, found {found}; {cure}")
