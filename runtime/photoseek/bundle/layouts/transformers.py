"""The two-file layout of optimum and transformers.js: ``onnx/text_model*.onnx`` beside ``onnx/vision_model*.onnx``.

With the configuration files of transformers: ``config.json``, ``preprocessor_config.json``, and a tokenizer. Which
output is the embedding depends on the model: CLIP's graphs end in ``text_embeds`` and ``image_embeds``; SigLIP has no
projection, and what pools its states, ``pooler_output``, is the embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoseek.bundle.description import ExternalModel, json_object
from photoseek.bundle.layouts.build import build_description, common_precisions
from photoseek.bundle.layouts.hf_image_processor import find_preprocessing
from photoseek.bundle.layouts.hf_tokenizer import find_text_spec
from photoseek.bundle.layouts.onnx_io import text_io, vision_io
from photoseek.bundle.manifest import Layout
from photoseek.errors import BundleIncompatible, BundleNotFound

NAME = "transformers"
EXPECTED = "onnx/text_model*.onnx and onnx/vision_model*.onnx (optimum, transformers.js)"

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
"""Of transformers.js (``DEFAULT_DTYPE_SUFFIX_MAPPING``)."""

_FOLDERS = ("onnx", "")
_CONFIG = "config.json"


@dataclass(frozen=True)
class Family:
    """What is known of a kind of model.

    Attributes:
        text_outputs: Names that the embedding of a text may have.
        image_outputs: Names that the embedding of a photo may have.
        positions: Tokens that it reads, where its configuration does not tell.
        fixed: Whether each text is filled up to all of them, and none of that is masked.
        languages: That it is taken to read.
    """

    text_outputs: tuple[str, ...] = ("text_embeds",)
    image_outputs: tuple[str, ...] = ("image_embeds",)
    positions: int = 77
    fixed: bool = False
    languages: tuple[str, ...] = ("en",)


_POOLED = ("pooler_output",)
FAMILIES: Mapping[str, Family] = {
    "clip": Family(),
    "chinese_clip": Family(positions=512, languages=("zh",)),
    "siglip": Family(("text_embeds", *_POOLED), ("image_embeds", *_POOLED), positions=64, fixed=True),
}
"""By ``model_type``."""


def describe(folder: Path) -> ExternalModel | None:
    """None where the folder has no file of this layout.

    Raises:
        BundleError: It has, but cannot be read.
    """
    texts, visions = _files(folder, "text_model"), _files(folder, "vision_model")
    if not texts and not visions:
        return None
    pairs = common_precisions(folder, texts, visions, EXPECTED)
    if not (folder / _CONFIG).is_file():
        raise BundleIncompatible(f"{folder / _CONFIG}: missing; it tells which kind of model this is: copy it there")
    config = json_object(folder / _CONFIG)
    family = _family(config, folder / _CONFIG)
    preprocessing, component_value = find_preprocessing(folder)
    positions = _number(config, "text_config", "max_position_embeddings") or family.positions
    return build_description(
        folder,
        NAME,
        {name: text_io(folder, text, name, family.text_outputs) for name, (text, _) in pairs.items()},
        {name: vision_io(folder, vision, name, family.image_outputs) for name, (_, vision) in pairs.items()},
        preprocessing,
        find_text_spec(folder, positions, fixed=family.fixed),
        languages=family.languages,
        read=(_CONFIG, component_value),
        dim=_dim(config, str(config["model_type"])),
    )


def _files(folder: Path, tower: str) -> dict[str, str]:
    """A tower's files by precision; those in ``onnx/`` come first."""
    for inside in _FOLDERS:
        names = {name: f"{inside}/{tower}{suffix}.onnx".lstrip("/") for name, suffix in SUFFIXES.items()}
        if found := {name: file for name, file in names.items() if (folder / file).is_file()}:
            return found
    return {}


def _family(config: Mapping[str, Any], path: Path) -> Family:
    kind = config.get("model_type")
    if kind == "photoseek":
        raise BundleNotFound(
            f"no bundle at {path.parent}: expected {Layout.MANIFEST} beside its files; copy the bundle again"
        )
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise BundleIncompatible(
            f"{path}: expected a model_type among {', '.join(FAMILIES)}, found {kind!r:.80}; how that kind is fed and "
            "read is not known here"
        )
    return FAMILIES[kind]


def _number(config: Mapping[str, Any], part: str, key: str) -> int | None:
    value = (config.get(part) or {}).get(key) if isinstance(config.get(part), Mapping | None) else None
    return value if type(value) is int and value > 0 else None


def _dim(config: Mapping[str, Any], kind: str) -> int | None:
    """What the configuration says of it; SigLIP has no projection, but a head as wide as the image tower."""
    if kind == "siglip":
        return _number(config, "text_config", "projection_size") or _number(config, "vision_config", "hidden_size")
    value = config.get("projection_dim")
    return value if type(value) is int and value > 0 else None
