"""The layout of optimum and transformers.js: ``onnx/text_model*.onnx`` and ``onnx/vision_model*.onnx``.

The configuration files are those of transformers: ``config.json``, ``preprocessor_config.json``, and a tokenizer. Which
output is the embedding depends on the model: CLIP's graphs end in ``text_embeds`` and ``image_embeds``; SigLIP has no
projection, and its embedding is ``pooler_output``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoseek.bundle.json_files import expect_file, json_object
from photoseek.bundle.layouts.hf_image_processor import find_preprocessing
from photoseek.bundle.layouts.hf_tokenizer import find_text_spec
from photoseek.bundle.layouts.model import ExternalModel, build_model, common_precisions
from photoseek.bundle.layouts.onnx_io import text_io, vision_io
from photoseek.bundle.manifest import Layout
from photoseek.errors import BundleIncompatible, BundleNotFound

NAME = "transformers"
LAYOUT_HINT = "onnx/text_model*.onnx and onnx/vision_model*.onnx (optimum, transformers.js)"

SUFFIXES = {
    "fp32": "",
    "fp16": "_fp16",
    "int8": "_int8",
    "uint8": "_uint8",
    "q8": "_quantized",
    "q4": "_q4",
    "q4f16": "_q4f16",
    "bnb4": "_bnb4",
}
"""File suffixes of transformers.js by precision (``DEFAULT_DTYPE_SUFFIX_MAPPING``)."""

_FOLDERS = ("onnx", "")


@dataclass(frozen=True)
class Family:
    """A kind of model.

    Attributes:
        text_outputs: Names that the embedding of a text may have.
        image_outputs: Names that the embedding of a photo may have.
        max_length: Maximum number of tokens of a text, if its configuration does not record it.
        fixed_length: Whether each text is padded to the maximum length, without masking the padding.
        languages: ISO 639-1 codes of the supported languages.
    """

    text_outputs: tuple[str, ...] = ("text_embeds",)
    image_outputs: tuple[str, ...] = ("image_embeds",)
    max_length: int = 77
    fixed_length: bool = False
    languages: tuple[str, ...] = ("en",)


_POOLED = ("pooler_output",)
FAMILIES: Mapping[str, Family] = {
    "clip": Family(),
    "chinese_clip": Family(max_length=512, languages=("zh",)),
    "siglip": Family(("text_embeds", *_POOLED), ("image_embeds", *_POOLED), max_length=64, fixed_length=True),
}
"""Supported families by ``model_type``."""


def describe(folder: Path) -> ExternalModel | None:
    """Return the model, or None if the folder has no file of this layout.

    Raises:
        BundleError: A file of this layout cannot be read.
    """
    texts, visions = _files(folder, "text_model"), _files(folder, "vision_model")
    if not texts and not visions:
        return None
    pairs = common_precisions(folder, texts, visions, LAYOUT_HINT)
    config = json_object(expect_file(folder / Layout.CONFIG, "it contains the model_type: copy it there"))
    family = _family(config, folder / Layout.CONFIG)
    preprocessing, processor_file = find_preprocessing(folder)
    max_length = _number(config, "text_config", "max_position_embeddings") or family.max_length
    return build_model(
        folder,
        NAME,
        {name: text_io(folder, text, name, family.text_outputs) for name, (text, _) in pairs.items()},
        {name: vision_io(folder, vision, name, family.image_outputs) for name, (_, vision) in pairs.items()},
        preprocessing,
        find_text_spec(folder, max_length, fixed_length=family.fixed_length),
        languages=family.languages,
        config_files=(Layout.CONFIG, processor_file),
        dim=_dim(config, str(config["model_type"])),
    )


def _files(folder: Path, tower: str) -> dict[str, str]:
    """Return a tower's files by precision, those in ``onnx/`` if there are any."""
    for inside in _FOLDERS:
        names = {name: f"{inside}/{tower}{suffix}.onnx".lstrip("/") for name, suffix in SUFFIXES.items()}
        if found := {name: file for name, file in names.items() if (folder / file).is_file()}:
            return found
    return {}


def _family(config: Mapping[str, Any], path: Path) -> Family:
    kind = config.get("model_type")
    if kind == "photoseek":
        raise BundleNotFound(
            f"no bundle at {path.parent}: expected {Layout.MANIFEST} next to its files; copy the bundle again"
        )
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise BundleIncompatible(
            f"{path}: expected a model_type among {', '.join(FAMILIES)}, found {kind!r:.80}; other models are "
            "not supported"
        )
    return FAMILIES[kind]


def _number(config: Mapping[str, Any], section: str, key: str) -> int | None:
    value = (config.get(section) or {}).get(key) if isinstance(config.get(section), Mapping | None) else None
    return value if type(value) is int and value > 0 else None


def _dim(config: Mapping[str, Any], kind: str) -> int | None:
    """Return the length of vectors; SigLIP has no projection, but a head as wide as the image tower."""
    if kind == "siglip":
        return _number(config, "text_config", "projection_size") or _number(config, "vision_config", "hidden_size")
    value = config.get("projection_dim")
    return value if type(value) is int and value > 0 else None
