"""JSON: Karpathy's ``dataset_*.json``, COCO's captions, and other lists of captions."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from photoseek.captions.caption_file import Caption, CaptionFile
from photoseek.captions.columns import REMEDY, CaptionColumns
from photoseek.captions.json_records import find_records, json_lines, read_records
from photoseek.captions.text_file import single_line, truncate
from photoseek.errors import CaptionFileError

SPLITS = ("train", "restval", "val", "test")
"""The splits of Karpathy's files."""

_TOP = "the top level"


def read_json(path: Path, text: str, columns: CaptionColumns) -> CaptionFile:
    """Read Karpathy's format, COCO's, which has ``annotations``, or records, in a list or one in each line.

    Raises:
        CaptionFileError: The JSON is truncated or invalid, lacks a key, or has a value of another type, an annotation
            of an unknown image, an image twice, or an empty caption.
    """
    try:
        values = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        if (lines := json_lines(text)) is not None:
            return read_records(path, lines, columns)
        line, what = (error.lineno, error.msg) if isinstance(error, json.JSONDecodeError) else (1, "nested too deeply")
        raise CaptionFileError(
            f"{path}:{line}: expected JSON, found it invalid or truncated: {what}; fetch the file again"
        ) from error
    top = JsonValue(path, _TOP, values)
    if isinstance(values, dict) and "images" in values and ("annotations" in values or _is_karpathy(values)):
        return _coco(top) if "annotations" in values else _karpathy(top)
    if (records := find_records(values, columns)) is not None:
        return read_records(path, records, columns)
    raise top.error(
        "an object with 'images' (Karpathy's, and with 'annotations' COCO's), or a list of records with an image and a "
        "caption",
        REMEDY,
    )


def _is_karpathy(values: dict[str, Any]) -> bool:
    images = values["images"]
    return not (isinstance(images, list) and images and isinstance(images[0], dict) and "caption" in images[0])


def _karpathy(top: JsonValue) -> CaptionFile:
    captions: list[Caption] = []
    splits: dict[str, list[str]] = {}
    locations: dict[str, str] = {}
    for image in top.get_list("images", at_least_one=True):
        name = _karpathy_name(image)
        _expect_new(image, name, locations)
        split = image.get_str("split")
        if split not in SPLITS:
            raise image.get("split").error(f"one of {', '.join(SPLITS)}", "rename the split")
        splits.setdefault(split, []).append(name)
        for index, sentence in enumerate(image.get_list("sentences", at_least_one=True)):
            captions.append(Caption(name, index, single_line(sentence.get_str("raw"))))
    ordered = {split: tuple(splits[split]) for split in SPLITS if split in splits}
    return CaptionFile(top.path, tuple(captions), ordered)


def _karpathy_name(image: JsonValue) -> str:
    folder = image.get_str("filepath") if "filepath" in image and image.get("filepath").value != "" else ""
    return (PurePosixPath(folder) / image.get_str("filename")).as_posix()


def _coco(top: JsonValue) -> CaptionFile:
    names: dict[Any, str] = {}
    locations: dict[str, str] = {}
    for image in top.get_list("images"):
        name, number = image.get_str("file_name"), image.get_int("id")
        _expect_new(image, name, locations)
        if number in names:
            raise image.get("id").error("a unique id", f"{names[number]!r} has the same; change one of them")
        names[number] = name
    numbers: Counter[str] = Counter()
    captions: list[Caption] = []
    for annotation in top.get_list("annotations", at_least_one=True):
        number = annotation.get_int("image_id")
        if number not in names:
            raise annotation.get("image_id").error(
                "the id of one of 'images'", "add the image, or delete the annotation"
            )
        name = names[number]
        captions.append(Caption(name, numbers[name], single_line(annotation.get_str("caption"))))
        numbers[name] += 1
    return CaptionFile(top.path, tuple(captions))


def _expect_new(image: JsonValue, name: str, locations: dict[str, str]) -> None:
    earlier = locations.setdefault(name, image.where)
    if earlier != image.where:
        raise CaptionFileError(f"{image.path}: {image.where}: {name!r} is also at {earlier}; delete one of them")


@dataclass(frozen=True)
class JsonValue:
    """A value of a JSON file; its methods raise ``CaptionFileError`` with its location if they find something else.

    Attributes:
        path: The file.
        where: The location: ``images[3].sentences[0].raw``.
        value: The value.
    """

    path: Path
    where: str
    value: Any

    def __contains__(self, key: str) -> bool:
        """Return whether this is an object with such a key."""
        return isinstance(self.value, dict) and key in self.value

    def get(self, key: str) -> JsonValue:
        """Return the value of a key."""
        if not isinstance(self.value, dict):
            raise self.error(f"an object with the key {key!r}")
        if key not in self.value:
            found = ", ".join(map(repr, list(self.value)[:8])) or "none"
            raise CaptionFileError(f"{self.path}: {self.where}: expected the key {key!r}, found {found}; add it")
        return JsonValue(self.path, key if self.where == _TOP else f"{self.where}.{key}", self.value[key])

    def get_list(self, key: str, *, at_least_one: bool = False) -> list[JsonValue]:
        """Return the elements of the list at a key."""
        found = self.get(key)
        if not isinstance(found.value, list) or (at_least_one and not found.value):
            raise found.error("a list with at least one element" if at_least_one else "a list")
        return [JsonValue(self.path, f"{found.where}[{index}]", value) for index, value in enumerate(found.value)]

    def get_str(self, key: str) -> str:
        """Return the text at a key, which must not be blank."""
        found = self.get(key)
        if not isinstance(found.value, str) or not found.value.strip():
            raise found.error("text that is not empty", "write it, or delete the entry")
        return found.value

    def get_int(self, key: str) -> int:
        """Return the whole number at a key."""
        found = self.get(key)
        if type(found.value) is not int:
            raise found.error("a whole number")
        return found.value

    def error(self, expected: str, remedy: str = "correct it, or fetch the file again") -> CaptionFileError:
        """Return an error that this value is not what was expected."""
        found = f"{type(self.value).__name__} {truncate(self.value)}"
        return CaptionFileError(f"{self.path}: {self.where}: expected {expected}, found {found}; {remedy}")
