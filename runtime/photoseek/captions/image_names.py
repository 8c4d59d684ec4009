"""Images of caption and split files, matched with the files of a folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterable
from dataclasses import replace
from pathlib import Path

from photoseek.captions.caption_file import CaptionFile

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".JPG", ".JPEG", ".PNG")
"""Extensions that names in caption and split files may lack, in the order in which they are tried."""

MAX_MISSING_SHARE = 0.01
"""Largest share of captioned images without a file that are left out, if no split asks for them."""

_log = logging.getLogger(__name__)


def file_names(folder: Path) -> frozenset[str]:
    """Return the paths of all files in a folder and its subfolders, relative to it, with forward slashes."""
    return frozenset(
        (Path(parent) / name).relative_to(folder).as_posix() for parent, _, names in os.walk(folder) for name in names
    )


def file_of(name: str, files: Container[str]) -> str:
    """Return the file of an image; the name itself if there is none.

    The name may lack the extension, and may begin with folders of another computer, as in ``/content/images/1.jpg``.
    """
    parts = name.replace("\\", "/").split("/")
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    found = (end + extension for end in ends for extension in ("", *EXTENSIONS) if end + extension in files)
    return next(found, name)


def match_files(file: CaptionFile, folder: Path, split: str | Path | None) -> tuple[list[str], CaptionFile, list[str]]:
    """Match the images of a split, and of all captions, with the files of a folder.

    Args:
        file: Captions, whose names need not be exactly those of files, see ``file_of``.
        folder: Folder of the images.
        split: As for ``CaptionFile.names``. None: every captioned image; a few without a file are left out.

    Returns:
        The names of the files of the split, in its order; the captions with the names of files; and the names of the
        split without a file.

    Raises:
        CaptionFileError: There is no such split.
    """
    names = file.names(split)
    files = _files_of([*names, *(caption.image for caption in file.captions)], folder)
    found = list(dict.fromkeys(files.get(name, name) for name in names))
    captions = tuple(replace(each, image=files.get(each.image, each.image)) for each in file.captions)
    missing = [name for name in found if not (folder / name).is_file()]
    if split is None and 0 < len(missing) <= MAX_MISSING_SHARE * len(found):
        _log.warning(
            "%s: left out %d of %d captioned images, which are not in %s; the first: %s",
            file.path, len(missing), len(found), folder, missing[0],
        )  # fmt: skip
        found, missing = [name for name in found if name not in set(missing)], []
    return found, replace(file, captions=captions), missing


def _files_of(names: Iterable[str], folder: Path) -> dict[str, str]:
    """Return the file of each name that is not one itself, where there is one."""
    missing = [name for name in dict.fromkeys(names) if not (folder / name).is_file()]
    files = file_names(folder) if missing else frozenset()
    return {name: found for name in missing if (found := file_of(name, files)) != name}
