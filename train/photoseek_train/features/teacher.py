"""A teacher for distillation: any bundle that the runtime opens."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import PhotoError
from photoseek_train.errors import DataError
from photoseek_train.features.cache import CacheRequest, FeatureCache, Features
from photoseek_train.features.frozen_features import photo_hashes
from photoseek_train.progress import ProgressCallback, no_progress

CLIP_SCALE = 100.0
"""The maximum, which trained CLIPs reach: Radford et al. 2021 (arXiv:2103.00020), section 2.5."""

IMAGES = "teacher_image_vectors"
TEXTS = "teacher_text_vectors"

_IMAGE_BATCH, _TEXT_BATCH = 16, 128


@dataclass(frozen=True)
class Teacher:
    """The vectors of a bundle's most exact precision, cached in a folder of features.

    Attributes:
        bundle: The bundle.
        scale: Its inverse temperature.
    """

    bundle: Bundle
    scale: float = CLIP_SCALE

    @classmethod
    def load(cls, source: str | Path) -> Teacher:
        """Load a bundle, with the temperature in its ``config.json``, else that of CLIP; errors as for ``Bundle``."""
        bundle = Bundle.load(source)
        try:
            values = json.loads((bundle.path / "config.json").read_text("utf-8"))
            scale = float(values["logit_scale"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(bundle)
        return cls(bundle, scale) if 0 < scale < math.inf else cls(bundle)

    @property
    def name(self) -> str:
        """The name of the bundle and the start of its fingerprint."""
        return f"{self.bundle.name} {self.bundle.fingerprint[:12]}"

    def image_vectors(
        self, folder: FeatureCache, paths: Sequence[Path], progress: ProgressCallback = no_progress
    ) -> Tensor:
        """Return the unit vectors of photos, float32 (n, dim), computed if they are not cached.

        Raises:
            DataError: A photo cannot be read.
            BundleError: The bundle is damaged.
            FeaturesError: The cache cannot be used.
        """
        encoder = ImageEncoder(self.bundle, self._precision)

        def encode(positions: Sequence[int]) -> Iterator[Features]:
            for rows in _batches(positions, _IMAGE_BATCH):
                try:
                    yield encoder.encode([paths[row] for row in rows])
                except PhotoError as error:
                    raise DataError(f"{error}; remove the photo") from error

        request = CacheRequest(IMAGES, self._identity, photo_hashes(paths), self.bundle.dim, encode)
        return torch.from_numpy(folder.rows(request, progress))

    def text_vectors(
        self, folder: FeatureCache, texts: Sequence[str], progress: ProgressCallback = no_progress
    ) -> Tensor:
        """Return the unit vectors of texts, float32 (n, dim); see ``image_vectors``."""
        encoder = TextEncoder(self.bundle, self._precision)

        def encode(positions: Sequence[int]) -> Iterator[Features]:
            for rows in _batches(positions, _TEXT_BATCH):
                yield encoder.encode([texts[row] for row in rows])

        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        request = CacheRequest(TEXTS, self._identity, keys, self.bundle.dim, encode, order=lambda row: len(texts[row]))
        return torch.from_numpy(folder.rows(request, progress))

    @property
    def _precision(self) -> str:
        return self.bundle.precisions[0]

    @property
    def _identity(self) -> dict[str, str]:
        return {"bundle": self.bundle.fingerprint, "precision": self._precision}


def _batches(positions: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (positions[start : start + size] for start in range(0, len(positions), size))
