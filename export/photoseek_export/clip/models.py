"""Loading of CLIP, SigLIP and Chinese-CLIP models of transformers from a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from PIL import Image
from torch import Tensor

from photoseek.bundle.json_files import json_object
from photoseek.bundle.layouts.hf_image_processor import find_preprocessing
from photoseek.bundle.layouts.hf_model import FAMILIES
from photoseek.bundle.layouts.hf_tokenizer import find_text_spec
from photoseek.bundle.layouts.tokenizers import TextInputSpec
from photoseek.bundle.manifest import Layout
from photoseek.photos.preprocessing import Preprocessing
from photoseek_export.clip.sentencepiece import find_sentencepiece_spec
from photoseek_export.errors import ExportError
from photoseek_train.errors import describe_error
from photoseek_train.model.pretrained import silence_transformers


class _Transformers(NamedTuple):
    """Names of the classes in transformers, and which token state becomes the embedding of a text."""

    model: str
    processor: str
    pooling: str


_KINDS = {
    "clip": _Transformers("CLIPModel", "CLIPImageProcessor", "eos"),
    "siglip": _Transformers("SiglipModel", "SiglipImageProcessor", "last"),
    "chinese_clip": _Transformers("ChineseCLIPModel", "ChineseCLIPImageProcessor", "cls"),
}
_OPTIONAL_KEYS = ("position_ids",)  # not learned


@dataclass(frozen=True)
class Clip:
    """A model in evaluation mode, with its preprocessing.

    Attributes:
        path: Folder of the model.
        kind: Its ``model_type``.
        model: The model, with eager attention, in float32.
        text_input: Preprocessing of texts.
        preprocessing: Preprocessing of photos.
        processor: transformers' image processor, based on Pillow.
    """

    path: Path
    kind: str
    model: Any
    text_input: TextInputSpec
    preprocessing: Preprocessing
    processor: Any

    @property
    def pooling(self) -> str:
        """Which token state is pooled as the embedding of a text: ``eos``, ``last`` or ``cls``."""
        return _KINDS[self.kind].pooling

    @property
    def dim(self) -> int:
        """The length of an embedding."""
        pixels = torch.zeros(1, 3, self.preprocessing.height, self.preprocessing.width)
        with torch.inference_mode():
            return int(self.embed_image({"pixel_values": pixels}).shape[-1])

    def embed_text(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Embed ``input_ids`` and, except for SigLIP, ``attention_mask`` -> (batch, dim)."""
        return _embedding(self.model.get_text_features(**inputs))

    def embed_image(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Embed ``pixel_values`` (batch, 3, height, width) -> (batch, dim)."""
        return _embedding(self.model.get_image_features(**inputs))

    def pixels(self, picture: Image.Image) -> Tensor:
        """Return an RGB image as preprocessed by transformers, (1, 3, height, width)."""
        found: Tensor = self.processor(picture, return_tensors="pt")["pixel_values"]
        return found

    def tokens(self, tokenizer: Any, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return texts as tokenized by transformers, whose ``GemmaTokenizer`` omits the lower case of SigLIP 2."""
        if self.text_input.options.get("lowercase"):
            texts = [text.lower() for text in texts]
        fixed = FAMILIES[self.kind].fixed_length
        padding, max_length = "max_length" if fixed else True, self.text_input.max_length
        found = tokenizer(list(texts), padding=padding, truncation=True, max_length=max_length, return_tensors="pt")
        return {name: found[name] for name in (("input_ids",) if fixed else ("input_ids", "attention_mask"))}


def load_clip(folder: str | Path) -> Clip:
    """Load a model that ``save_pretrained`` wrote; needs no network.

    Raises:
        ExportError: The folder does not exist, the model type is not supported, or the weights do not match.
        BundleError: The tokenizer or the preprocessing is not supported.
    """
    path = Path(folder).expanduser().absolute()
    if not (path / Layout.CONFIG).is_file():
        raise ExportError(f"{path}: expected the folder of a model, with {Layout.CONFIG}; pass a local folder")
    kind = str(json_object(path / Layout.CONFIG).get("model_type"))
    if kind not in _KINDS:
        raise ExportError(
            f"{path / Layout.CONFIG}: expected a model_type among {', '.join(_KINDS)}, found {kind!r:.80}"
            + ("; SigLIP 2 models of this type take patches of variable-size images" if kind == "siglip2" else "")
        )
    model = _load_model(path, kind)
    preprocessing, _ = find_preprocessing(path)
    _check_image_size(path, model, preprocessing)
    family, max_length = FAMILIES[kind], int(model.config.text_config.max_position_embeddings)
    text_input = find_sentencepiece_spec(path, max_length) if family.fixed_length else None
    text_input = text_input or find_text_spec(path, max_length, fixed_length=family.fixed_length)
    return Clip(path, kind, model, text_input, preprocessing, _load_processor(path, kind))


def load_tokenizer(path: Path) -> Any:
    """Return transformers' tokenizer of a folder.

    Raises:
        ExportError: It cannot be loaded.
    """
    with _loading(path, "tokenizer"):
        return transformers.AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)


def _load_model(path: Path, kind: str) -> Any:
    with _loading(path, "model"):
        model, report = getattr(transformers, _KINDS[kind].model).from_pretrained(
            path,
            attn_implementation="eager",
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    missing = sorted(key for key in map(str, report["missing_keys"]) if not key.endswith(_OPTIONAL_KEYS))
    if missing:
        raise ExportError(
            f"{path}: the weights lack {len(missing)} tensors of the configuration, the first is "
            f"{missing[0]!r}; pass a model whose weights match its {Layout.CONFIG}"
        )
    return model.eval()


def _load_processor(path: Path, kind: str) -> Any:
    """Load the Pillow-based processor, which newer versions of transformers name ``...Pil``."""
    name = _KINDS[kind].processor
    found = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)
    with _loading(path, "image processor"):
        return found.from_pretrained(path, local_files_only=True, trust_remote_code=False)


def _check_image_size(path: Path, model: Any, preprocessing: Preprocessing) -> None:
    size = model.config.vision_config.image_size
    height, width = (size, size) if isinstance(size, int) else size
    if (preprocessing.height, preprocessing.width) != (height, width):
        raise ExportError(
            f"{path}: its image tower takes {height} x {width} pixels, but its preprocessing returns "
            f"{preprocessing.height} x {preprocessing.width}; check that both files are from the same model"
        )


def _embedding(features: Any) -> Tensor:
    """Return the embeddings, which transformers 5 wraps in an output object."""
    found: Tensor = features if isinstance(features, Tensor) else features.pooler_output
    return found


@contextmanager
def _loading(path: Path, part: str) -> Iterator[None]:
    """Silence transformers, and raise ``ExportError`` if a part of a model cannot be loaded."""
    with silence_transformers():
        try:
            yield
        except Exception as error:  # OSError, ValueError, SafetensorError, ...
            raise ExportError(f"{path}: its {part} cannot be loaded: {describe_error(error)}") from error
