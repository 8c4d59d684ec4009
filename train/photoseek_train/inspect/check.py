"""Checks of photos and captions before training: errors that ``fit`` would raise, and probable mistakes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from photoseek.captions import CaptionFile, match_files, read_caption_file
from photoseek_train.data.dataset import scan_photos
from photoseek_train.errors import DataError
from photoseek_train.inspect.stats import (
    PhotoStats,
    caption_id,
    captions_json,
    collect_photo_stats,
    duplicates,
    has_control_characters,
    same_content,
    sizes_json,
    token_stats,
)
from photoseek_train.progress import ProgressCallback, no_progress

_SPLIT_NAMES = {"val": "dev"}  # names of splits in caption files -> names on the command line


@dataclass(frozen=True)
class Finding:
    """One kind of finding.

    Attributes:
        kind: Stable identifier of the kind.
        where: Photos, captions or groups of photos that are affected.
        is_error: Whether ``fit`` would refuse the data.
    """

    kind: str
    where: list[str]
    is_error: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with all affected items."""
        return {"kind": self.kind, "count": len(self.where), "where": self.where}


@dataclass(frozen=True)
class Inspection:
    """The result of an inspection; ``photos``, ``captions`` and ``splits`` are JSON objects."""

    photos: dict[str, Any]
    captions: dict[str, Any]
    splits: dict[str, Any]
    findings: list[Finding]
    seconds: float

    @property
    def usable(self) -> bool:
        """Whether ``fit`` would accept the data."""
        return not self.problems

    @property
    def problems(self) -> list[Finding]:
        """Findings with which ``fit`` would fail."""
        return [finding for finding in self.findings if finding.is_error]

    @property
    def warnings(self) -> list[Finding]:
        """Findings that do not stop ``fit``."""
        return [finding for finding in self.findings if not finding.is_error]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that ``inspect --json`` prints."""
        return {
            "usable": self.usable,
            "problems": [finding.to_json() for finding in self.problems],
            "warnings": [finding.to_json() for finding in self.warnings],
            "photos": self.photos,
            "captions": self.captions,
            "splits": self.splits,
            "seconds": round(self.seconds, 3),
        }


@dataclass
class _Inspection:
    """An inspection in progress."""

    images: Path
    file: CaptionFile
    splits: dict[str, list[str]]
    captioned: list[str]
    findings: list[Finding] = field(default_factory=list)

    @property
    def captioned_images(self) -> list[str]:
        return self.file.names()

    @property
    def expected_images(self) -> list[str]:
        """Photos that training or evaluation would open: those of the splits, or all captioned ones."""
        return list(dict.fromkeys(name for names in self.splits.values() for name in names)) or self.captioned

    def add(self, kind: str, where: Iterable[str], *, is_error: bool = False) -> None:
        places = list(where)
        if places:
            self.findings.append(Finding(kind, places, is_error))


def inspect_data(
    images: str | Path,
    captions: str | Path,
    splits: Mapping[str, str | Path] | None = None,
    text_model: str | None = None,
    max_tokens: int = 64,
    progress: ProgressCallback = no_progress,
) -> Inspection:
    """Inspect photos and captions.

    Args:
        images: Folder of the photos.
        captions: Caption file.
        splits: Splits by name: a file, or the name of a split in the caption file. None or empty: the splits of the
            caption file.
        text_model: Count tokens with the tokenizer of this model.
        max_tokens: Captions longer than this would be truncated.
        progress: Progress callback.

    Returns:
        The findings and statistics.

    Raises:
        CaptionFileError: A caption or split file cannot be read.
        DataError: The folder does not exist.
        TowerError: The tokenizer of the text model cannot be loaded.
    """
    started = time.monotonic()
    folder = Path(images).expanduser()
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; pass the folder that contains the photos")
    inspection = _read(folder, captions, splits or {})
    _find_missing(inspection)
    photos = _inspect_photos(inspection, progress)
    facts = _inspect_captions(inspection, text_model, max_tokens)
    sizes = {name: _split_json(inspection, names) for name, names in inspection.splits.items()}
    return Inspection(photos, facts, sizes, inspection.findings, time.monotonic() - started)


def _read(folder: Path, captions: str | Path, splits: Mapping[str, str | Path]) -> _Inspection:
    file = read_caption_file(captions)
    named: Mapping[str, str | Path] = splits or {
        _SPLIT_NAMES.get(name, name): name for name in file.splits if name != "restval" or "train" not in file.splits
    }
    captioned, matched, _ = match_files(file, folder, None)
    names = {name: match_files(file, folder, split)[0] for name, split in named.items()}
    inspection = _Inspection(folder, matched, names, captioned)
    inspection.add("broken_row", file.broken)
    return inspection


def _find_missing(inspection: _Inspection) -> None:
    """Find photos without captions, captions without photos, and photos in two splits."""
    captioned_images, expected_images = set(inspection.captioned_images), set(inspection.expected_images)
    absent = [
        name
        for name in dict.fromkeys([*inspection.expected_images, *inspection.captioned_images])
        if not (inspection.images / name).is_file()
    ]
    inspection.add("image_missing", (name for name in absent if name in expected_images), is_error=True)
    inspection.add("caption_without_image", (name for name in absent if name not in expected_images))
    inspection.add(
        "split_image_without_caption",
        (name for name in inspection.expected_images if name not in captioned_images),
        is_error=True,
    )
    for (one, ours), (other, theirs) in combinations(inspection.splits.items(), 2):
        both = sorted(set(ours) & set(theirs))
        inspection.add(f"in_{one}_and_{other}", both, is_error={one, other} == {"train", "dev"})


def _inspect_photos(inspection: _Inspection, progress: ProgressCallback) -> dict[str, Any]:
    """Decode the expected photos and compare their contents."""
    captioned_images = set(inspection.captioned_images)
    in_folder = scan_photos(inspection.images)
    inspection.add("image_without_caption", (name for name in in_folder if name not in captioned_images))
    present = [name for name in inspection.expected_images if (inspection.images / name).is_file()]
    photos = collect_photo_stats(inspection.images, present, progress)
    broken = [photo for photo in photos if photo.reason]
    inspection.add("unreadable", (f"{photo.name}: {photo.reason}" for photo in broken), is_error=True)
    _find_duplicates(inspection, photos)
    return {"in_folder": len(in_folder), "decoded": len(photos) - len(broken), **sizes_json(photos)}


def _find_duplicates(inspection: _Inspection, photos: Sequence[PhotoStats]) -> None:
    """Find photos with equal content: across splits, where they inflate the metrics, and within a split."""
    names_of = {split: set(names) for split, names in inspection.splits.items()}
    across: list[str] = []
    within: list[str] = []
    for group in same_content(photos):
        groups = [{split for split, names in names_of.items() if name in names} for name in group]
        shared = any(one != other for one, other in combinations(groups, 2))
        (across if shared else within).append(" = ".join(_with_split(n, h) for n, h in zip(group, groups, strict=True)))
    inspection.add("same_content_across_splits", across)
    inspection.add("same_content_within_split", within)


def _with_split(name: str, splits: set[str]) -> str:
    return f"{name} ({', '.join(sorted(splits))})" if splits else name


def _inspect_captions(inspection: _Inspection, text_model: str | None, max_tokens: int) -> dict[str, Any]:
    expected_images = set(inspection.expected_images)
    chosen = [caption for caption in inspection.file.captions if caption.image in expected_images]
    facts = captions_json(chosen)
    inspection.add("control_characters", (caption_id(c) for c in chosen if has_control_characters(c.text)))
    inspection.add("repeated_caption", map(caption_id, duplicates(chosen, of_one_photo=True)))
    tokens = None if text_model is None else token_stats(text_model, [c.text for c in chosen], max_tokens)
    return {**facts, "tokens": tokens}


def _split_json(inspection: _Inspection, names: Sequence[str]) -> dict[str, int]:
    photos = set(names)
    return {"photos": len(names), "captions": sum(caption.image in photos for caption in inspection.file.captions)}
