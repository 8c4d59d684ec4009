"""Output of ``photoseek-train inspect``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from photoseek.cli.output import print_line, print_table
from photoseek_train.inspect.check import Finding, Inspection

_EXAMPLES = 3

_SENTENCES = {
    "broken_row": "rows of the caption file cannot be read",
    "image_missing": "photos are not in the folder",
    "caption_without_image": "captioned photos that are not used are not in the folder",
    "split_image_without_caption": "photos of the splits have no caption",
    "in_train_and_dev": "photos are in both the training split and the dev split",
    "in_train_and_test": "photos are in both the training split and the test split",
    "in_dev_and_test": "photos are in both the dev split and the test split",
    "image_without_caption": "photos in the folder have no caption",
    "unreadable": "photos cannot be decoded",
    "same_content_across_splits": "photos are in two splits under different names",
    "same_content_within_split": "photos are in a split twice under different names",
    "control_characters": "captions contain control characters",
    "repeated_caption": "captions repeat another caption of the same photo",
}


def print_inspection(found: Inspection) -> None:
    """Print the statistics, then the problems and warnings."""
    _print_data(found)
    _print_lengths(found.captions)
    for finding in found.problems:
        print_line(f"problem: {_sentence(finding)}")
    for finding in found.warnings:
        print_line(f"warning: {_sentence(finding)}")
    print_line(f"{'usable' if found.usable else 'not usable: fit would refuse this data'} ({found.seconds:.1f} s)")


def _print_data(found: Inspection) -> None:
    photos, captions = found.photos, found.captions
    rows = [
        ["photos in the folder", f"{photos['in_folder']:,}"],
        ["photos decoded", f"{photos['decoded']:,}"],
        *([f"  {kind}", f"{count:,}"] for kind, count in photos["kinds"].items()),
        *([f"  {side}, min / median / max", _spread(photos[side])] for side in ("width", "height")),
        *([f"{name}: photos / captions", f"{s['photos']:,} / {s['captions']:,}"] for name, s in found.splits.items()),
        *([f"photos with {count} captions", f"{many:,}"] for count, many in captions["per_photo"].items()),
        ["captions", f"{captions['total']:,}"],
        ["  with keywords", f"{captions['with_keywords']:,}"],
        ["  that repeat another caption", f"{captions['duplicates']:,}"],
    ]
    print_table(["data", "found"], rows)


def _print_lengths(captions: Mapping[str, Any]) -> None:
    rows = [
        [language, f"{lengths['captions']:,}", _spread(lengths["words"]), _spread(lengths["characters"])]
        for language, lengths in captions["languages"].items()
    ]
    print_table(["language", "captions", "words, min / median / max", "characters"], rows)
    tokens = captions["tokens"]
    if tokens is not None:
        print_line(f"tokens: {_spread(tokens)}; {tokens['cut_off']:,} captions are truncated to {tokens['max_tokens']}")


def _spread(values: Mapping[str, float]) -> str:
    return " / ".join(f"{values[key]:g}" for key in ("min", "median", "max")) if values else "-"


def _sentence(finding: Finding) -> str:
    return f"{len(finding.where):,} {_SENTENCES[finding.kind]}: {_some(finding.where)}"


def _some(where: Sequence[str]) -> str:
    examples = ", ".join(where[:_EXAMPLES])
    return f"{examples}, ..." if len(where) > _EXAMPLES else examples
