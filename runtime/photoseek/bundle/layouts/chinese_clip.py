"""The layout of Chinese-CLIP's own ONNX exporter: ``NAME.txt.fp32.onnx`` and ``NAME.img.fp32.onnx``.

Mirrors ``cn_clip/deploy/pytorch_to_onnx.py`` and ``cn_clip/clip/utils.py`` (https://github.com/OFA-Sys/Chinese-CLIP):
52 tokens padded with zeros; photos resized to a square with Pillow's bicubic filter. Weights too large for the file are
in ``*.extra_file``. The exporter writes no vocabulary: copy ``vocab.txt`` of the package (``cn_clip/clip/vocab.txt``).
"""

from __future__ import annotations

from pathlib import Path

from photoseek.bundle.json_files import expect_file
from photoseek.bundle.layouts.hf_image_processor import BICUBIC, CLIP_MEAN, CLIP_STD
from photoseek.bundle.layouts.model import ExternalModel, build_model, common_precisions
from photoseek.bundle.layouts.onnx_io import text_io, vision_io
from photoseek.bundle.layouts.tokenizers import TextInputSpec, build_bert
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing

NAME = "chinese-clip"
LAYOUT_HINT = "NAME.txt.fp32.onnx and NAME.img.fp32.onnx (Chinese-CLIP)"

_PRECISIONS = ("fp32", "fp16")
_TOKENS = 52
_VOCABULARY = "vocab.txt"
_LONGEST_WORD = 200  # characters; longer words are unknown


def describe(folder: Path) -> ExternalModel | None:
    """Return the model, or None if the folder has no file of this layout.

    Raises:
        BundleError: A file of this layout cannot be read.
    """
    texts, visions = _files(folder, "txt"), _files(folder, "img")
    if not texts and not visions:
        return None
    pairs = common_precisions(folder, texts, visions, LAYOUT_HINT)
    expect_file(folder / _VOCABULARY, "copy cn_clip/clip/vocab.txt of the Chinese-CLIP package there")
    images = {name: vision_io(folder, vision, name) for name, (_, vision) in pairs.items()}
    height, width = next(iter(images.values())).fixed_size()
    return build_model(
        folder,
        NAME,
        {name: text_io(folder, text, name) for name, (text, _) in pairs.items()},
        images,
        Preprocessing(height, width, None, BICUBIC, mean=CLIP_MEAN, std=CLIP_STD, exact_resize=True),
        TextInputSpec((_VOCABULARY,), build_bert, _TOKENS, 0, options={"longest_word": _LONGEST_WORD}),
        languages=("zh",),
    )


def _files(folder: Path, tower: str) -> dict[str, str]:
    """Return a tower's files by precision."""
    found: dict[str, str] = {}
    for precision in _PRECISIONS:
        names = sorted(path.name for path in folder.glob(f"*.{tower}.{precision}.onnx"))
        if len(names) > 1:
            raise BundleIncompatible(
                f"{folder}: expected one model, found {', '.join(names)}; move each to its own folder"
            )
        if names:
            found[precision] = names[0]
    return found
