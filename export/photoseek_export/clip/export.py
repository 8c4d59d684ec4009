"""Export of a CLIP, SigLIP or Chinese-CLIP model of transformers as a bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.layouts.hf_model import FAMILIES
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.system.atomic_write import write_json_atomic
from photoseek.vectors import normalize
from photoseek_export.bundle_writer import ExportOptions, write_bundle
from photoseek_export.clip.models import Clip, load_clip, load_tokenizer
from photoseek_export.model_card import model_card
from photoseek_export.onnx_export import write_text_graph, write_vision_graph
from photoseek_export.parity import assert_close, random_images, random_texts
from photoseek_export.quality_gate import MAX_RECALL_DROP, MIN_COSINE, EvaluationImages
from photoseek_export.quantize import quantize_dynamic_int8
from photoseek_export.steps import StepCallback, no_step
from photoseek_export.towers import Tower
from photoseek_train.model.towers import weights_sha256

_TEXTS = (
    "two dogs running on a beach",
    "A red Car, next to a tree!",
    "",
    "a photo of a cat asleep on a sofa in a room with a window " * 12,
    "一只在雪地里奔跑的狗",
    "café at night",
)
_IMAGE_SIZES = ((640, 427), (333, 500), (97, 31), (301, 1))  # width and height; the last one is stretched to a square


def export_clip(
    source: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = ("fp32",),
    languages: Sequence[str] | None = None,
    license: str = "unknown",
    evaluation: EvaluationImages | None = None,
    max_loss: float = MAX_RECALL_DROP,
    min_cosine: float = MIN_COSINE,
    overwrite: bool = False,
    on_step: StepCallback = no_step,
) -> Bundle:
    """Export a transformers model to ONNX, verify it, and write a bundle; on errors, write nothing.

    Each graph is compared with transformers at other batch sizes and lengths than the traced ones; then the complete
    bundle is compared through the runtime, including tokenizer and preprocessing, on sample texts and images.

    Args:
        source: Folder with ``config.json``, weights, tokenizer and image processor of a CLIP, SigLIP or Chinese-CLIP.
        out: Folder of the bundle.
        name: Name of the bundle. None: the folder's name.
        precisions: Among ``fp32``, ``fp16`` (weights stored in half precision) and ``int8`` (quantized), which
            requires another precision.
        languages: ISO 639-1 codes of the model's languages. None: English, or Chinese for Chinese-CLIP.
        license: SPDX identifier of the license of the weights.
        evaluation: Images on which to evaluate each precision with the runtime, which also calibrates the confidence of
            hits. None: no evaluation; the vectors of int8 are compared on sample texts and photos.
        max_loss: With ``evaluation``: maximum loss of mean recall of int8, in percentage points, against the most
            exact precision.
        min_cosine: Without ``evaluation``: minimum mean cosine of int8 vectors, see ``measure_similarity``.
        overwrite: Whether to replace an existing bundle.
        on_step: Called with the name of each step.

    Raises:
        ParityError: The output differs from that of transformers.
        RecallDropTooHigh: int8 loses more than ``max_loss``.
        SimilarityTooLow: The mean cosine of int8 is below ``min_cosine``.
        BundleExists: The folder exists, and ``overwrite`` is false or it is not a bundle.
        ExportError: The model cannot be loaded or is of another type, or int8 does not support its image tower.
        BundleError: The tokenizer or the preprocessing is not supported.
    """
    out = Path(out).expanduser().absolute()
    options = ExportOptions(
        out, name, precisions, license, evaluation, overwrite, max_loss, min_cosine, on_step=on_step
    )
    options.check(Layout.PRECISIONS)
    on_step(f"load {source}")
    clip = load_clip(source)
    return write_bundle(_ClipSource(clip, list(languages or FAMILIES[clip.kind].languages)), options)


@dataclass(frozen=True)
class _ClipSource:
    """A model, and the languages it encodes."""

    clip: Clip
    languages: list[str]

    def write(self, folder: Path, precisions: Sequence[str], on_step: StepCallback, /) -> Manifest:
        clip = self.clip
        text, vision = (tower.export(folder, precisions, on_step) for tower in _towers(clip))
        _write_configuration(clip, folder)
        facts: dict[str, dict[str, Any]] = {
            each: {"parity": {"text": text[each], "vision": vision[each]}} for each in precisions
        }
        if "int8" in facts:
            facts["int8"]["photo_activations"] = "dynamic"
        return Manifest(
            name="",
            dim=clip.dim,
            pooling=clip.pooling,
            languages=self.languages,
            preprocessing=clip.preprocessing.id,
            weights=weights_sha256(clip.model),
            files={},
            precisions=facts,
            training={"source": {"model": clip.path.name, "kind": clip.kind}},
            padding=clip.text_input.padding,
        )

    def check_outputs(self, bundle: Bundle, precision: str, /) -> Mapping[str, float]:
        """Compare with transformers' tokenizer, processor and model on sample texts and images."""
        clip, tokenizer = self.clip, load_tokenizer(self.clip.path)
        images = [_image(*size) for size in _IMAGE_SIZES]
        with torch.inference_mode():
            expected = {
                "texts": torch.cat([clip.embed_text(clip.tokens(tokenizer, [text])) for text in _TEXTS]),
                "photos": torch.cat([clip.embed_image({"pixel_values": clip.pixels(image)}) for image in images]),
            }
        texts, photos = TextEncoder(bundle, precision).encode(_TEXTS), ImageEncoder(bundle, precision).encode(images)
        differences: dict[str, float] = {}
        for what, found in (("texts", texts), ("photos", photos)):
            difference = float(np.abs(found - normalize(expected[what].numpy())).max())
            differences[what] = assert_close(difference, f"{what} through the bundle", precision)
        return differences

    def card(self, manifest: Manifest) -> str:
        image = f"{self.clip.kind} of {self.clip.path.name}"
        text = f"{image}, {self.clip.text_input.max_length} tokens, pooling: {self.clip.pooling}"
        return model_card(manifest, text, image, self.clip.preprocessing)


