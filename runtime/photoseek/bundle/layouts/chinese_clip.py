"""The layout of Chinese-CLIP's own ONNX exporter: ``NAME.txt.fp32.onnx`` beside ``NAME.img.fp32.onnx``.

Mirrors ``cn_clip/deploy/pytorch_to_onnx.py`` and ``cn_clip/clip/utils.py`` (https://github.com/OFA-Sys/Chinese-CLIP):
texts one by one, 52 tokens filled up with zeros; photos squeezed to a square with Pillow's bicubic filter. Weights too
large for the file lie beside it, in ``*.extra_file``. The exporter writes no vocabulary: ``vocab.txt`` of the package
(``cn_clip/clip/vocab.txt``) has to be copied to it.
"""

from __future__ import annotations

from pathlib import Path

from photoseek.bundle.description import ExternalModel, TextInputSpec, expect_file
from photoseek.bundle.layouts.build import build_description, common_precisions
from photoseek.bundle.layouts.hf_image_processor import BICUBIC, CLIP_MEAN, CLIP_STD
from photoseek.bundle.layouts.onnx_io import GraphIO, text_io, vision_io
from photoseek.bundle.layouts.tokenizers import build_bert
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing

NAME = "chinese-clip"
EXPECTED = "NAME.txt.fp32.onnx and NAME.img.fp32.onnx (Chinese-CLIP)"

_PRECISIONS = ("fp32", "fp16")
_TOKENS = 52
_VOCABULARY = "vocab.txt"
_LONGEST_WORD = 200  # characters; its tokenizer takes a longer one for unknown


def describe(folder: Path) -> ExternalModel | None:
    """None where the folder has no file of this layout.

    Raises:
        BundleError: It has, but cannot be read.
    """
    texts, visions = _files(folder, "txt"), _files(folder, "img")
    if not texts and not visions:
        return None
    pairs = common_precisions(folder, texts, visions, EXPECTED)
    vocabulary = "it is cn_clip/clip/vocab.txt of the Chinese-CLIP package: copy it there"
    expect_file(folder / _VOCABULARY, vocabulary)
    images = {name: vision_io(folder, vision, name) for name, (_, vision) in pairs.items()}
    return build_description(
        folder,
        NAME,
        {name: text_io(folder, text, name) for name, (text, _) in pairs.items()},
        images,
        _preprocessing(folder, next(iter(images.values()))),
        TextInputSpec((_VOCABULARY,), build_bert, limit=_TOKENS, pad=0, options={"longest_word": _LONGEST_WORD}),
        languages=("zh",),
    )


def _files(folder: Path, tower: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for precision in _PRECISIONS:
        names = sorted(path.name for path in folder.glob(f"*.{tower}.{precision}.onnx"))
        if len(names) > 1:
            raise BundleIncompatible(
                f"{folder}: expected one model, found {', '.join(names)}; give each its own folder"
            )
        found |= dict.fromkeys([precision], names[0]) if names else {}
    return found


def _preprocessing(folder: Path, tower: GraphIO) -> Preprocessing:
    height, width = tower.size
    if height is None or width is None:
        raise BundleIncompatible(
            f"{folder / tower.graph.file}: expected pictures of a fixed size, found none; export it anew"
        )
    return Preprocessing(height, width, None, BICUBIC, mean=CLIP_MEAN, std=CLIP_STD, faithful=True)
