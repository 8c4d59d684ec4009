"""Unpack tar shards and tables into photos and a caption file, part by part."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

from photoseek.captions import CaptionColumns
from photoseek.captions.text_file import single_line
from photoseek.system.atomic_write import write_bytes_atomic
from photoseek_train.errors import DataError
from photoseek_train.progress import ProgressCallback, no_progress
from photoseek_train.unpack.arrow_tables import ArrowTable
from photoseek_train.unpack.parts import Part
from photoseek_train.unpack.tar_shards import TarShard

CAPTIONS = "captions.token"
_DONE = ".unpacked"  # folder with the captions of each finished part
_TABLES = (".parquet", ".arrow")
_NUMBERED = re.compile(r"(.+)-\d+-of-\d+")


@dataclass
class Unpacked:
    """What was unpacked.

    Attributes:
        photos: Number of photos.
        captions: Number of captions.
        splits: Names of the splits, each a file ``NAME.txt``.
        without_caption: Photos without a caption, which were left out.
        without_photo: Captions of no photo, which were left out.
    """

    photos: int = 0
    captions: int = 0
    splits: list[str] = field(default_factory=list)
    without_caption: int = 0
    without_photo: int = 0


def find_parts(source: Path, columns: CaptionColumns) -> list[Part]:
    """Return the parts of a tar file, a table, or a folder of either, sorted by name.

    A folder with tar shards may also contain tables, in which img2dataset describes the shards.

    Raises:
        DataError: There are none.
    """
    if not source.exists():
        raise DataError(f"{source}: expected a folder of tar shards or tables, or one file, found nothing there")
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    root = source.parent if source.is_file() else source
    shards = [path for path in files if path.name.endswith((".tar", ".tar.gz", ".tgz"))]
    if shards:
        return [TarShard(path, _name(path, root), columns) for path in shards]
    tables = [path for path in files if path.suffix in _TABLES and not path.name.startswith("cache-")]
    if not tables:
        raise DataError(
            f"{source}: expected tar shards of WebDataset (.tar), or tables of Hugging Face's datasets (.arrow, "
            ".parquet), found none; other captions need no unpacking: pass them as --captions"
        )
    return [ArrowTable(path, _name(path, root), columns, _split(path, root)) for path in tables]


def unpack(parts: Sequence[Part], out: Path, progress: ProgressCallback = no_progress) -> Unpacked:
    """Write the photos of all parts to a folder for each part, their captions to ``captions.token``, and splits.

    Parts that an interrupted run finished are skipped.

    Raises:
        DataError: A part is damaged. Those before it remain finished.
    """
    sizes = [part.size() for part in parts]
    found = Unpacked()
    lines: list[str] = []
    splits: dict[str, list[str]] = {}
    for number, part in enumerate(parts):
        report = partial(_report, progress, part.task, sum(sizes[:number]), sum(sizes))
        result = _unpacked(part, out, report)
        report(sizes[number])
        for name, captions in result["captions"].items():
            lines += [f"{name}#{index}\t{text}\n" for index, text in enumerate(captions)]
            splits.setdefault(part.split, []).append(name)
        found.photos += len(result["captions"])
        found.without_caption += result["without_caption"]
        found.without_photo += result["without_photo"]
    if not lines:
        raise DataError(f"{parts[0].path.parent}: expected photos with captions, found none")
    write_bytes_atomic(out / CAPTIONS, "".join(lines).encode())
    found.captions = len(lines)
    found.splits = sorted(name for name in splits if name)
    for split in found.splits:
        write_bytes_atomic(out / f"{split}.txt", "".join(f"{name}\n" for name in splits[split]).encode())
    shutil.rmtree(out / _DONE)
    return found


def _report(progress: ProgressCallback, task: str, before: int, total: int, read: int) -> None:
    progress(task, before + read, total)


def _unpacked(part: Part, out: Path, report: Callable[[int], None]) -> dict[str, Any]:
    """Unpack a part, unless a record says that it is finished, and return the record."""
    record = out / _DONE / f"{hashlib.sha256(part.name.encode()).hexdigest()}.json"
    if record.is_file():
        return json.loads(record.read_bytes())  # type: ignore[no-any-return]
    captions: dict[str, list[str]] = {}
    contents: dict[str, str] = {}
    without_caption = without_photo = 0
    for example in part.examples(report):
        if not (example.photo and example.captions):
            without_photo += len(example.captions)
            without_caption += bool(example.photo)
            continue
        name = _unique_name(f"{part.name}/{_safe(example.name)}", example.photo, contents)
        if name not in captions:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(example.photo)
        captions.setdefault(name, []).extend(map(single_line, example.captions))
    result = {"captions": captions, "without_caption": without_caption, "without_photo": without_photo}
    record.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(record, json.dumps(result).encode())
    return result


def _unique_name(name: str, photo: bytes, contents: dict[str, str]) -> str:
    """Return the name, or a numbered one if another photo has it; ``contents`` is the hash of each photo by name."""
    digest = hashlib.sha256(photo).hexdigest()
    stem, dot, suffix = name.rpartition(".")
    for number in count(2):
        if contents.setdefault(name, digest) == digest:
            break
        name = f"{stem}-{number}{dot}{suffix}"
    return name


def _safe(name: str) -> str:
    """Return a path without components that leave its folder, and without characters that end a line."""
    path = PurePosixPath(re.sub(r"[\0-\x1f\x7f]", "_", name.replace("\\", "/")))
    return "/".join(part for part in path.parts if part not in ("/", ".."))


def _name(path: Path, root: Path) -> str:
    """Return the path of a part below the data set, without its suffixes."""
    return path.relative_to(root).with_name(path.name.partition(".")[0]).as_posix()


def _split(path: Path, root: Path) -> str:
    """Return the split of a table: the folder of a saved ``DatasetDict``, or the start of ``train-00000-of-00001``."""
    parts = path.relative_to(root).parts
    if (root / "dataset_dict.json").is_file() and len(parts) > 1:
        return parts[0]
    found = _NUMBERED.fullmatch(path.stem)
    return found[1] if found and found[1] != "data" else ""
