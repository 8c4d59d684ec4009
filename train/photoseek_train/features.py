"""Tower features of photos and captions, made once and cached in a folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photoseek.files import sha256_of
from photoseek.preprocess import Preprocessing
from photoseek_train.dataset import CaptionedPhotos
from photoseek_train.errors import DataError, SettingsError
from photoseek_train.extraction import Features
from photoseek_train.feature_folder import FeatureFolder, Request, Table
from photoseek_train.photos import read_picture
from photoseek_train.progress import Progress, silent
from photoseek_train.sources import Built, TowerSources, architecture_of, build_model
from photoseek_train.tokens import Tokens
from photoseek_train.towers import ImageTower, weights_sha256

IMAGES = "image_embeddings"
TEXTS = "text_embeddings"
KEYWORDS = "aug_text_embeddings"

_PHOTOS_AT_ONCE = 64
_CAPTIONS_AT_ONCE = 128


def image_features(
    folder: FeatureFolder,
    tower: ImageTower,
    preprocessing: Preprocessing,
    paths: Sequence[Path],
    progress: Progress = silent,
) -> Tensor:
    """Features of photos, float32 (n, width of the tower), in float32 arithmetic.

    Raises:
        DataError: A photo cannot be read.
        FeaturesError: The folder cannot be used.
    """
    identity = {
        "architecture": tower.architecture,
        "weights_sha256": weights_sha256(tower),
        "preprocessing": preprocessing.id,
    }
    table = Table(identity, [path.name for path in paths], photo_hashes(paths))
    tower.eval()

    def encode(positions: Sequence[int]) -> Iterator[Features]:
        return _encode_photos(tower, preprocessing, [paths[position] for position in positions])

    return torch.from_numpy(folder.rows(Request(IMAGES, table, tower.features, encode), progress))


def text_features(
    folder: FeatureFolder, built: Built, texts: Sequence[str], progress: Progress = silent, name: str = TEXTS
) -> Tensor:
    """Features of captions, float32 (n, d_text), in float32 arithmetic; raises as ``image_features``.

    ``name`` is the table: ``TEXTS``, or ``KEYWORDS`` for keywords in place of captions.
    """
    tower, config = built.model.text_tower, built.config
    identity = {
        "architecture": architecture_of(tower.bert),
        "weights_sha256": weights_sha256(tower),
        "tokenizer_sha256": _sha256(built.tokenizer.backend_tokenizer.to_str()),
        "pooling": tower.pooling,
        "max_tokens": config.max_tokens,
    }
    table = Table(identity, list(texts), [_sha256(text) for text in texts])
    tower.eval()

    def encode(positions: Sequence[int]) -> Iterator[Features]:
        tokens = Tokens([texts[position] for position in positions], built.tokenizer, config.max_tokens)
        return _encode_tokens(built, tokens)

    request = Request(name, table, tower.features, encode, order=lambda row: len(texts[row]))
    return torch.from_numpy(folder.rows(request, progress))


def make_features(
    out: Path,
    sources: TowerSources,
    preprocessing: Preprocessing,
    data: CaptionedPhotos,
    progress: Progress = silent,
) -> tuple[int, int]:
    """See that a folder holds the features of all photos and captions, and of keywords; how many photos and captions.

    Raises:
        SettingsError: Random image weights, whose features mean nothing.
        TrainingError: Towers, photos or the folder that cannot be used.
    """
    if sources.untrained_images:
        raise SettingsError("features of random image weights mean nothing; give imagenet or a .pth file")
    built = build_model(sources, seed=0)
    folder = FeatureFolder(out)
    images = image_features(folder, built.model.image_tower, preprocessing, data.paths, progress)
    texts = text_features(folder, built, data.texts, progress)
    if any(caption.keywords for caption in data.captions):
        text_features(folder, built, data.keyword_texts, progress, KEYWORDS)
    return len(images), len(texts)


def photo_hashes(paths: Sequence[Path]) -> list[str]:
    """SHA-256 of each photo's bytes.

    Raises:
        DataError: A photo cannot be read.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            return list(pool.map(sha256_of, paths))
        except OSError as error:
            raise DataError(f"{error.filename}: cannot be read: {error.strerror or error}") from error


def _encode_photos(tower: ImageTower, preprocessing: Preprocessing, paths: Sequence[Path]) -> Iterator[Features]:
    """Photos through the tower; the next ones are decoded meanwhile."""

    def pixels(part: Sequence[Path]) -> Tensor:
        values = np.stack([preprocessing(read_picture(path)) for path in part])
        return torch.from_numpy(values).contiguous(memory_format=torch.channels_last)

    parts = [paths[start : start + _PHOTOS_AT_ONCE] for start in range(0, len(paths), _PHOTOS_AT_ONCE)]
    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(pixels, part) for part in parts[:1]]
        for number in range(len(parts)):
            batch = ahead.pop().result()
            ahead += [pool.submit(pixels, part) for part in parts[number + 1 : number + 2]]
            with torch.inference_mode():
                yield tower(batch).numpy()


def _encode_tokens(built: Built, tokens: Tokens) -> Iterator[Features]:
    """Captions through the tower, in their order."""
    for start in range(0, len(tokens), _CAPTIONS_AT_ONCE):
        rows = np.arange(start, min(start + _CAPTIONS_AT_ONCE, len(tokens)))
        with torch.inference_mode():
            yield built.model.text_tower(*tokens.batch(rows)).numpy()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
