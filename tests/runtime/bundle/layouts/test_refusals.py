"""Unsupported and incomplete models raise an error that names the file and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from external_models import change, write_transformers
from photoseek import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleDamaged, BundleError, BundleIncompatible, BundleNotFound

_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_transformers(tmp_path / "model")


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("onnx/text_model.onnx", "found onnx/vision_model.onnx, but not a text tower"),
        ("onnx/vision_model.onnx", "found onnx/text_model.onnx, but not an image tower"),
        ("config.json", "config.json: missing; it contains the model_type"),
        ("preprocessor_config.json", "preprocessor_config.json: missing; it contains the preprocessing"),
        ("tokenizer.json", "expected a tokenizer: tokenizer.json, or vocab.json with merges.txt, or vocab.txt"),
    ],
)
def test_a_missing_file_is_named(folder: Path, missing: str, reason: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(BundleIncompatible, match=re.escape(reason)):
        Bundle.load(folder)


def test_towers_in_different_precisions_are_refused(folder: Path) -> None:
    (folder / "onnx/text_model.onnx").rename(folder / "onnx/text_model_q4.onnx")
    with pytest.raises(BundleIncompatible, match="but not both towers in one precision"):
        Bundle.load(folder)


@pytest.mark.parametrize(
    ("file", "values", "reason"),
    [
        ("config.json", {"model_type": "clipseg"}, "expected a model_type among clip, chinese_clip, siglip"),
        ("config.json", {"model_type": ["clip"]}, "expected a model_type among"),
        ("config.json", {"model_type": ...}, "found None"),
        ("preprocessor_config.json", {"crop_pct": 0.9}, "crop_pct: unknown setting, found 0.9"),
        ("preprocessor_config.json", {"do_pad": True}, "expected do_pad False, found True"),
        ("preprocessor_config.json", {"do_resize": False}, "expected do_resize true"),
        ("preprocessor_config.json", {"resample": 9}, "expected a filter from 0 to 5"),
        ("preprocessor_config.json", {"image_mean": [0.5]}, "unsupported preprocessing"),
        ("preprocessor_config.json", {"size": {"longest_edge": 8}}, "expected a size as shortest_edge"),
        ("preprocessor_config.json", {"size": {"shortest_edge": 8}}, "expected do_center_crop true with"),
        (
            "preprocessor_config.json",
            {"size": {"height": 9, "width": 9}},
            "expects 8 x 8 pixels, but its preprocessing",
        ),
        (
            "preprocessor_config.json",
            {"image_processor_type": "BlipImageProcessor"},
            "expected an image processor among",
        ),
        ("preprocessor_config.json", {"image_processor_type": 5}, "expected an image processor among"),
        ("tokenizer_config.json", {"padding_side": "middle"}, "expected padding_side left or right"),
        ("tokenizer_config.json", {"truncation_side": "left"}, "expected truncation_side right"),
        ("tokenizer_config.json", {"pad_token": ...}, "expected pad_token, found none"),
    ],
    ids=repr,
)
def test_an_unsupported_setting_is_refused(folder: Path, file: str, values: dict[str, Any], reason: str) -> None:
    (folder / "special_tokens_map.json").unlink(missing_ok=True)
    change(folder / file, **values)
    with pytest.raises(BundleIncompatible, match=re.escape(reason)):
        Bundle.load(folder)


@pytest.mark.parametrize(
    "file", ["onnx/text_model.onnx", "onnx/vision_model.onnx", "config.json", "preprocessor_config.json"]
)
@pytest.mark.parametrize(
    "content", [_POINTER, "<!DOCTYPE html><html>404</html>", "", "{"], ids=["lfs", "html", "empty", "cut"]
)
def test_a_damaged_file_is_named(folder: Path, file: str, content: str) -> None:
    (folder / file).write_text(content)
    with pytest.raises(BundleDamaged, match=re.escape(file)) as raised:
        Bundle.load(folder)
    if content == _POINTER:
        assert "Git LFS pointer: fetch the real file with git lfs pull" in str(raised.value)


@pytest.mark.parametrize("content", [_POINTER, '{"version": "9.0", "model": {"type": "Dreamt"}}'], ids=["lfs", "newer"])
def test_an_invalid_tokenizer_is_refused(folder: Path, content: str) -> None:
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(BundleDamaged, match=r"tokenizer\.json: not a tokenizer"):
        TextEncoder(Bundle.load(folder)).encode(["red"])


def test_a_padding_token_outside_the_vocabulary_is_refused(folder: Path) -> None:
    change(folder / "tokenizer_config.json", pad_token="<unknown>")
    with pytest.raises(BundleDamaged, match="expected the token '<unknown>'"):
        TextEncoder(Bundle.load(folder)).encode(["red"])


def test_the_error_for_a_sentencepiece_model_says_how_to_convert_it(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "spiece.model")
    with pytest.raises(BundleIncompatible, match=r"found spiece\.model, but no tokenizer\.json.*save_pretrained"):
        Bundle.load(folder)


def test_a_graph_with_both_towers_is_refused(folder: Path) -> None:
    (folder / "onnx/text_model.onnx").rename(folder / "onnx/model.onnx")
    (folder / "onnx/vision_model.onnx").unlink()
    with pytest.raises(BundleIncompatible, match=r"onnx/model\.onnx: both towers in one graph"):
        Bundle.load(folder)


def test_the_error_for_an_empty_folder_lists_the_layouts(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound, match=r"transformers\.js.*immich.*rclip.*Chinese-CLIP.*photoseek-export"):
        Bundle.load(tmp_path)


def test_a_native_bundle_without_its_manifest_is_refused(folder: Path) -> None:
    change(folder / "config.json", model_type="photoseek")
    with pytest.raises(BundleNotFound, match=r"expected photoseek\.json next to its files"):
        Bundle.load(folder)


def edit_graph(path: Path, edit: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.load(str(path))
    edit(model)
    onnx.save(model, str(path))


def _add_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("pixel_attention_mask", TensorProto.INT64, ["batch", 4]))


def _remove_projection(model: onnx.ModelProto) -> None:
    """Rename the output as in a text model without a projection."""
    for node in model.graph.node:
        node.output[:] = ["pooler_output" if name == "text_embeds" else name for name in node.output]
    model.graph.output[0].name = "pooler_output"


def _use_float_ids(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def _widen_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 99


def _fix_length(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5


def _reference_outside_file(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.external_data.add(key="location", value="../../secret")


def _reference_missing_file(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value="text_model.onnx_data")


@pytest.mark.parametrize(
    ("tower", "edit", "error", "reason"),
    [
        (
            "vision",
            _add_input,
            BundleIncompatible,
            "expected inputs among pixel_values, image, found pixel_values, p",
        ),
        ("text", _remove_projection, BundleIncompatible, "expected an output text_embeds, found pooler_output"),
        ("text", _use_float_ids, BundleIncompatible, "expected its input 'input_ids' as integers of 2 dimensions"),
        ("text", _widen_output, BundleIncompatible, "expected towers of one dimension, found 16, 99"),
        ("text", _reference_outside_file, BundleDamaged, "found weights outside its folder: '../../secret'"),
        (
            "text",
            _reference_missing_file,
            BundleIncompatible,
            "text_model.onnx_data: missing; onnx/text_model.onnx has weights",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_graph_that_is_not_a_tower_is_refused(
    folder: Path, tower: str, edit: Callable[[onnx.ModelProto], None], error: type[BundleError], reason: str
) -> None:
    edit_graph(folder / f"onnx/{tower}_model.onnx", edit)
    with pytest.raises(error, match=re.escape(reason)):
        Bundle.load(folder)


def test_texts_are_padded_and_truncated_to_the_fixed_length_of_a_graph(folder: Path) -> None:
    """The tiny tower ignores masked tokens, so that padding does not change a vector."""
    free = TextEncoder(Bundle.load(folder)).encode(["red", "a blue picture", "red red red"])
    edit_graph(folder / "onnx/text_model.onnx", _fix_length)
    bundle = Bundle.load(folder)
    assert bundle.tokenization().padding.length == 5
    assert bundle.description.fingerprint_parts["text_input"]["max_length"] == 5
    found = TextEncoder(bundle).encode(["red", "a blue picture", "red " * 40])
    assert abs(found - free).max() < 1e-6