def _towers(clip: Clip) -> tuple[Tower, Tower]:
    """Return the text tower and the image tower; SigLIP's texts have a fixed length, the others have a mask."""
    spec, size = clip.text_input, (clip.preprocessing.height, clip.preprocessing.width)
    fixed, length = spec.padding.length is not None, spec.padding.length or spec.max_length
    write_text = partial(write_text_graph, clip.model, clip.embed_text, length, fixed=fixed)
    write_vision = partial(write_vision_graph, clip.model, clip.embed_image, size)
    return (
        Tower(Layout.text_model, clip.embed_text, partial(_random_texts, clip), write_text, quantize_dynamic_int8),
        Tower(Layout.vision_model, clip.embed_image, partial(random_images, size), write_vision, quantize_dynamic_int8),
    )


def _random_texts(clip: Clip) -> Iterator[Mapping[str, Tensor]]:
    """Yield tokens of other shapes than the traced one; CLIP looks up the end-of-text token."""
    settings = clip.model.config.text_config
    vocabulary = int(settings.vocab_size)
    if clip.text_input.padding.length is None:
        end = settings.eos_token_id if clip.kind == "clip" else None
        if end == 2:  # legacy configurations: transformers looks up the highest token id instead
            end = vocabulary - 1
        yield from random_texts(vocabulary, clip.text_input.max_length, end)
        return
    random = torch.Generator().manual_seed(0)
    for batch in (1, 5):
        yield {"input_ids": torch.randint(0, vocabulary, (batch, clip.text_input.padding.length), generator=random)}


def _image(width: int, height: int) -> Image.Image:
    """Return a smoothed image of random color blocks, with edges and areas like a photo."""
    blocks = np.random.default_rng(width).integers(0, 256, size=(height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    return Image.fromarray(blocks).resize((width, height if height > 1 else width), Image.Resampling.BICUBIC)


def _write_configuration(clip: Clip, folder: Path) -> None:
    """Write configuration, preprocessing and tokenizer under the file names that other loaders expect."""
    shutil.copyfile(clip.path / Layout.CONFIG, folder / Layout.CONFIG)
    write_json_atomic(folder / Layout.PREPROCESSOR, clip.preprocessing.to_json())
    spec = clip.text_input
    tokenizer = spec.build(clip.path, spec.files, **spec.options)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    (folder / Layout.TOKENIZER).write_text(_compact_json(tokenizer), "utf-8")
    settings = {"model_max_length": spec.max_length, "pad_token": spec.pad_token, "padding_side": spec.padding.side}
    write_json_atomic(folder / Layout.TOKENIZER_CONFIG, {**settings, "tokenizer_class": "PreTrainedTokenizerFast"})
    write_json_atomic(folder / Layout.SPECIAL_TOKENS, {"pad_token": spec.pad_token})


def _compact_json(tokenizer: Tokenizer) -> str:
    """Return ``tokenizer.json`` in the form that loads fastest: in one line, each merge as a string of two tokens."""
    content = json.loads(tokenizer.to_str())
    merges = content["model"].get("merges", [])
    if not any(" " in token for pair in merges for token in pair):
        content["model"]["merges"] = [" ".join(pair) for pair in merges]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
