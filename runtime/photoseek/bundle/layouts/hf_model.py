"""The models of transformers that are supported, from ``config.json`` and a pair of graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from photoseek.bundle.layouts.model import ExternalModel, build_model
from photoseek.bundle.layouts.onnx_io import GraphIO, text_io, vision_io
from photoseek.bundle.layouts.tokenizers import TextInputSpec
from photoseek.bundle.manifest import Layout
from photoseek.errors import BundleIncompatible, BundleNotFound
from photoseek.photos.preprocessing import Preprocessing

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
        causal: Whether padding behind a text cannot change its embedding. If it can, and the graph takes no attention
            mask, texts run one by one.
        languages: ISO 639-1 codes of the supported languages.
    """

    text_outputs: tuple[str, ...] = ("text_embeds",)
    image_outputs: tuple[str, ...] = ("image_embeds",)
    max_length: int = 77
    fixed_length: bool = False
    causal: bool = True
    languages: tuple[str, ...] = ("en",)


_POOLED = ("pooler_output",)
FAMILIES: Mapping[str, Family] = {
    "clip": Family(),
    "chinese_clip": Family(max_length=512, causal=False, languages=("zh",)),
    "siglip": Family(("text_embeds", *_POOLED), ("image_embeds", *_POOLED), max_length=64, fixed_length=True),
    "jina_clip": Family(
        ("text_embeds", "text_embeddings"), ("image_embeds", "image_embeddings"), max_length=8_192, causal=False
    ),
}
"""Supported families by ``model_type``."""


def graph_files(folder: Path, name: str) -> dict[str, str]:
    """Return the files of a graph by precision, such as ``onnx/NAME_fp16.onnx``; those in ``onnx/`` take precedence."""
    for inside in _FOLDERS:
        names = {precision: f"{inside}/{name}{suffix}.onnx".lstrip("/") for precision, suffix in SUFFIXES.items()}
        if found := {precision: file for precision, file in names.items() if (folder / file).is_file()}:
            return found
    return {}


def family_of(kind: Any, path: Path) -> Family:
    """Return the family of a ``model_type``.

    Args:
        kind: The value of ``model_type``.
        path: The file that has it, for errors.

    Raises:
        BundleNotFound: It is that of a native bundle, whose manifest is missing.
        BundleIncompatible: It is not supported.
    """
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


def build_hf_model(
    folder: Path,
    layout: str,
    pairs: Mapping[str, tuple[str, str]],
    family: Family,
    preprocessing: Preprocessing,
    text_input: TextInputSpec,
    *,
    config_files: Sequence[str] = (),
    dim: int | None = None,
    name: str = "",
) -> ExternalModel:
    """Return a model from its pairs of graphs, text and image, by precision; see ``build_model``.

    Raises:
        BundleDamaged: A file is not an ONNX graph.
        BundleIncompatible: A graph is not a tower of this family, or the parts do not agree.
    """
    texts = {each: text_io(folder, text, each, family.text_outputs) for each, (text, _) in pairs.items()}
    return build_model(
        folder,
        layout,
        texts if family.causal else {each: _one_by_one(tower) for each, tower in texts.items()},
        {each: vision_io(folder, vision, each, family.image_outputs) for each, (_, vision) in pairs.items()},
        preprocessing,
        text_input,
        languages=family.languages,
        config_files=config_files,
        dim=dim,
        name=name,
    )


def _one_by_one(tower: GraphIO) -> GraphIO:
    """Return a text tower that runs texts one by one if it takes no attention mask."""
    if "attention_mask" in tower.header.inputs:
        return tower
    return replace(tower, graph=replace(tower.graph, batch_size_one=True))


def config_number(config: Mapping[str, Any], *keys: str) -> int | None:
    """Return a positive integer of nested objects; None if there is none."""
    value: Any = config
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if type(value) is int and value > 0 else None
