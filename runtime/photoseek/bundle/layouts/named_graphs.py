"""The layout of exporters that write two graphs only, such as ``clip_textual.onnx`` and ``clip_visual.onnx``.

CLIP-ONNX (https://github.com/Lednik7/CLIP-ONNX, ``clip_onnx/clip_converter.py``) writes nothing but graphs, with one
``input`` and one ``output``. What else a model needs is read from files of transformers, which have to be copied.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from photoseek.bundle.json_files import optional_json
from photoseek.bundle.layouts.hf_image_processor import PREPROCESSOR, PROCESSOR, find_preprocessing
from photoseek.bundle.layouts.hf_model import build_hf_model, config_number, family_of
from photoseek.bundle.layouts.hf_tokenizer import BERT, TOKENIZER, VOCABULARY, find_text_spec
from photoseek.bundle.layouts.model import ExternalModel, has_pair
from photoseek.bundle.layouts.onnx_header import read_header
from photoseek.bundle.manifest import Layout
from photoseek.errors import BundleIncompatible

NAME = "named-graphs"
LAYOUT_HINT = "clip_textual.onnx and clip_visual.onnx (CLIP-ONNX), text_encoder.onnx and image_encoder.onnx"

_PAIRS = (
    ("clip_textual.onnx", "clip_visual.onnx"),
    ("text_encoder.onnx", "image_encoder.onnx"),
    ("text_encoder.onnx", "vision_encoder.onnx"),
    ("textual.onnx", "visual.onnx"),  # with the merges of OpenAI's tokenizer, the layout of rclip
)
_SETTINGS = {
    Layout.CONFIG: (Layout.CONFIG,),
    PREPROCESSOR: (PREPROCESSOR, PROCESSOR),
    TOKENIZER: (TOKENIZER, VOCABULARY, BERT),
}
"""Files of transformers, by the name to ask for: one of each is required."""

_NOT_PROJECTED = ("last_hidden_state", "pooler_output")


def describe(folder: Path) -> ExternalModel | None:
    """Return the model, or None if the folder has no file of this layout.

    Raises:
        BundleError: A file of this layout cannot be read, or files of the model are missing.
    """
    # A complete pair, else the first with one of its graphs.
    text, vision = max(_PAIRS, key=lambda pair: sum((folder / name).is_file() for name in pair))
    if not has_pair(folder, text, vision, LAYOUT_HINT):
        return None
    missing = [name for name, names in _SETTINGS.items() if not any((folder / each).is_file() for each in names)]
    if missing:
        raise BundleIncompatible(
            f"{folder}: found {text} and {vision}, which name neither the model nor its tokenizer and preprocessing; "
            f"expected {', '.join(missing)} next to them: copy these from the repository of the model in transformers, "
            "such as openai/clip-vit-base-patch32"
        )
    config = optional_json(folder / Layout.CONFIG)
    family = family_of(config.get("model_type"), folder / Layout.CONFIG)
    preprocessing, processor_file = find_preprocessing(folder)
    max_length = config_number(config, "text_config", "max_position_embeddings") or family.max_length
    spec = find_text_spec(folder, max_length, fixed_length=family.fixed_length)
    family = replace(
        family,
        text_outputs=_with_only_output(family.text_outputs, folder / text),
        image_outputs=_with_only_output(family.image_outputs, folder / vision),
    )
    return build_hf_model(
        folder,
        NAME,
        {"fp32": (text, vision)},
        family,
        preprocessing,
        spec,
        config_files=(Layout.CONFIG, processor_file),
        dim=config_number(config, "projection_dim"),
    )


def _with_only_output(names: tuple[str, ...], path: Path) -> tuple[str, ...]:
    """Return the names that an embedding may have, with that of the only output of a graph."""
    outputs = [name for name in read_header(path).outputs if name not in _NOT_PROJECTED]
    return (*names, *outputs) if len(outputs) == 1 else names
