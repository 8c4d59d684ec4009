"""``photoseek.json``: what a bundle is, and what each of its files must be."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.system.atomic_write import file_sha256, read_bounded, write_json_atomic

FORMAT = 1
"""The format of a bundle's manifest; another one is refused."""

MAX_DIM = 65_536
"""Vectors of a bundle are at most this long."""

_LANGUAGE = re.compile("[a-z]{2}")
_SHA256 = re.compile("[0-9a-f]{64}")


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
    def text_model(cls, precision: str, language: str | None = None) -> str:
        """Path inside the bundle of the main text tower's graph, or of that of a further language."""
        tower = "text_model" if language is None else f"text_model.{language}"
        return f"onnx/{tower}{cls.SUFFIX[precision]}.onnx"

    @classmethod
    def vision_model(cls, precision: str) -> str:
        """Path of the image tower's graph inside the bundle."""
        return f"onnx/vision_model{cls.SUFFIX[precision]}.onnx"

    @classmethod
    def tokenizer(cls, language: str | None = None) -> str:
        """Path of a text tower's tokenizer inside the bundle; a further language's lies in a folder of its code."""
        return cls.TOKENIZER if language is None else f"{language}/{cls.TOKENIZER}"

    @classmethod
    def tokenizer_config(cls, language: str | None = None) -> str:
        """Path of a text tower's tokenizer configuration inside the bundle."""
        return cls.TOKENIZER_CONFIG if language is None else f"{language}/{cls.TOKENIZER_CONFIG}"


@dataclass(frozen=True)
class FileRecord:
    """What a file must be."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        """Measure a file."""
        return cls(path.stat().st_size, file_sha256(path))


@dataclass(frozen=True)
class TextTowerRecord:
    """What the manifest says of a further language's text tower, trained against the bundle's own image side.

    Attributes:
        pooling: As in ``Manifest``.
        weights: SHA-256 of the checkpoint's weights that it was made from.
        precisions: As in ``Manifest``; ``parity`` is of ``text`` only.
        training: Data and settings that the weights came from.
    """

    pooling: str
    weights: str
    precisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """How the main text tower's texts become its input; see ``Tokenization``."""

    length: int | None = None
    masked: bool = True
    side: str = "right"


@dataclass(frozen=True)
class Manifest:
    """The content of ``photoseek.json``.

    Attributes:
        name: What people call the bundle.
        dim: Length of its vectors.
        pooling: How token states become one: ``mean`` over the attention mask, or ``cls``.
        languages: ISO 639-1 codes of the languages that the main text tower was trained on.
        preprocessing: ``Preprocessing.id`` of ``preprocessor_config.json``.
        weights: SHA-256 of the trained weights that every precision was made from.
        files: What each file must be, by its path inside the bundle.
        precisions: For each precision in the bundle, its facts: ``parity`` (largest absolute differences from
            PyTorch) and, where measured, ``metrics`` (retrieval, as ``evaluate --json`` prints it) and ``confidence``
            (what cosines are worth, see ``Calibration``).
        training: Data and settings that the weights came from.
        license: SPDX identifier of the license of the weights.
        text_towers: The text towers of further languages, by ISO 639-1 code.
        reading: How the main text tower is fed.
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
    reading: Reading = field(default_factory=Reading)
    format: int = FORMAT

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what the main towers' vectors follow from: two bundles of one fingerprint may share a gallery.

        The precisions of a bundle share one, as they were made from the same weights. Further text towers are left
        out: a gallery holds vectors of photos, and a language that joins the same image side changes none of them, so
        no photo has to be indexed again.
        """
        parts: list[Any] = [
            self.dim,
            self.pooling,
            self.preprocessing,
            self.weights,
            self.files[Layout.TOKENIZER].sha256,
        ]
        if self.reading != Reading():
            parts.append(asdict(self.reading))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

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
        try:
            values = json.loads(read_bounded(path).decode())
        except (OSError, ValueError, RecursionError) as error:
            raise BundleDamaged(
                f"{path}: expected a bundle's manifest: {error}{upgrade_hint(path)}; copy the bundle again"
            ) from error
        if not isinstance(values, dict) or type(values.get("format")) is not int or values["format"] < 1:
            raise BundleDamaged(f"{path}: expected a JSON object with a format number; copy the bundle again")
        if values["format"] > FORMAT:
            raise BundleIncompatible(
                f"{path}: expected bundle format {FORMAT}, found format {values['format']}, of a newer photoseek; "
                "upgrade photoseek, or export the bundle again"
            )
        return cls._from_json(values, path)

    @classmethod
    def _from_json(cls, values: Mapping[str, Any], path: Path) -> Manifest:
        try:
            files = {name: FileRecord(**record) for name, record in values["files"].items()}
            towers = {code: TextTowerRecord(**record) for code, record in values["text_towers"].items()}
            reading = Reading(**values["reading"])
            manifest = cls(**{**values, "files": files, "text_towers": towers, "reading": reading})
            required = [Layout.CONFIG, Layout.PREPROCESSOR]
            for language in (None, *towers):
                required += [Layout.tokenizer(language), Layout.tokenizer_config(language)]
            missing = [name for name in required if name not in files]
            odd = [language for language in towers if not _LANGUAGE.fullmatch(language)]
        except (TypeError, KeyError, AttributeError) as error:
            raise BundleDamaged(f"{path}: cannot be read as a manifest: {error}") from error
        if wrong := _wrong_value(manifest):
            raise BundleDamaged(f"{path}: {wrong}; copy the bundle again, or export it anew")
        if odd:
            raise BundleDamaged(f"{path}: expected text towers by codes like zh, found {odd[0]!r}")
        if missing:
            raise BundleDamaged(f"{path}: records no {missing[0]}")
        return manifest


