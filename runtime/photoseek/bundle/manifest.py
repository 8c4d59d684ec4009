"""``photoseek.json``: what a bundle is, and the size and SHA-256 of each of its files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from photoseek.bundle.json_files import json_object
from photoseek.bundle.tokenization import Padding
from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.system.atomic_write import file_sha256, write_json_atomic

FORMAT = 1
"""The format of a bundle's manifest; every other format is refused."""

MAX_DIM = 65_536
"""The maximum length of a bundle's vectors."""

_LANGUAGE = re.compile("[a-z]{2}")
_SHA256 = re.compile("[0-9a-f]{64}")
_TYPES: Mapping[str, type] = {
    "name": str,
    "pooling": str,
    "preprocessing": str,
    "weights": str,
    "license": str,
    "languages": list,
    "precisions": dict,
    "training": dict,
}


class Layout:
    """The file names of the layout ``photoseek``; no other module contains them."""

    MANIFEST = "photoseek.json"
    CARD = "README.md"
    CONFIG = "config.json"
    PREPROCESSOR = "preprocessor_config.json"
    TOKENIZER = "tokenizer.json"
    TOKENIZER_CONFIG = "tokenizer_config.json"
    SPECIAL_TOKENS = "special_tokens_map.json"
    SUFFIX: ClassVar = {"fp32": "", "fp16": "_fp16", "int8": "_int8"}  # as in transformers.js
    PRECISIONS = tuple(SUFFIX)

    @classmethod
    def text_model(cls, precision: str, language: str | None = None) -> str:
        """Return the path of the main text tower's graph, or of that of another language."""
        tower = "text_model" if language is None else f"text_model.{language}"
        return f"onnx/{tower}{cls.SUFFIX[precision]}.onnx"

    @classmethod
    def vision_model(cls, precision: str) -> str:
        """Return the path of the image tower's graph."""
        return f"onnx/vision_model{cls.SUFFIX[precision]}.onnx"

    @classmethod
    def tokenizer(cls, language: str | None = None) -> str:
        """Return the path of a text tower's tokenizer; that of another language is in a folder of its code."""
        return cls.TOKENIZER if language is None else f"{language}/{cls.TOKENIZER}"

    @classmethod
    def tokenizer_config(cls, language: str | None = None) -> str:
        """Return the path of a text tower's tokenizer configuration."""
        return cls.TOKENIZER_CONFIG if language is None else f"{language}/{cls.TOKENIZER_CONFIG}"


