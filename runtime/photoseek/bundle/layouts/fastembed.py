"""The layout of fastembed: two folders, ``NAME-text`` and ``NAME-vision``, each with ``model.onnx``.

Such as ``Qdrant/clip-ViT-B-32-text`` and ``-vision``, copied next to each other or in fastembed's cache
(``models--Qdrant--clip-ViT-B-32-text``), which has the form of the hub's. Mirrors ``fastembed/text/clip_embedding.py``
and ``fastembed/image/onnx_embedding.py`` (https://github.com/qdrant/fastembed). optimum exports a
``CLIPTextModelWithProjection`` and a ``CLIPVisionModelWithProjection`` in the same form.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from photoseek.bundle.installed_models import CACHED, hub_snapshot, repository_folder
from photoseek.bundle.json_files import expect_file, json_object, optional_json
from photoseek.bundle.layouts.hf_image_processor import find_preprocessing
from photoseek.bundle.layouts.hf_model import build_hf_model, config_number, family_of, graph_files
from photoseek.bundle.layouts.hf_tokenizer import find_text_spec
from photoseek.bundle.layouts.model import ExternalModel, common_precisions
from photoseek.bundle.manifest import Layout
from photoseek.errors import BundleIncompatible

NAME = "fastembed"
LAYOUT_HINT = "two folders NAME-text and NAME-vision with model.onnx (fastembed)"

_TEXT, _VISION = "text", "vision"
_GRAPH = "model"
_KINDS = {_TEXT: "_text_model", _VISION: "_vision_model"}
"""Ends of the ``model_type`` of each half."""


@dataclass(frozen=True)
class _Pair:
    """Paths of the two halves relative to the folder that contains both, and the part of their names in common."""

    folder: Path
    text: str
    vision: str
    name: str


def describe(folder: Path) -> ExternalModel | None:
    """Return the model of a pair, given either half or the folder of one pair; None if it is neither.

    Raises:
        BundleError: A file of this layout cannot be read, or the other half is missing.
    """
    pair = _pair_of_half(folder) or _pair_inside(folder)
    return None if pair is None else _describe_pair(pair)


def _pair_of_half(folder: Path) -> _Pair | None:
    if not graph_files(folder, _GRAPH):
        return None
    kind = str(optional_json(folder / Layout.CONFIG).get("model_type"))
    side = next((side for side, end in _KINDS.items() if kind.endswith(end)), None)
    if side is None:
        return None
    repository = repository_folder(folder)
    other = _VISION if side == _TEXT else _TEXT
    start, dash, end = repository.name.rpartition("-")
    names = {side: repository.name, other: f"{start}{dash}{other}"}
    partner = hub_snapshot(repository.parent / names[other])
    if end != side or not graph_files(partner, _GRAPH):
        expected = names[other] if end == side else f"NAME-{_TEXT} and NAME-{_VISION} as names of the folders"
        raise BundleIncompatible(
            f"{folder}: found the {side} tower only ({kind}); expected {expected} in {repository.parent}: copy both "
            "folders there"
        )
    halves = {side: folder, other: partner}
    return _pair(repository.parent, halves[_TEXT], halves[_VISION], start)


def _pair_inside(folder: Path) -> _Pair | None:
    """Return the only pair of a folder."""
    pairs = []
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        start, dash, end = name.rpartition("-")
        if end == _TEXT and (folder / f"{start}{dash}{_VISION}").is_dir():
            text, vision = hub_snapshot(folder / name), hub_snapshot(folder / f"{start}{dash}{_VISION}")
            if graph_files(text, _GRAPH) and graph_files(vision, _GRAPH):
                pairs.append(_pair(folder, text, vision, start))
    if len(pairs) > 1:
        found = ", ".join(pair.text.partition(os.sep)[0] for pair in pairs)
        raise BundleIncompatible(f"{folder}: expected one model, found {found}; pass one of these folders")
    return pairs[0] if pairs else None


def _pair(folder: Path, text: Path, vision: Path, start: str) -> _Pair:
    inside = {path: path.relative_to(folder).as_posix() for path in (text, vision)}
    return _Pair(folder, inside[text], inside[vision], start.removeprefix(CACHED) or folder.name)


def _describe_pair(pair: _Pair) -> ExternalModel:
    text, vision = pair.folder / pair.text, pair.folder / pair.vision
    found = common_precisions(pair.folder, graph_files(text, _GRAPH), graph_files(vision, _GRAPH), LAYOUT_HINT)
    configs = {side: _config(half, side) for side, half in ((_TEXT, text), (_VISION, vision))}
    kind = str(configs[_TEXT]["model_type"]).removesuffix(_KINDS[_TEXT])
    family = family_of(kind, text / Layout.CONFIG)
    preprocessing, processor_file = find_preprocessing(vision)
    max_length = config_number(configs[_TEXT], "max_position_embeddings") or family.max_length
    spec = find_text_spec(text, max_length, fixed_length=family.fixed_length)
    return build_hf_model(
        pair.folder,
        NAME,
        {each: (f"{pair.text}/{ours}", f"{pair.vision}/{theirs}") for each, (ours, theirs) in found.items()},
        family,
        preprocessing,
        replace(spec, files=tuple(f"{pair.text}/{name}" for name in spec.files)),
        config_files=(
            f"{pair.text}/{Layout.CONFIG}",
            f"{pair.vision}/{Layout.CONFIG}",
            f"{pair.vision}/{processor_file}",
        ),
        dim=config_number(configs[_TEXT], "projection_dim"),
        name=pair.name,
    )


def _config(half: Path, side: str) -> Mapping[str, Any]:
    config = json_object(expect_file(half / Layout.CONFIG, "it contains the model_type: copy it there"))
    if not str(config.get("model_type")).endswith(_KINDS[side]):
        raise BundleIncompatible(
            f"{half / Layout.CONFIG}: expected a model_type that ends in {_KINDS[side]}, found "
            f"{config.get('model_type')!r:.80}; copy the folder again"
        )
    return config
