"""Features of frozen towers, computed once and cached in a folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from photoseek.photos.preprocessing import Preprocessing
from photoseek.system.atomic_write import file_sha256
from photoseek_train.config import ModelInit
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.data.photos import TrainingPhotos
from photoseek_train.data.tokens import Tokens, untruncated_tokenizer
from photoseek_train.device import choose_device, tower_arithmetic
from photoseek_train.errors import DataError, SettingsError
from photoseek_train.features.cache import CacheRequest, FeatureCache, Features
from photoseek_train.features.frozen_image_tower import FrozenImageTower
from photoseek_train.features.pipeline import encode_photos, encode_views, map_on_cores
from photoseek_train.model.init import BuiltModel, architecture_config, build_model
from photoseek_train.model.towers import ImageTower, weights_sha256
from photoseek_train.progress import ProgressCallback, no_progress

IMAGES = "image_embeddings"
TEXTS = "text_embeddings"
KEYWORDS = "aug_text_embeddings"
VIEWS = "image_view_embeddings"

_TEXT_BATCH_SIZE = 128


def cached_image_features(
    folder: FeatureCache,
    tower: ImageTower,
    preprocessing: Preprocessing,
    paths: Sequence[Path],
    progress: ProgressCallback = no_progress,
    bf16: bool = False,
) -> Tensor:
    """Return the features of photos, float32 (n, width of the tower), computed on the tower's device if not cached.

    Args:
        folder: The cache.
        tower: The image tower.
        preprocessing: Preprocessing of the photos.
        paths: The photos.
        progress: Progress callback.
        bf16: Compute in bfloat16: faster with hardware support, with errors of up to 1%.

    Raises:
        DataError: A photo cannot be read.
        FeaturesError: The cache cannot be used.
    """

    def encode(positions: Sequence[int]) -> Iterator[Features]:
        return encode_photos(FrozenImageTower(tower, preprocessing, bf16), [paths[row] for row in positions])

    identity = _image_identity(tower, preprocessing, bf16)
    request = CacheRequest(IMAGES, identity, photo_hashes(paths), tower.features, encode)
    return torch.from_numpy(folder.rows(request, progress))


def cached_view_features(
    folder: FeatureCache,
    tower: ImageTower,
    photos: TrainingPhotos,
    count: int,
    progress: ProgressCallback = no_progress,
    bf16: bool = False,
) -> Tensor:
    """Return the features of ``count`` random views of each photo, float32 (count, n, width of the tower).

    See ``cached_image_features`` for the other arguments and the errors; ``photos`` defines the augmentation and the
    seed of the views.
    """
    views = [(number, row) for number in range(1, count + 1) for row in range(len(photos))]

    def encode(positions: Sequence[int]) -> Iterator[Features]:
        frozen = FrozenImageTower(tower, photos.preprocessing, bf16)
        return encode_views(frozen, photos, [views[position] for position in positions])

    identity = {
        **_image_identity(tower, photos.preprocessing, bf16),
        "augment": {**asdict(photos.augmentation.config), "views": None},  # views do not depend on their number
        "seed": photos.seed,
    }
    hashes = photo_hashes(photos.paths)
    keys = [f"{hashes[row]}-{row}-{number}" for number, row in views]
    rows = folder.rows(CacheRequest(VIEWS, identity, keys, tower.features, encode), progress)
    return torch.from_numpy(rows).reshape(count, len(photos), tower.features)


def cached_text_features(
    folder: FeatureCache,
    built: BuiltModel,
    texts: Sequence[str],
    progress: ProgressCallback = no_progress,
    bf16: bool = False,
    name: str = TEXTS,
) -> Tensor:
    """Return the features of captions, float32 (n, d_text); see ``cached_image_features``.

    ``name`` is the table: ``TEXTS``, or ``KEYWORDS`` for keywords instead of captions.
    """
    tower, config = built.model.text_tower, built.config
    identity = {
        "architecture": architecture_config(tower.bert),
        "weights_sha256": weights_sha256(tower),
        "tokenizer_sha256": _sha256(untruncated_tokenizer(built.tokenizer).to_str()),
        "pooling": tower.pooling,
        "max_tokens": config.max_tokens,
        **_precision_key(bf16),
    }
    tower.eval()

    def encode(positions: Sequence[int]) -> Iterator[Features]:
        tokens = Tokens([texts[position] for position in positions], built.tokenizer, config.max_tokens)
        return _encode_tokens(built, tokens, bf16)

    keys = [_sha256(text) for text in texts]
    request = CacheRequest(name, identity, keys, tower.features, encode, order=lambda row: len(texts[row]))
    return torch.from_numpy(folder.rows(request, progress))


def extract_features(
    out: Path,
    sources: ModelInit,
    preprocessing: Preprocessing,
    data: CaptionedPhotos,
    progress: ProgressCallback = no_progress,
    device: str = "auto",
    bf16: bool = False,
) -> tuple[int, int]:
    """Cache the features of all photos, captions and keywords; return the numbers of photos and captions.

    Raises:
        SettingsError: The image weights are random, or the device is not available.
        TrainingError: Towers, photos or the cache cannot be used.
    """
    if sources.random_image_init:
        raise SettingsError("--image-weights: expected pretrained weights, found none; use imagenet or a .pth file")
    target = choose_device(device)
    built = build_model(sources, seed=0)
    built.model.image_tower.check_sizes(preprocessing.width)
    built.model.to(target)
    folder = FeatureCache(out)
    images = cached_image_features(folder, built.model.image_tower, preprocessing, data.paths, progress, bf16)
    texts = cached_text_features(folder, built, data.texts, progress, bf16)
    if any(caption.keywords for caption in data.captions):
        cached_text_features(folder, built, data.keyword_texts, progress, bf16, KEYWORDS)
    return len(images), len(texts)


def photo_hashes(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each photo's bytes.

    Raises:
        DataError: A photo cannot be read.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            return list(pool.map(file_sha256, paths))
        except OSError as error:
            raise DataError(f"{error.filename}: cannot be read: {error.strerror or error}") from error


def _encode_tokens(built: BuiltModel, tokens: Tokens, bf16: bool) -> Iterator[Features]:
    """Yield the features of captions in order."""
    device = built.model.device
    starts = range(0, len(tokens), _TEXT_BATCH_SIZE)

    def encode(start: int) -> Features:
        rows = np.arange(start, min(start + _TEXT_BATCH_SIZE, len(tokens)))
        batch = [part.to(device) for part in tokens.batch(rows)]
        with torch.inference_mode(), tower_arithmetic("bf16" if bf16 else "fp32", device):
            features: Tensor = built.model.text_tower(*batch)
            return features.float().cpu().numpy()

    yield from map_on_cores(encode, starts) if device.type == "cpu" else map(encode, starts)


def _image_identity(tower: ImageTower, preprocessing: Preprocessing, bf16: bool) -> dict[str, Any]:
    return {
        "architecture": tower.architecture,
        "weights_sha256": weights_sha256(tower),
        "preprocessing": preprocessing.id,
        **_precision_key(bf16),
    }


def _precision_key(bf16: bool) -> dict[str, str]:
    """Return the identity's entry for the precision; float32 has none."""
    return {"precision": "bf16"} if bf16 else {}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
