"""``photoseek.json``: what a bundle is, and what each of its files must be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.files import replace_json, sha256_of

FORMAT = 1
"""The bundle format that this version writes; a newer one is refused."""


class Layout:
    """The names of a bundle's files; no other module spells them."""

    MANIFEST = "photoseek.json"
    CARD = "README.md"
    CONFIG = "config.json"
    PREPROCESSOR = "preprocessor_config.json"
    TOKENIZER = "tokenizer.json"
    TOKENIZER_CONFIG = "tokenizer_config.json"
    SPECIAL_TOKENS = "special_tokens_map.json"
    SUFFIX: ClassVar = {"fp32": "", "fp16": "_fp16", "int8": "_int8"}  # those of transformers.js
    PRECISIONS = tuple(SUFFIX)

    @classmethod
    def text_model(cls, precision: str) -> str:
        """Path of the text tower's graph inside the bundle."""
        return f"onnx/text_model{cls.SUFFIX[precision]}.onnx"

    @classmethod
    def vision_model(cls, precision: str) -> str:
        """Path of the image tower's graph inside the bundle."""
        return f"onnx/vision_model{cls.SUFFIX[precision]}.onnx"


@dataclass(frozen=True)
class FileRecord:
    """What a file must be."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        """Measure a file."""
        return cls(path.stat().st_size, sha256_of(path))


@dataclass(frozen=True)
class Manifest:
    """The content of ``photoseek.json``.

    Attributes:
        name: What people call the bundle.
        dim: Length of its vectors.
        pooling: How token states become one: ``mean`` over the attention mask, or ``cls``.
        languages: ISO 639-1 codes of the languages that the text tower was trained on.
        preprocessing: ``Preprocessing.id`` of ``preprocessor_config.json``.
        weights: SHA-256 of the trained weights that every precision was made from.
        files: What each file must be, by its path inside the bundle.
        precisions: For each precision in the bundle, its facts: ``parity`` (largest absolute differences from
            PyTorch) and ``metrics`` (retrieval, as ``evaluate --json`` prints it), where measured.
        training: Data and settings that the weights came from.
        licence: SPDX identifier of the licence of the weights.
    """

    name: str
    dim: int
    pooling: str
    languages: list[str]
    preprocessing: str
    weights: str
    files: dict[str, FileRecord]
    precisions: dict[str, dict[str, Any]]
    training: dict[str, Any] = field(default_factory=dict)
    licence: str = "MIT"
    format: int = FORMAT

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that changes vectors: two bundles of one fingerprint may share a gallery.

        The precisions of a bundle share one, as they were made from the same weights.
        """
        parts = [
            self.dim,
            self.pooling,
            self.preprocessing,
            self.weights,
            self.files[Layout.TOKENIZER].sha256,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write ``photoseek.json``."""
        replace_json(folder / Layout.MANIFEST, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read ``photoseek.json``.

        Raises:
            BundleDamaged: It is missing, is not JSON, or lacks a key.
            BundleIncompatible: Its format is newer than ``FORMAT``.
        """
        path = folder / Layout.MANIFEST
        try:
            values = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BundleDamaged(f"{path}: expected a bundle's manifest: {error}") from error
        if not isinstance(values, dict) or not isinstance(values.get("format"), int):
            raise BundleDamaged(f"{path}: expected a JSON object with a format number")
        if values["format"] > FORMAT:
            raise BundleIncompatible(
                f"{path}: bundle format {values['format']}, this photoseek reads up to {FORMAT}; upgrade photoseek"
            )
        return cls._from_json(values, path)

    @classmethod
    def _from_json(cls, values: Mapping[str, Any], path: Path) -> Manifest:
        try:
            files = {name: FileRecord(**record) for name, record in values["files"].items()}
            manifest = cls(**{**values, "files": files})
            required = (Layout.CONFIG, Layout.PREPROCESSOR, Layout.TOKENIZER, Layout.TOKENIZER_CONFIG)
            missing = [name for name in required if name not in files]
        except (TypeError, KeyError, AttributeError) as error:
            raise BundleDamaged(f"{path}: cannot be read as a manifest: {error}") from error
        if missing:
            raise BundleDamaged(f"{path}: records no {missing[0]}")
        return manifest
