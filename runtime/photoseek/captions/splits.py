"""Files that name the images of a split."""

from __future__ import annotations

from pathlib import Path

from photoseek.captions.text_files import numbered_lines, read_text
from photoseek.errors import CaptionFileError


def read_split(path: str | Path, otherwise: str = "") -> list[str]:
    """Read the image names of a split, in its order; blank lines are passed over.

    Args:
        path: The file.
        otherwise: What to do if there is none, for the error.

    Raises:
        CaptionFileError: The file is missing, empty or not UTF-8, or a name stands twice.
    """
    first_seen: dict[str, int] = {}
    for number, line in numbered_lines(read_text(Path(path), otherwise)):
        name = line.strip()
        earlier = first_seen.setdefault(name, number)
        if earlier != number:
            raise CaptionFileError(f"{path}:{number}: {name!r} stands on line {earlier} already; delete one of them")
    if not first_seen:
        raise CaptionFileError(f"{path}: expected one image name a line, found none")
    return list(first_seen)
