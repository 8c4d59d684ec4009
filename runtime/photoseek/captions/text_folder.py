"""Folders with captions beside their images: ``NAME.txt`` for each image, or Hugging Face's ``metadata`` file."""

from __future__ import annotations

from pathlib import Path

from photoseek.captions.caption_file import Caption, CaptionFile
from photoseek.captions.image_names import file_names, file_of
from photoseek.captions.text_file import PACKED, UNPACK, numbered_lines, read_text
from photoseek.errors import CaptionFileError

METADATA = ("metadata.jsonl", "metadata.csv")
"""Files in which an image folder of Hugging Face's ``datasets`` has its captions."""


def metadata_file(folder: Path) -> Path | None:
    """Return the file that has the captions of an image folder, if there is one."""
    return next((folder / name for name in METADATA if (folder / name).is_file()), None)


def read_text_folder(folder: Path) -> CaptionFile:
    """Read one caption from each line of each text file in a folder and its subfolders.

    Raises:
        CaptionFileError: There are no text files, or one is invalid.
    """
    names = file_names(folder)
    captions = [
        Caption(file_of(name.removesuffix(".txt"), names), index, line.strip())
        for name in sorted(names)
        if name.endswith(".txt")
        for index, (_, line) in enumerate(numbered_lines(read_text(folder / name)))
    ]
    if not captions and any(name.endswith(PACKED) for name in names):
        raise CaptionFileError(f"{folder}: expected captions, found a packed data set; {UNPACK.format(folder)}")
    if not captions:
        raise CaptionFileError(
            f"{folder}: expected NAME.txt with captions for each image, or {' or '.join(METADATA)}, found none; pass a "
            "caption file"
        )
    return CaptionFile(folder, tuple(captions))
