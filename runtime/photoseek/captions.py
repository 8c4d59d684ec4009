"""Caption and split files: every reader of them is here.

A caption file (Flickr30K's ``results_20130124.token``) is UTF-8 text with lines ``NAME#I<TAB>caption``.
A split is UTF-8 text with one image name a line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from photoseek.errors import CaptionFileError


@dataclass(frozen=True)
class Caption:
    """One sentence about one image; ``index`` tells the sentences of an image apart."""

    image: str
    index: int
    text: str


def read_captions(path: str | Path, images: Collection[str] | None = None) -> list[Caption]:
    """Read a caption file, in its order.

    Args:
        path: The file.
        images: The names of the images there are; a caption of any other image is an error. None: not checked.

    Raises:
        CaptionFileError: The file is missing, empty or not UTF-8, or a line has no tab, no ``#``, no number
            after it, no caption, an image that is not known, or repeats an earlier ``NAME#I``.
    """
    known = None if images is None else frozenset(images)
    captions: list[Caption] = []
    first_seen: dict[tuple[str, int], int] = {}
    for number, line in _lines(Path(path)):
        where = f"{path}:{number}"
        caption = _parse(line, where)
        if known is not None and caption.image not in known:
            raise CaptionFileError(f"{where}: unknown image {caption.image!r}: no such file among the images")
        earlier = first_seen.setdefault((caption.image, caption.index), number)
        if earlier != number:
            raise CaptionFileError(
                f"{where}: {caption.image}#{caption.index} stands on line {earlier} already; number it anew"
            )
        captions.append(caption)
    if not captions:
        raise CaptionFileError(f"{path}: expected lines NAME#I<TAB>caption, found none")
    return captions


def read_caption_files(paths: str | Path | Sequence[str | Path]) -> list[Caption]:
    """Read one caption file or several, say one for each language, one after the other.

    Two files may both number their captions from ``NAME#0``; raises as ``read_captions``.
    """
    files = [paths] if isinstance(paths, str | Path) else paths
    return [caption for file in files for caption in read_captions(file)]


def read_split(path: str | Path) -> list[str]:
    """Read the image names of a split, in its order; blank lines are passed over.

    Raises:
        CaptionFileError: The file is missing, empty or not UTF-8, or a name stands twice.
    """
    first_seen: dict[str, int] = {}
    for number, line in _lines(Path(path)):
        name = line.strip()
        earlier = first_seen.setdefault(name, number)
        if earlier != number:
            raise CaptionFileError(f"{path}:{number}: {name!r} stands on line {earlier} already")
    if not first_seen:
        raise CaptionFileError(f"{path}: expected one image name a line, found none")
    return list(first_seen)


def captions_of(captions: Sequence[Caption], names: Sequence[str]) -> list[Caption]:
    """The captions of a split: in the order of ``names``, each image's captions together.

    Raises:
        CaptionFileError: An image of the split has no caption.
    """
    by_image: dict[str, list[Caption]] = {name: [] for name in names}
    for caption in captions:
        if caption.image in by_image:
            by_image[caption.image].append(caption)
    bare = [name for name, found in by_image.items() if not found]
    if bare:
        raise CaptionFileError(
            f"{len(bare)} of {len(by_image)} images of the split have no caption, the first is {bare[0]!r}; "
            "give the caption file that belongs to this split"
        )
    return [caption for found in by_image.values() for caption in found]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CaptionFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text = line.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            raise CaptionFileError(
                f"{path}:{number}: not UTF-8 (byte 0x{line[error.start]:02x} at column {error.start + 1}); "
                "convert it, for example with: iconv -f LATIN1 -t UTF-8"
            ) from error
        if text.strip():
            yield number, text


def _parse(line: str, where: str) -> Caption:
    label, tab, text = line.partition("\t")
    if not tab:
        raise CaptionFileError(f"{where}: no tab: expected NAME#I<TAB>caption, found {_short(line)!r}")
    image, sharp, index = label.rpartition("#")
    if not sharp or not image:
        raise CaptionFileError(f"{where}: no '#': expected NAME#I before the tab, found {_short(label)!r}")
    if not (index.isascii() and index.isdigit()):
        raise CaptionFileError(f"{where}: expected a number after '#', found {_short(index)!r}")
    if not text.strip():
        raise CaptionFileError(f"{where}: empty caption for {label!r}; write one, or delete the line")
    return Caption(image, int(index), text.strip())


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
