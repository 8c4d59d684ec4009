"""Karpathy's ``dataset_*.json`` and COCO's captions JSON."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from photoseek.captions.caption import Caption, CaptionFile
from photoseek.captions.json_places import Place
from photoseek.captions.text_files import one_line
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
    top = Place(path, "the top level", values)
    if not isinstance(values, dict) or "images" not in values:
        raise top.wrong("an object with 'images' (Karpathy's, and with 'annotations' COCO's)", "give a caption file")
    return _coco(top) if "annotations" in values else _karpathy(top)


def _karpathy(top: Place) -> CaptionFile:
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
            captions.append(Caption(name, index, one_line(sentence.text("raw"))))
    ordered = {split: tuple(splits[split]) for split in SPLITS if split in splits}
    return CaptionFile(top.path, tuple(captions), ordered)


def _karpathy_name(image: Place) -> str:
    folder = image.text("filepath") if image.has("filepath") and image.at("filepath").value != "" else ""
    return (PurePosixPath(folder) / image.text("filename")).as_posix()


def _coco(top: Place) -> CaptionFile:
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
        captions.append(Caption(name, numbers[name], one_line(annotation.text("caption"))))
        numbers[name] += 1
    return CaptionFile(top.path, tuple(captions))


def _expect_new(image: Place, name: str, places: dict[str, str]) -> None:
    earlier = places.setdefault(name, image.name)
    if earlier != image.name:
        raise CaptionFileError(f"{image.path}: {image.name}: {name!r} stands at {earlier} already; delete one of them")