@dataclass(frozen=True)
class FileRecord:
    """The size and SHA-256 of a file."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        """Return the current record of a file."""
        return cls(path.stat().st_size, file_sha256(path))


@dataclass(frozen=True)
class TextTowerRecord:
    """The text tower of another language, trained against the same image tower.

    Attributes:
        pooling: As in ``Manifest``.
        weights: SHA-256 of the checkpoint's weights.
        precisions: As in ``Manifest``; ``parity`` has ``text`` only.
        training: Data and settings of the training.
    """

    pooling: str
    weights: str
    precisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """The content of ``photoseek.json``.

    Attributes:
        name: Display name of the bundle.
        dim: Length of its vectors.
        pooling: How token states become one vector: ``mean`` over the attention mask, or ``cls``.
        languages: ISO 639-1 codes of the languages that the main text tower was trained on.
        preprocessing: ``Preprocessing.id`` of ``preprocessor_config.json``.
        weights: SHA-256 of the trained weights that every precision was made from.
        files: Size and SHA-256 of each file, by its path inside the bundle.
        precisions: For each precision: ``parity`` (largest absolute differences from PyTorch) and, if measured,
            ``metrics`` (retrieval, as ``evaluate --json`` prints it), ``confidence`` (see ``Calibration``) and, of
            int8, ``similarity`` (mean cosines with the most exact precision). ``photo_activations`` of int8 is
            ``dynamic`` if the image tower scales activations by the largest of the batch.
        training: Data and settings of the training.
        license: SPDX identifier of the license of the weights.
        text_towers: The text towers of other languages, by ISO 639-1 code.
        padding: How texts for the main text tower are padded.
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
    license: str = "MIT"
    text_towers: dict[str, TextTowerRecord] = field(default_factory=dict)
    padding: Padding = field(default_factory=Padding)
    format: int = FORMAT

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what the vectors depend on: bundles with the same fingerprint may share a gallery.

        The precisions of a bundle share a fingerprint, since they were made from the same weights. Text towers of
        other languages are excluded: a gallery contains vectors of photos, which they do not change.
        """
        parts: list[Any] = [
            self.dim,
            self.pooling,
            self.preprocessing,
            self.weights,
            self.files[Layout.TOKENIZER].sha256,
        ]
        if self.padding != Padding():
            parts.append(asdict(self.padding))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def has_dynamic_photos(self, precision: str) -> bool:
        """Return whether the image tower of a precision scales activations by the largest of the batch."""
        return bool(self.precisions.get(precision, {}).get("photo_activations") == "dynamic")

    def write(self, folder: Path) -> None:
        """Write ``photoseek.json``."""
        write_json_atomic(folder / Layout.MANIFEST, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read ``photoseek.json``.

        Raises:
            BundleDamaged: It is missing, is not JSON, lacks a key, or has an invalid value.
            BundleIncompatible: Its format is newer than ``FORMAT``.
        """
        path = folder / Layout.MANIFEST
        values = json_object(path, "copy the bundle again")
        if type(values.get("format")) is not int or values["format"] < 1:
            raise BundleDamaged(f"{path}: expected a format number, found none; copy the bundle again")
        if values["format"] > FORMAT:
            raise BundleIncompatible(
                f"{path}: expected bundle format {FORMAT}, found format {values['format']}, of a newer photoseek; "
                "upgrade photoseek, or export the bundle again"
            )
        try:
            manifest = cls._from_json(values)
            problem = _problem(manifest)
        except (TypeError, KeyError, AttributeError) as error:
            raise BundleDamaged(f"{path}: expected a bundle's manifest: {error}; copy the bundle again") from error
        if problem:
            raise BundleDamaged(f"{path}: {problem}; copy or export the bundle again")
        return manifest

    @classmethod
    def _from_json(cls, values: Mapping[str, Any]) -> Manifest:
        files = {name: FileRecord(**record) for name, record in values["files"].items()}
        towers = {code: TextTowerRecord(**record) for code, record in values["text_towers"].items()}
        padding = Padding(**values["padding"])
        return cls(**{**values, "files": files, "text_towers": towers, "padding": padding})


def _problem(manifest: Manifest) -> str:
    """Return what is wrong with the first invalid value, or an empty string."""
    for key, kind in _TYPES.items():
        if not isinstance(value := getattr(manifest, key), kind):
            return f"{key}: expected {kind.__name__}, found {value!r:.80}"
    if type(manifest.dim) is not int or not 0 < manifest.dim <= MAX_DIM:
        return f"dim: expected a whole number from 1 to {MAX_DIM}, found {manifest.dim!r:.80}"
    if not all(isinstance(language, str) for language in manifest.languages):
        return f"languages: expected codes like en, found {manifest.languages!r:.80}"
    for precision, facts in manifest.precisions.items():
        if not isinstance(facts, dict):
            return f"precisions: {precision}: expected dict, found {facts!r:.80}"
    for language in manifest.text_towers:
        if not _LANGUAGE.fullmatch(language):
            return f"text_towers: expected codes like zh, found {language!r}"
    records = (record_problem(name, record) for name, record in manifest.files.items())
    return _padding_problem(manifest.padding) or next(filter(None, records), "") or _missing_file(manifest)


def _padding_problem(padding: Padding) -> str:
    length = padding.length
    if length is not None and (type(length) is not int or not 0 < length <= MAX_DIM):
        return f"padding: length: expected a whole number from 1 to {MAX_DIM}, found {length!r:.80}"
    if type(padding.masked) is not bool or padding.side not in ("left", "right"):
        return f"padding: expected masked true or false, side left or right, found {padding!r:.200}"
    return ""


def record_problem(name: str, record: FileRecord) -> str:
    """Return what is wrong with the record of a file, or an empty string."""
    if "\0" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return f"files: expected paths inside the bundle, found {name!r:.80}"
    if type(record.bytes) is not int or not isinstance(record.sha256, str) or not _SHA256.fullmatch(record.sha256):
        return f"files: {name}: expected its bytes and sha256, found {record.bytes!r:.20} and {record.sha256!r:.80}"
    return ""


def _missing_file(manifest: Manifest) -> str:
    required = [Layout.CONFIG, Layout.PREPROCESSOR]
    for language in (None, *manifest.text_towers):
        required += [Layout.tokenizer(language), Layout.tokenizer_config(language)]
    missing = next((name for name in required if name not in manifest.files), "")
    return f"files: expected {missing}, found no record of it" if missing else ""
