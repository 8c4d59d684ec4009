"""JSON with one object for each caption or image: lists, lines of objects, and objects that name images."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photoseek.captions.broken_rows import BrokenRows
from photoseek.captions.caption_file import Caption, CaptionFile
from photoseek.captions.columns import CAPTIONS, REMEDY, SPLIT, CaptionColumns
from photoseek.captions.image_names import EXTENSIONS
from photoseek.captions.text_file import numbered_lines, single_line, truncate
from photoseek.errors import CaptionFileError


def json_lines(text: str) -> list[Any] | None:
    """Return the values of a text with one JSON object in each line, or None if it is something else."""
    values = []
    for _, line in numbered_lines(text):
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        values.append(value)
    return values if len(values) > 1 else None


def find_records(values: Any, columns: CaptionColumns) -> list[Any] | None:
    """Return the records of a JSON value, or None if there are none.

    They are the value itself, a list in the value of one of its keys, or are made of ``{"NAME": ["caption", ...]}``.
    """
    if isinstance(values, list):
        return values if _has_columns(values, columns) else None
    if not isinstance(values, dict):
        return None
    for value in values.values():
        if isinstance(value, list) and _has_columns(value, columns):
            return value
    if all(name.endswith(EXTENSIONS) and caption_texts(value) for name, value in values.items()) and values:
        return [{"image": name, "caption": value} for name, value in values.items()]
    return [values] if _has_columns([values], columns) else None


def read_records(path: Path, records: list[Any], columns: CaptionColumns) -> CaptionFile:
    """Read records; the captions of an image are numbered in their order.

    Raises:
        CaptionFileError: Too many records without an image or a caption.
    """
    captions: list[Caption] = []
    splits: dict[str, dict[str, None]] = {}
    numbers: Counter[str] = Counter()
    broken = BrokenRows()

    def parse(numbered: tuple[int, Any]) -> tuple[str, list[str], str]:
        return _parse(path, numbered, columns)

    for numbered in enumerate(records, start=1):
        record = broken.read(parse, numbered)
        if record is None:
            continue
        image, texts, split = record
        for text in texts:
            captions.append(Caption(image, numbers[image], text))
            numbers[image] += 1
        if split:
            splits.setdefault(split, {})[image] = None
    messages = broken.messages()
    return CaptionFile(path, tuple(captions), {name: tuple(images) for name, images in splits.items()}, messages)


def _parse(path: Path, numbered: tuple[int, Any], columns: CaptionColumns) -> tuple[str, list[str], str]:
    number, record = numbered
    where = f"{path}: record {number}"
    found = columns.find(record) if isinstance(record, dict) else None
    if found is None:
        raise CaptionFileError(
            f"{where}: expected a record with an image and a caption, found {truncate(record)}; {REMEDY}"
        )
    image, caption = (record[key] for key in found)
    if not isinstance(image, str) or not image.strip():
        raise CaptionFileError(f"{where}: {found[0]}: expected the name of an image, found {truncate(image)}; add it")
    texts = caption_texts(caption)
    if not texts:
        raise CaptionFileError(
            f"{where}: {found[1]}: expected a caption, found {truncate(caption)}; write one, or delete the record"
        )
    split = record.get(SPLIT)
    return image.strip(), texts, split if isinstance(split, str) else ""


def caption_texts(value: Any) -> list[str]:
    """Return the captions in a value: a text, a list of texts, or objects with one of the usual keys."""
    return [text for text in _all_texts(value) if text]


def _all_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield single_line(value)
    elif isinstance(value, list):
        for each in value:
            yield from _all_texts(each)
    elif isinstance(value, dict):
        yield from _all_texts(next((value[key] for key in CAPTIONS if key in value), None))


def _has_columns(values: list[Any], columns: CaptionColumns) -> bool:
    return any(isinstance(value, dict) and columns.find(value) is not None for value in values[:100])
