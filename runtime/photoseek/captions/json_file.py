"""Karpathy's ``dataset_*.json`` and COCO's captions JSON.

Values inside a JSON file that know where they stand, so that an error can say it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from photoseek.captions.caption_file import Caption, CaptionFile
from photoseek.captions.text_file import single_line, truncate
from photoseek.errors import CaptionFileError

SPLITS = ("train", "restval", "val", "test")
"""The splits of Karpathy's files."""


def read_json(path: Path, text: str) -> CaptionFile:
    """Read either of the two; COCO's has ``annotations``.

    Raises:
        CaptionFileError: The JSON is cut off or broken, lacks a key, has a value of another kind, an annotation of an
            unknown image, an image twice, or an empty caption.
    """
    try:
        values = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line, what = (error.lineno, error.msg) if isinstance(error, json.JSONDecodeError) else (1, "nested too deeply")
        raise CaptionFileError(
            f"{path}:{line}: expected JSON, found it broken or cut off: {what}; fetch the file anew"
        ) from error
    top = JsonPath(path, "the top level", values)
    if not isinstance(values, dict) or "images" not in values:
        raise top.wrong("an object with 'images' (Karpathy's, and with 'annotations' COCO's)", "give a caption file")
    return _coco(top) if "annotations" in values else _karpathy(top)


def _karpathy(top: JsonPath) -> CaptionFile:
    captions: list[Caption] = []
    splits: dict[str, list[str]] = {}
    places: dict[str, str] = {}
    for image in top.list("images", at_least_one=True):
        name = _karpathy_name(image)
        _expect_new(image, name, places)
        split = image.text("split")
        if split not in SPLITS:
            raise image.at("split").wrong(f"one of {', '.join(SPLITS)}", "name the split so")
        splits.setdefault(split, []).append(name)
        for index, sentence in enumerate(image.list("sentences", at_least_one=True)):
            captions.append(Caption(name, index, single_line(sentence.text("raw"))))
    ordered = {split: tuple(splits[split]) for split in SPLITS if split in splits}
    return CaptionFile(top.path, tuple(captions), ordered)


def _karpathy_name(image: JsonPath) -> str:
    folder = image.text("filepath") if image.has("filepath") and image.at("filepath").value != "" else ""
    return (PurePosixPath(folder) / image.text("filename")).as_posix()


def _coco(top: JsonPath) -> CaptionFile:
    names: dict[Any, str] = {}
    places: dict[str, str] = {}
    for image in top.list("images"):
        name, number = image.text("file_name"), image.number("id")
        _expect_new(image, name, places)
        if number in names:
            raise image.at("id").wrong("an id of its own", f"{names[number]!r} has it already; give each image another")
        names[number] = name
    numbers: Counter[str] = Counter()
    captions: list[Caption] = []
    for annotation in top.list("annotations", at_least_one=True):
        number = annotation.number("image_id")
        if number not in names:
            raise annotation.at("image_id").wrong("the id of one of 'images'", "add the image, or drop the annotation")
        name = names[number]
        captions.append(Caption(name, numbers[name], single_line(annotation.text("caption"))))
        numbers[name] += 1
    return CaptionFile(top.path, tuple(captions))


def _expect_new(image: JsonPath, name: str, places: dict[str, str]) -> None:
    earlier = places.setdefault(name, image.name)
    if earlier != image.name:
        raise CaptionFileError(f"{image.path}: {image.name}: {name!r} stands at {earlier} already; delete one of them")


@dataclass(frozen=True)
class JsonPath:
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

    def at(self, key: str) -> JsonPath:
        """The value of a key."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"an object with the key {key!r}")
        if key not in self.value:
            found = ", ".join(map(repr, list(self.value)[:8])) or "none"
            raise CaptionFileError(f"{self.path}: {self.name}: expected the key {key!r}, found {found}; add it")
        return JsonPath(self.path, key if self.name == "the top level" else f"{self.name}.{key}", self.value[key])

    def list(self, key: str, *, at_least_one: bool = False) -> list[JsonPath]:
        """The elements of the list at a key."""
        place = self.at(key)
        if not isinstance(place.value, list) or (at_least_one and not place.value):
            raise place.wrong("a list with at least one element" if at_least_one else "a list")
        return [JsonPath(self.path, f"{place.name}[{index}]", value) for index, value in enumerate(place.value)]

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
        found = f"{type(self.value).__name__} {truncate(self.value)}"
        return CaptionFileError(f"{self.path}: {self.name}: expected {expected}, found {found}; {cure}")
