"""The layout of rclip: ``textual.onnx`` and ``visual.onnx``, and OpenAI's merges in ``tokenizer/``.

Mirrors ``rclip/utils/tokenizer.py``, ``rclip/utils/preprocess.py`` and ``scripts/convert_model.py``
(https://github.com/yurijmikhalevich/rclip): 77 tokens padded with zeros, and CLIP's preprocessing with torchvision's
rounding. rclip has the merges next to the folder of the model; they are found inside the folder, too.
"""

from __future__ import annotations

from pathlib import Path

from photoseek.bundle.layouts.hf_image_processor import BICUBIC, CLIP_MEAN, CLIP_STD, PREPROCESSOR
from photoseek.bundle.layouts.model import ExternalModel, build_model, has_pair
from photoseek.bundle.layouts.onnx_io import text_io, vision_io
from photoseek.bundle.layouts.tokenizers import TextInputSpec, build_openai_clip
from photoseek.bundle.tokenization import Padding
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing

NAME = "rclip"
LAYOUT_HINT = "textual.onnx and visual.onnx (rclip)"

_TEXT, _VISION = "textual.onnx", "visual.onnx"
_MERGES = "bpe_simple_vocab_16e6.txt.gz"
_PLACES = (f"tokenizer/{_MERGES}", _MERGES, f"../tokenizer/{_MERGES}")
_TOKENS = 77


def describe(folder: Path) -> ExternalModel | None:
    """Return the model, or None if the folder has no file of this layout.

    Raises:
        BundleError: A file of this layout cannot be read.
    """
    if not has_pair(folder, _TEXT, _VISION, LAYOUT_HINT):
        return None
    merges = next((place for place in _PLACES if (folder / place).is_file()), None)
    if merges is None and (folder / PREPROCESSOR).is_file():
        return None  # of another exporter, with files of transformers
    if merges is None:
        raise BundleIncompatible(f"{folder / _PLACES[0]}: missing; copy the tokenizer of rclip or OpenAI's CLIP there")
    image = vision_io(folder, _VISION, "fp32")
    side, _ = image.fixed_size()
    return build_model(
        folder,
        NAME,
        {"fp32": text_io(folder, _TEXT, "fp32")},
        {"fp32": image},
        Preprocessing(side, side, side, BICUBIC, mean=CLIP_MEAN, std=CLIP_STD, exact_resize=True),
        TextInputSpec((merges,), build_openai_clip, _TOKENS, 0, Padding(_TOKENS), "clip_clean"),
    )
