"""Photos without captions, and texts: the teacher decides which photo a text describes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from photoseek.captions import Caption
from photoseek.system.atomic_write import read_bounded
from photoseek_train.data.dataset import CaptionedPhotos, hold_out, scan_photos
from photoseek_train.errors import DataError, SettingsError
from photoseek_train.features.cache import FeatureCache
from photoseek_train.features.teacher import Teacher
from photoseek_train.progress import ProgressCallback, no_progress

_TEXTS_AT_ONCE = 1_024
_MAX_BYTES = 1_000_000_000


def pair_by_teacher(
    teacher: Teacher, cache: FeatureCache, folder: Path, file: Path, progress: ProgressCallback = no_progress
) -> tuple[CaptionedPhotos, CaptionedPhotos]:
    """Return the training and dev split of a folder of photos and a file of texts.

    Each text is a caption of the photo of its split that the teacher ranks first. All other training photos have no
    captions; dev consists of the photos that are the first of a text, so that its recall is the share of texts for
    which a model finds the photo that the teacher finds. The split depends on the names and texts alone.

    Args:
        teacher: The teacher.
        cache: Cache of its vectors.
        folder: Folder of the photos.
        file: UTF-8 texts, one a line; empty and repeated lines are skipped.
        progress: Progress callback.

    Raises:
        DataError: A photo or the file cannot be read, or there are too few photos or texts.
        SettingsError: There are several processes, which would compute the same vectors.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise SettingsError("texts: expected one process, found several; pass captions, or start one process")
    folder = folder.expanduser()
    names, texts = scan_photos(folder), _read_texts(file)
    for count, what in ((len(names), f"{folder}: expected photos"), (len(texts), f"{file}: expected texts")):
        if count < 2:
            raise DataError(f"{what}, at least 2, found {count}; pass another")
    images = teacher.image_vectors(cache, [folder / name for name in names], progress)
    vectors = teacher.text_vectors(cache, texts, progress)
    splits = zip(hold_out(names), hold_out(texts), strict=True)
    train, dev = (_pair(folder, names, texts, images, vectors, *rows) for rows in splits)
    found = {caption.image for caption in dev.captions}
    return train, CaptionedPhotos(folder, tuple(name for name in dev.names if name in found), dev.captions)


def _read_texts(file: Path) -> list[str]:
    try:
        lines = read_bounded(file, _MAX_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: expected UTF-8 texts, one a line: {error}; pass such a file as --texts") from error
    return list(dict.fromkeys(filter(None, map(str.strip, lines))))


def _pair(
    folder: Path,
    names: Sequence[str],
    texts: Sequence[str],
    images: Tensor,
    vectors: Tensor,
    photo_rows: list[int],
    text_rows: list[int],
) -> CaptionedPhotos:
    candidates = images[photo_rows]
    first = [
        int(row) for rows in torch.split(vectors[text_rows], _TEXTS_AT_ONCE) for row in (rows @ candidates.T).argmax(1)
    ]
    of_photo: dict[int, list[str]] = {}
    for row, best in zip(text_rows, first, strict=True):
        of_photo.setdefault(best, []).append(texts[row])
    ours = [names[row] for row in photo_rows]
    captions = [Caption(ours[best], n, text) for best in sorted(of_photo) for n, text in enumerate(of_photo[best])]
    return CaptionedPhotos(folder, tuple(ours), tuple(captions))
