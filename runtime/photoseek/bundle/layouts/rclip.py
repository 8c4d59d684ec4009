"""The layout of rclip: ``textual.onnx`` beside ``visual.onnx``, and OpenAI's merges in ``tokenizer/``.

Mirrors ``rclip/utils/tokenizer.py``, ``rclip/utils/preprocess.py`` and ``scripts/convert_model.py``
(https://github.com/yurijmikhalevich/rclip): 77 tokens filled up with zeros, and CLIP's preprocessing with torchvision's
rounding. rclip keeps the merges beside the model's folder; both places are looked at. Of what ftfy repairs in a text
before it is read, quotation marks are made straight, and no more.
"""

from __future__ import annotations

from pathlib import Path

from photoseek.bundle.description import ExternalModel, TextInputSpec
from photoseek.bundle.layouts.build import build_description, common_precisions
from photoseek.bundle.layouts.hf_image_processor import BICUBIC, CLIP_MEAN, CLIP_STD
from photoseek.bundle.layouts.onnx_io import GraphIO, text_io, vision_io
from photoseek.bundle.layouts.tokenizers import build_openai_clip
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing

NAME = "rclip"
EXPECTED = "textual.onnx and visual.onnx (rclip)"

_TEXT, _VISION = "textual.onnx", "visual.onnx"
_MERGES = "bpe_simple_vocab_16e6.txt.gz"
_PLACES = (f"tokenizer/{_MERGES}", _MERGES, f"../tokenizer/{_MERGES}")
_TOKENS = 77


def describe(folder: Path) -> ExternalModel | None:
    """None where the folder has no file of this layout.

    Raises:
        BundleError: It has, but cannot be read.
    """
    texts, visions = ({"fp32": file} if (folder / file).is_file() else {} for file in (_TEXT, _VISION))
    if not texts and not visions:
        return None
    common_precisions(folder, texts, visions, EXPECTED)
    merges = next((place for place in _PLACES if (folder / place).is_file()), None)
    if merges is None:
        raise BundleIncompatible(
            f"{folder / _PLACES[0]}: missing; it is the tokenizer of rclip and OpenAI: copy it there"
        )
    image = vision_io(folder, _VISION, "fp32")
    return build_description(
        folder,
        NAME,
        {"fp32": text_io(folder, _TEXT, "fp32")},
        {"fp32": image},
        _preprocessing(folder, image),
        TextInputSpec((merges,), build_openai_clip, limit=_TOKENS, pad=0, length=_TOKENS, clean="clip_clean"),
    )


def _preprocessing(folder: Path, tower: GraphIO) -> Preprocessing:
    height, width = tower.size
    if height is None or height != width:
        raise BundleIncompatible(
            f"{folder / tower.graph.file}: expected square pictures of a fixed size, found {height} x {width}"
        )
    return Preprocessing(height, height, height, BICUBIC, mean=CLIP_MEAN, std=CLIP_STD, faithful=True)
