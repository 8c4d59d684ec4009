"""Statistics of photos and captions before training; each photo is decoded once, as in training."""

from __future__ import annotations

import hashlib
import io
import os
import statistics
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from photoseek.captions import Caption
from photoseek.errors import PhotoError
from photoseek.languages import detect_language
from photoseek.photos.decode import open_photo, read_photo
from photoseek_train.progress import ProgressCallback, no_progress

_BATCH_SIZE = 256  # photos per batch: Ctrl-C takes effect after a batch


@dataclass(frozen=True)
class PhotoStats:
    """Statistics of a photo.

    Attributes:
        name: Path inside the folder.
        sha256: SHA-256 of the file; empty if it cannot be read.
        size: Width and height after orientation; (0, 0) if the photo cannot be decoded.
        kind: Format and mode of the file, such as ``JPEG RGB``.
        reason: Why the photo cannot be decoded; empty if it can.
    """

    name: str
    sha256: str = ""
    size: tuple[int, int] = (0, 0)
    kind: str = ""
    reason: str = ""


def collect_photo_stats(
    folder: Path, names: Sequence[str], progress: ProgressCallback = no_progress
) -> list[PhotoStats]:
    """Decode photos on all cores with the runtime's decoder; the result has the order of ``names``."""
    found: list[PhotoStats] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # open_photo enforces a limit
        for start in range(0, len(names), _BATCH_SIZE):
            part = names[start : start + _BATCH_SIZE]
            for facts in pool.map(lambda name: _stats_of(folder, name), part):
                found.append(facts)
                progress("decoding", len(found), len(names))
    return found


def _stats_of(folder: Path, name: str) -> PhotoStats:
    sha256 = ""
    try:
        data = read_photo(folder / name)
        sha256 = hashlib.sha256(data).hexdigest()
        size = open_photo(data, partial=False).size
    except PhotoError as error:
        return PhotoStats(name, sha256, reason=str(error))
    try:
        with Image.open(io.BytesIO(data)) as image:  # the header only
            return PhotoStats(name, sha256, size, f"{image.format} {image.mode}")
    except UnidentifiedImageError:
        return PhotoStats(name, sha256, size, "RAW")


def same_content(photos: Iterable[PhotoStats]) -> list[list[str]]:
    """Return groups of names whose files have the same content."""
    names: dict[str, list[str]] = {}
    for photo in photos:
        if photo.sha256:
            names.setdefault(photo.sha256, []).append(photo.name)
    return [group for group in names.values() if len(group) > 1]


def summarize(values: Iterable[int]) -> dict[str, float]:
    """Return minimum, median and maximum of the values; empty if there are none."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {"min": ordered[0], "median": statistics.median(ordered), "max": ordered[-1]}


def sizes_json(photos: Iterable[PhotoStats]) -> dict[str, Any]:
    """Return sizes and kinds of the photos that can be decoded."""
    readable = [photo for photo in photos if not photo.reason]
    return {
        "width": summarize(photo.size[0] for photo in readable),
        "height": summarize(photo.size[1] for photo in readable),
        "kinds": dict(Counter(photo.kind for photo in readable).most_common()),
    }


def token_stats(text_model: str, texts: Sequence[str], max_tokens: int) -> dict[str, Any]:
    """Return the lengths of captions in tokens, including ``[CLS]`` and ``[SEP]``, and how many exceed ``max_tokens``.

    Raises:
        TowerError: The tokenizer of the model cannot be loaded.
    """
    from photoseek_train.data.tokens import untruncated_tokenizer
    from photoseek_train.model.pretrained import load_tokenizer

    encodings = untruncated_tokenizer(load_tokenizer(text_model)).encode_batch_fast(list(texts))
    lengths = [len(one.ids) for one in encodings]
    return {**summarize(lengths), "max_tokens": max_tokens, "cut_off": sum(length > max_tokens for length in lengths)}


def captions_json(captions: Sequence[Caption]) -> dict[str, Any]:
    """Return counts of captions, their languages and lengths, and probable mistakes."""
    per_photo = Counter(Counter(caption.image for caption in captions).values())
    return {
        "total": len(captions),
        "with_keywords": sum(bool(caption.keywords) for caption in captions),
        "per_photo": {str(count): photos for count, photos in sorted(per_photo.items())},
        "languages": {language: _lengths(texts) for language, texts in _by_language(captions).items()},
        "duplicates": len(duplicates(captions)),
        "duplicates_of_one_photo": len(duplicates(captions, of_one_photo=True)),
    }


def duplicates(captions: Sequence[Caption], *, of_one_photo: bool = False) -> list[Caption]:
    """Return captions that repeat an earlier one, ignoring case and whitespace; of any photo, or of the same photo."""
    seen: set[tuple[str, str]] = set()
    found = []
    for caption in captions:
        key = (caption.image if of_one_photo else "", " ".join(caption.text.lower().split()))
        if key in seen:
            found.append(caption)
        seen.add(key)
    return found


def caption_id(caption: Caption) -> str:
    """Return ``NAME#I``."""
    return f"{caption.image}#{caption.index}"


def has_control_characters(text: str) -> bool:
    """Return whether a text contains control, private-use or unassigned characters, or U+FFFD."""
    return any(unicodedata.category(char) in ("Cc", "Co", "Cn") or char == "\ufffd" for char in text)


def _by_language(captions: Sequence[Caption]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for caption in captions:
        found.setdefault(detect_language(caption.text), []).append(caption.text)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _lengths(texts: Sequence[str]) -> dict[str, Any]:
    """Return lengths in words (Chinese has no spaces between words) and in characters."""
    return {
        "captions": len(texts),
        "words": summarize(len(text.split()) for text in texts),
        "characters": summarize(map(len, texts)),
    }
