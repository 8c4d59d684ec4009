"""Export of a CLIP, SigLIP or Chinese-CLIP model of transformers as a bundle."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.system.atomic_write import write_json_atomic
from photoseek.vectors import Vectors, normalize
from photoseek_export.bundle_folder import check_output_folder, describe_input, file_records, publish
from photoseek_export.clip.graphs import write_clip_graphs
from photoseek_export.clip.models import Clip, load_clip, load_tokenizer
from photoseek_export.errors import ExportError
from photoseek_export.model_card import model_card
from photoseek_export.parity import assert_close, round_significant
from photoseek_export.quality_gate import MAX_RECALL_DROP, EvaluationImages, measure_recall
from photoseek_train.model.towers import weights_sha256

PRECISIONS = ("fp32", "fp16")
"""Precisions of these exports; int8 would require an evaluation of each tower."""

_TEXTS = (
    "two dogs running on a beach",
    "A red Car, next to a tree!",
    "",
    "a photo of a cat asleep on a sofa in a room with a window " * 12,
    "一只在雪地里奔跑的狗",
    "café at night",
)
_PICTURES = ((640, 427), (333, 500), (97, 31), (301, 1))  # width and height; the last one is stretched to a square


def export_clip(
    source: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = ("fp32",),
    languages: Sequence[str] | None = None,
    license: str = "unknown",
    evaluation: EvaluationImages | None = None,
    overwrite: bool = False,
) -> Bundle:
    """Export a transformers model to ONNX, verify it, and write a bundle.

    Each graph is compared with transformers at other batch sizes and lengths than the traced ones; then the complete
    bundle is compared through the runtime, including tokenizer and preprocessing, on sample texts and images.

    Args:
        source: Folder with ``config.json``, weights, tokenizer and image processor of a CLIP, SigLIP or Chinese-CLIP.
        out: Folder of the bundle; created only after verification.
        name: Name of the bundle. None: the folder's name.
        precisions: Among ``fp32`` and ``fp16`` (weights stored in half precision).
        languages: ISO 639-1 codes of the model's languages. None: English, or Chinese for Chinese-CLIP.
        license: SPDX identifier of the license of the weights.
        evaluation: Images on which to evaluate each precision with the runtime, which also calibrates the confidence of
            hits. None: no evaluation.
        overwrite: Whether to replace an existing bundle.

    Returns:
        The bundle.

    Raises:
        ParityError: The output differs from that of transformers; nothing is written.
        BundleExists: The folder exists, and ``overwrite`` is false or it is not a bundle.
        ExportError: The model cannot be loaded, or is of another type.
        BundleError: The tokenizer or the preprocessing is not supported.
    """
    out = Path(out).expanduser().absolute()
    check_output_folder(out, overwrite)
    unknown = [precision for precision in precisions if precision not in PRECISIONS]
    if unknown or not precisions:
        raise ExportError(
            f"expected precisions among {', '.join(PRECISIONS)}, found {', '.join(unknown) or 'none'}: these are the "
            "precisions of --from-clip"
        )
    clip = load_clip(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        partial = Path(work, "new")
        parities = write_clip_graphs(clip, partial, precisions)
        _write_companions(clip, partial)
        manifest = Manifest(
            name=name or out.name,
            dim=_dim(clip),
            pooling=clip.pooling,
            languages=list(languages or clip.family.languages),
            preprocessing=clip.preprocessing.id,
            weights=weights_sha256(clip.model),
            files=file_records(partial),
            precisions={precision: {"parity": _rounded(found)} for precision, found in parities.items()},
            training={"source": {"model": clip.path.name, "kind": clip.kind}},
            license=license,
            padding=clip.text_input.padding,
        )
        _write_manifest(manifest, clip, partial, evaluation)
        publish(partial, out)
    return Bundle.load(out)


def _write_manifest(manifest: Manifest, clip: Clip, folder: Path, evaluation: EvaluationImages | None) -> None:
    """Compare the bundle with transformers, evaluate it with the runtime, then write the card and the manifest."""
    manifest.write(folder)
    bundle = Bundle.load(folder)
    for precision, facts in manifest.precisions.items():
        facts["parity"] |= _rounded(_check_outputs(clip, bundle, precision))
    if evaluation is not None:
        measure_recall(manifest, bundle, evaluation, MAX_RECALL_DROP)
    text = f"{clip.kind} of {clip.path.name}, {clip.text_input.max_length} tokens, pooling: {clip.pooling}"
    card = model_card(manifest, text, f"{clip.kind} of {clip.path.name}", describe_input(clip.preprocessing))
    (folder / Layout.CARD).write_text(card, "utf-8")
    replace(manifest, files=file_records(folder)).write(folder)


def _check_outputs(clip: Clip, bundle: Bundle, precision: str) -> dict[str, float]:
    """Return the differences of text and image vectors from those of transformers' tokenizer, processor and model.

    Raises:
        ParityError: A difference is too large.
    """
    tokenizer = load_tokenizer(clip.path)
    pictures = [_picture(*size) for size in _PICTURES]
    with torch.inference_mode():
        texts = torch.cat([clip.embed_text(clip.tokens(tokenizer, [text])) for text in _TEXTS])
        images = torch.cat([clip.embed_image({"pixel_values": clip.pixels(picture)}) for picture in pictures])
    found = {
        "texts": _max_abs_diff(TextEncoder(bundle, precision).encode(_TEXTS), normalize(texts.numpy())),
        "photos": _max_abs_diff(ImageEncoder(bundle, precision).encode(pictures), normalize(images.numpy())),
    }
    for what, difference in found.items():
        assert_close(difference, f"{what} through the bundle", precision)
    return found


def _max_abs_diff(found: Vectors, expected: Vectors) -> float:
    return float(np.abs(found - expected).max())


def _picture(width: int, height: int) -> Image.Image:
    """Return a smoothed image of random color blocks, with edges and areas like a photo."""
    blocks = np.random.default_rng(width).integers(0, 256, size=(height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    return Image.fromarray(blocks).resize((width, height if height > 1 else width), Image.Resampling.BICUBIC)


def _write_companions(clip: Clip, folder: Path) -> None:
    """Write configuration, preprocessing and tokenizer under the file names that other loaders expect."""
    shutil.copyfile(clip.path / Layout.CONFIG, folder / Layout.CONFIG)
    write_json_atomic(folder / Layout.PREPROCESSOR, clip.preprocessing.to_json())
    spec = clip.text_input
    tokenizer = spec.build(clip.path, spec.files, **spec.options)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / Layout.TOKENIZER))
    settings = {"model_max_length": spec.max_length, "pad_token": spec.pad_token, "padding_side": spec.padding.side}
    write_json_atomic(folder / Layout.TOKENIZER_CONFIG, {**settings, "tokenizer_class": "PreTrainedTokenizerFast"})
    write_json_atomic(folder / Layout.SPECIAL_TOKENS, {"pad_token": spec.pad_token})


def _dim(clip: Clip) -> int:
    pixels = torch.zeros(1, 3, clip.preprocessing.height, clip.preprocessing.width)
    with torch.inference_mode():
        return int(clip.embed_image({"pixel_values": pixels}).shape[-1])


def _rounded(found: Mapping[str, float]) -> dict[str, Any]:
    return {name: round_significant(value) for name, value in found.items()}