def upgrade_hint(path: Path) -> str:
    """What a file that is not what it should be often is."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return ""
    if head.startswith(b"version https://git-lfs"):
        return " (a Git LFS pointer: fetch the real file with git lfs pull)"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return " (an HTML page, a web page in place of the file: the download went wrong)"
    return ""


def _wrong_value(manifest: Manifest) -> str:
    """The first value that is not what ``Manifest`` says of it, in words; empty where each is."""
    texts = ("name", "pooling", "preprocessing", "weights", "license")
    for key, kind in (*((text, str) for text in texts), ("languages", list), ("precisions", dict), ("training", dict)):
        if not isinstance(value := getattr(manifest, key), kind):
            return f"{key}: expected {kind.__name__}, found {value!r:.80}"
    if type(manifest.dim) is not int or not 0 < manifest.dim <= MAX_DIM:
        return f"dim: expected a whole number from 1 to {MAX_DIM}, found {manifest.dim!r:.80}"
    if not all(isinstance(language, str) for language in manifest.languages):
        return f"languages: expected codes like en, found {manifest.languages!r:.80}"
    if wrong := _wrong_reading(manifest.reading):
        return wrong
    for precision, facts in manifest.precisions.items():
        if not isinstance(facts, dict):
            return f"precisions: {precision}: expected dict, found {facts!r:.80}"
    return next(filter(None, (_wrong_record(name, record) for name, record in manifest.files.items())), "")


def _wrong_reading(reading: Reading) -> str:
    length = reading.length
    if length is not None and (type(length) is not int or not 0 < length <= MAX_DIM):
        return f"reading: length: expected a whole number from 1 to {MAX_DIM}, found {length!r:.80}"
    if type(reading.masked) is not bool or reading.side not in ("left", "right"):
        return f"reading: expected masked true or false, side left or right, found {reading!r:.200}"
    return ""


def _wrong_record(name: str, record: FileRecord) -> str:
    if "\0" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return f"files: expected paths inside the bundle, found {name!r:.80}"
    if type(record.bytes) is not int or not isinstance(record.sha256, str) or not _SHA256.fullmatch(record.sha256):
        return f"files: {name}: expected its bytes and sha256, found {record.bytes!r:.20} and {record.sha256!r:.80}"
    return ""
