"""Variants of folders of CLIP, SigLIP and Chinese-CLIP models: files, precisions and settings."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16
from transformers.models.siglip2 import Siglip2Tokenizer

import clip_folders as folders
import clip_models as clip
from clip_folders import Reference
from photoseek import Bundle
from photoseek.bundle.layouts.hf_tokenizer import find_text_spec
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import BundleIncompatible
from photoseek_export.logs import only_errors

_CLOSE = 1e-4
_END = "<|endoftext|>"


@pytest.fixture
def copy(clip_folder: Path, tmp_path: Path) -> Path:
    """A copy of the two-file folder of a CLIP that a test may change."""
    return shutil.copytree(clip_folder, tmp_path / "copy")


@pytest.fixture
def expected(clip_reference: Reference) -> tuple[np.ndarray, np.ndarray]:
    """Its text and image vectors by transformers."""
    texts = clip.text_vectors(clip_reference.model, clip_reference.tokenizer, clip.TEXTS)
    return texts, clip.image_vectors(clip_reference.model, clip_reference.processor, clip.photos())


def found(folder: Path, precision: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    bundle = Bundle.load(folder)
    return TextEncoder(bundle, precision).encode(clip.TEXTS), ImageEncoder(bundle, precision).encode(clip.photos())


def assert_close(pairs: tuple[np.ndarray, np.ndarray], expected: tuple[np.ndarray, np.ndarray], within: float) -> None:
    for one, other in zip(pairs, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=within)


def test_a_vocabulary_and_merges_without_a_tokenizer_json(
    copy: Path, clip_reference: Reference, expected: tuple[np.ndarray, np.ndarray]
) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    clip.write_clip_vocabulary(clip_reference.tokenizer, copy)
    assert_close(found(copy), expected, _CLOSE)


def test_a_special_token_in_a_query_is_text(copy: Path) -> None:
    """CLIP looks for the first end token; the text after it would be ignored."""
    encoder = TextEncoder(Bundle.load(copy))
    typed, cut = encoder.encode([f"a dog {_END} on the beach", "a dog"])
    assert np.abs(typed - cut).max() > 0.01


def test_bert_with_only_its_vocabulary(chinese_folder: Path, chinese_reference: Reference, tmp_path: Path) -> None:
    folder = shutil.copytree(chinese_folder, tmp_path / "copy")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    clip.chinese_tokenizer(folder)
    expected = clip.text_vectors(chinese_reference.model, chinese_reference.tokenizer, clip.TEXTS)
    np.testing.assert_allclose(TextEncoder(Bundle.load(folder)).encode(clip.TEXTS), expected, atol=_CLOSE)


def test_the_settings_of_a_processor_of_transformers_5(copy: Path, expected: tuple[np.ndarray, np.ndarray]) -> None:
    """One file contains those of the tokenizer and the image processor."""
    settings = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").unlink()
    (copy / "processor_config.json").write_text(
        json.dumps({"processor_class": "CLIPProcessor", "image_processor": settings})
    )
    assert_close(found(copy), expected, _CLOSE)


def test_graphs_at_the_root_of_the_folder(copy: Path, expected: tuple[np.ndarray, np.ndarray]) -> None:
    """As optimum writes them."""
    for path in list((copy / "onnx").iterdir()):
        path.rename(copy / path.name)
    assert_close(found(copy), expected, _CLOSE)


def test_weights_in_an_external_file(copy: Path, expected: tuple[np.ndarray, np.ndarray]) -> None:
    for tower in ("text_model", "vision_model"):
        path = copy / f"onnx/{tower}.onnx"
        onnx.save(
            onnx.load(str(path)),
            str(path),
            save_as_external_data=True,
            location=f"{path.name}_data",
            size_threshold=1024,
        )
    before = Bundle.load(copy)
    fingerprint = before.fingerprint
    assert {"onnx/text_model.onnx_data", "onnx/vision_model.onnx_data"} <= before.manifest.files.keys()
    assert_close(found(copy), expected, _CLOSE)
    weights = copy / "onnx/vision_model.onnx_data"
    content = bytearray(weights.read_bytes())
    content[100] ^= 0x40
    weights.write_bytes(content)
    assert Bundle.load(copy).fingerprint != fingerprint


@pytest.mark.parametrize(("suffix", "precision"), [("_quantized", "q8"), ("_int8", "int8"), ("_uint8", "uint8")])
def test_eight_bits(copy: Path, expected: tuple[np.ndarray, np.ndarray], suffix: str, precision: str) -> None:
    """Close to fp32 for a model of random weights; images run one by one, so a batch changes nothing."""
    kind = QuantType.QUInt8 if precision == "uint8" else QuantType.QInt8
    for tower in ("text_model", "vision_model"):
        with only_errors():
            quantize_dynamic(
                copy / f"onnx/{tower}.onnx",
                copy / f"onnx/{tower}{suffix}.onnx",
                op_types_to_quantize=["MatMul"],
                weight_type=kind,
            )
    bundle = Bundle.load(copy)
    assert bundle.precisions == ("fp32", precision)
    texts, photos = found(copy, precision)
    for one, other in zip((texts, photos), expected, strict=True):
        assert np.einsum("ij,ij->i", one, other).min() > 0.95
    alone = np.concatenate([ImageEncoder(bundle, precision).encode([photo]) for photo in clip.photos()])
    np.testing.assert_array_equal(photos, alone)


def test_four_bits(copy: Path, expected: tuple[np.ndarray, np.ndarray]) -> None:
    """A custom operator of onnxruntime rounds only weights: batching changes nothing."""
    for tower in ("text_model", "vision_model"):
        quantizer = MatMulNBitsQuantizer(onnx.load(str(copy / f"onnx/{tower}.onnx")), block_size=32)
        with only_errors():
            quantizer.process()
        quantizer.model.save_model_to_file(str(copy / f"onnx/{tower}_q4.onnx"))
    bundle = Bundle.load(copy)
    assert bundle.precisions == ("fp32", "q4")
    assert not bundle.text_graph("q4").batch_size_one
    for one, other in zip(found(copy, "q4"), expected, strict=True):
        assert np.abs(one - other).max() > 1e-3, "nothing was rounded"
        assert np.einsum("ij,ij->i", one, other).min() > 0.8


def test_fp16_graphs_with_fp16_inputs(copy: Path, expected: tuple[np.ndarray, np.ndarray]) -> None:
    for tower in ("text_model", "vision_model"):
        model = onnx.load(str(copy / f"onnx/{tower}.onnx"))
        half = convert_float_to_float16(model, keep_io_types=False, disable_shape_infer=True)
        onnx.save(half, str(copy / f"onnx/{tower}_fp16.onnx"))
    assert Bundle.load(copy).precisions == ("fp32", "fp16")
    assert_close(found(copy, "fp16"), expected, 2e-2)


def test_the_text_tower_without_its_projection_is_refused(copy: Path, clip_reference: Reference) -> None:
    """Its pooler_output has a vector for each text, but not in the space of the images."""
    inputs = {"input_ids": folders.ids(clip_reference.model, 77)}
    path = copy / "onnx/text_model.onnx"
    outputs = ["last_hidden_state", "pooler_output"]
    folders.export(folders.States(clip_reference.model.text_model), path, inputs, outputs)
    with pytest.raises(BundleIncompatible, match="expected an output text_embeds, found last_hidden_state, pooler_out"):
        Bundle.load(copy)


def test_siglip_of_any_length_with_a_mask(siglip_folder: Path, siglip_reference: Reference, tmp_path: Path) -> None:
    """Texts are still padded to 64 tokens, none of which is masked, as in training."""
    folder, model = shutil.copytree(siglip_folder, tmp_path / "copy"), siglip_reference.model
    tokens = folders.ids(model, 8)
    inputs = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    axes = {**folders.BATCH, 1: "sequence"}
    path = folder / "onnx/text_model.onnx"
    folders.export(clip.Text(model), path, inputs, "pooler_output", dict.fromkeys(inputs, axes))
    expected = clip.text_vectors(model, siglip_reference.tokenizer, clip.TEXTS, padding="max_length")
    np.testing.assert_allclose(TextEncoder(Bundle.load(folder)).encode(clip.TEXTS), expected, atol=_CLOSE)


def test_siglip_padded_on_the_left(siglip_reference: Reference, tmp_path: Path) -> None:
    """As the tokenizer of SigLIP 2 does by default."""
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Siglip2Tokenizer(vocab={piece: row for row, piece in enumerate(pieces)}, merges=[], model_max_length=64)
    model = clip.siglip_model(len(tokenizer))
    folder = folders.write_siglip(replace(siglip_reference, tokenizer=tokenizer, model=model), tmp_path / "siglip2")
    expected = clip.text_vectors(model, tokenizer, clip.TEXTS, padding="max_length", return_attention_mask=False)
    np.testing.assert_allclose(TextEncoder(Bundle.load(folder)).encode(clip.TEXTS), expected, atol=_CLOSE)


@pytest.mark.parametrize("name", ["GemmaTokenizer", "Siglip2Tokenizer"])
def test_texts_of_siglip_2_are_read_in_lower_case(tmp_path: Path, name: str) -> None:
    """Google's ``tokenizer.json`` has no such step, and its class is that of Gemma."""
    pieces = [
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        "<mask>",
        "▁",
        *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    ]
    tokenizer = Siglip2Tokenizer(vocab={piece: row for row, piece in enumerate(pieces)}, merges=[], model_max_length=64)
    tokenizer.save_pretrained(tmp_path)
    replaced = {"normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}}
    for file, values in (("tokenizer.json", replaced), ("tokenizer_config.json", {"tokenizer_class": name})):
        known = json.loads((tmp_path / file).read_text("utf-8"))
        (tmp_path / file).write_text(json.dumps({**known, **values}), "utf-8")
    found = find_text_spec(tmp_path, 64, fixed_length=True).load(tmp_path).ids(clip.TEXTS)
    expected = tokenizer(clip.TEXTS, truncation=True, split_special_tokens=True)["input_ids"]
    assert [row.tolist() for row in found] == expected


@pytest.mark.parametrize("size", [(120, 83), (61, 200), (5, 3)])
def test_immich_squashes_photos_if_configured(
    immich_folder: Path, clip_reference: Reference, tmp_path: Path, size: tuple[int, int]
) -> None:
    folder = shutil.copytree(immich_folder, tmp_path / "copy")
    settings = json.loads((folder / "visual/preprocess_cfg.json").read_text())
    (folder / "visual/preprocess_cfg.json").write_text(json.dumps({**settings, "resize_mode": "squash"}))
    picture = clip.photos()[0].resize(size)
    squashed = picture.resize((clip.SIZE, clip.SIZE), 3)
    expected = clip.image_vectors(clip_reference.model, clip_reference.processor, [squashed])
    np.testing.assert_allclose(ImageEncoder(Bundle.load(folder)).encode([picture]), expected, atol=_CLOSE)


def test_immich_cleans_texts_if_configured(immich_folder: Path, clip_reference: Reference, tmp_path: Path) -> None:
    folder = shutil.copytree(immich_folder, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config["text_cfg"]["tokenizer_kwargs"] = {"clean": "canonicalize"}
    (folder / "config.json").write_text(json.dumps(config))
    typed, cleaned = "A  dog, on (the) BEACH!", "a dog on the beach"
    expected = clip.text_vectors(clip_reference.model, clip_reference.tokenizer, [cleaned])
    np.testing.assert_allclose(TextEncoder(Bundle.load(folder)).encode([typed]), expected, atol=_CLOSE)


@pytest.mark.parametrize(
    ("file", "values", "reason"),
    [
        ("visual/preprocess_cfg.json", {"resize_mode": "longest"}, "resize_mode shortest or squash"),
        ("visual/preprocess_cfg.json", {"mode": "L"}, "expected mode RGB"),
        ("visual/preprocess_cfg.json", {"interpolation": "random"}, "unsupported preprocessing: no 'random'"),
        ("visual/preprocess_cfg.json", {"size": [48, 64]}, "expected a size of equal sides"),
        ("visual/preprocess_cfg.json", {"gamma": 2}, "gamma: unknown setting, found 2"),
        ("config.json", {"text_cfg": None}, "expected text_cfg, found none"),
        ("config.json", {"text_cfg": {"context_length": "77"}}, "expected context_length as a number"),
        ("config.json", {"text_cfg": {"tokenizer_kwargs": {"clean": "scrub"}}}, "expected clean whitespace or canon"),
        ("textual/tokenizer_config.json", {"pad_token": None}, "expected pad_token, found none"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_unsupported_settings_of_immich_are_refused(
    immich_folder: Path, tmp_path: Path, file: str, values: dict[str, Any], reason: str
) -> None:
    folder = shutil.copytree(immich_folder, tmp_path / "copy")
    (folder / file).write_text(json.dumps({**json.loads((folder / file).read_text()), **values}))
    with pytest.raises(BundleIncompatible, match=reason):
        Bundle.load(folder)


@pytest.mark.parametrize(
    "missing", ["textual/model.onnx", "visual/model.onnx", "config.json", "visual/preprocess_cfg.json"]
)
def test_an_incomplete_folder_of_immich_is_refused(immich_folder: Path, tmp_path: Path, missing: str) -> None:
    folder = shutil.copytree(immich_folder, tmp_path / "copy")
    (folder / missing).unlink()
    with pytest.raises(BundleIncompatible):
        Bundle.load(folder)


def test_rclip_merges_may_be_next_to_the_folder(rclip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(rclip_folder, tmp_path / "models/ViT-B-32")
    fingerprint = Bundle.load(folder).fingerprint
    (folder / "tokenizer").rename(folder.parent / "tokenizer")
    moved = Bundle.load(folder)
    assert moved.fingerprint == fingerprint
    typed, plain = TextEncoder(moved).encode(["don&amp;#39;t  \u201cdog\u201d", 'don\'t "dog"'])
    np.testing.assert_array_equal(typed, plain)
    (folder.parent / "tokenizer/bpe_simple_vocab_16e6.txt.gz").unlink()
    with pytest.raises(BundleIncompatible, match=r"tokenizer/bpe_simple_vocab_16e6\.txt\.gz: missing"):
        Bundle.load(folder)


def test_chinese_clip_requires_its_vocabulary_and_a_single_model(cn_clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(cn_clip_folder, tmp_path / "copy")
    shutil.copyfile(folder / "vit-b-16.txt.fp32.onnx", folder / "rn50.txt.fp32.onnx")
    with pytest.raises(BundleIncompatible, match=r"found rn50\.txt\.fp32\.onnx, vit-b-16\.txt\.fp32\.onnx"):
        Bundle.load(folder)
    (folder / "rn50.txt.fp32.onnx").unlink()
    (folder / "vocab.txt").unlink()
    with pytest.raises(BundleIncompatible, match=r"vocab\.txt: missing; copy cn_clip/clip/vocab\.txt"):
        Bundle.load(folder)
