"""The layout of optimum and transformers.js: ``onnx/text_model*.onnx`` and ``onnx/vision_model*.onnx``.

The configuration files are those of transformers: ``config.json``, ``preprocessor_config.json``, and a tokenizer. Which
output is the embedding depends on the model: CLIP's graphs end in ``text_embeds`` and ``image_embeds``; SigLIP has no
projection, and its embedding is ``pooler_output``. jina-clip-v1 has this layout, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photoseek.bundle.json_files import expect_file, json_object
from photoseek.bundle.layouts.hf_image_processor import find_preprocessing
from photoseek.bundle.layouts.hf_model import build_hf_model, config_number, family_of, graph_files
from photoseek.bundle.layouts.hf_tokenizer import find_text_spec
from photoseek.bundle.layouts.model import ExternalModel, common_precisions
from photoseek.bundle.manifest import Layout

NAME = "transformers"
LAYOUT_HINT = "onnx/text_model*.onnx and onnx/vision_model*.onnx (optimum, transformers.js)"


def describe(folder: Path) -> ExternalModel | None:
    """Return the model, or None if the folder has no file of this layout.

    Raises:
        BundleError: A file of this layout cannot be read.
    """
    texts, visions = graph_files(folder, "text_model"), graph_files(folder, "vision_model")
    if not texts and not visions:
        return None
    pairs = common_precisions(folder, texts, visions, LAYOUT_HINT)
    config = json_object(expect_file(folder / Layout.CONFIG, "it contains the model_type: copy it there"))
    family = family_of(config.get("model_type"), folder / Layout.CONFIG)
    preprocessing, processor_file = find_preprocessing(folder)
    max_length = config_number(config, "text_config", "max_position_embeddings") or family.max_length
    return build_hf_model(
        folder,
        NAME,
        pairs,
        family,
        preprocessing,
        find_text_spec(folder, max_length, fixed_length=family.fixed_length),
        config_files=(Layout.CONFIG, processor_file),
        dim=_dim(config),
    )


def _dim(config: Mapping[str, Any]) -> int | None:
    """Return the length of vectors; SigLIP has no projection, but a head as wide as the image tower."""
    if config["model_type"] == "siglip":
        return config_number(config, "text_config", "projection_size") or config_number(
            config, "vision_config", "hidden_size"
        )
    return config_number(config, "projection_dim")
