"""What cannot be followed is refused with a sentence, and never passed over."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from foreign_tiny import change, write_foreign
from photoseek import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleDamaged, BundleError, BundleIncompatible, BundleNotFound

_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_foreign(tmp_path / "model")


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ("onnx/text_model.onnx", "found onnx/vision_model.onnx, but not a text tower"),
        ("onnx/vision_model.onnx", "found onnx/text_model.onnx, but not an image tower"),
        ("config.json", "config.json: missing; it tells which kind of model"),
        ("preprocessor_config.json", "preprocessor_config.json: missing; it tells how photos are prepared"),
        ("tokenizer.json", "expected a tokenizer: tokenizer.json, or vocab.json with merges.txt, or vocab.txt"),
    ],
)
def test_a_folder_that_is_not_whole(folder: Path, gone: str, reason: str) -> None:
    (folder / gone).unlink()
    with pytest.raises(BundleIncompatible, match=re.escape(reason)):
        Bundle.load(folder)


def test_two_towers_of_different_precisions(folder: Path) -> None:
    (folder / "onnx/text_model.onnx").rename(folder / "onnx/text_model_q4.onnx")
    with pytest.raises(BundleIncompatible, match="but not both towers in one precision"):
        Bundle.load(folder)


@pytest.mark.parametrize(
    ("file", "values", "reason"),
    [
        ("config.json", {"model_type": "clipseg"}, "expected a model_type among clip, chinese_clip, siglip"),
        ("config.json", {"model_type": ["clip"]}, "expected a model_type among"),
        ("config.json", {"model_type": ...}, "found None"),
        ("preprocessor_config.json", {"crop_pct": 0.9}, "crop_pct: not known here, found 0.9"),
        ("preprocessor_config.json", {"do_pad": True}, "expected do_pad False, found True"),
        ("preprocessor_config.json", {"do_resize": False}, "expected do_resize true"),
        ("preprocessor_config.json", {"resample": 9}, "expected a filter from 0 to 5"),
        ("preprocessor_config.json", {"image_mean": [0.5]}, "cannot be followed"),
        ("preprocessor_config.json", {"size": {"longest_edge": 8}}, "expected a size as shortest_edge"),
        ("preprocessor_config.json", {"size": {"shortest_edge": 8}}, "expected do_center_crop true beside"),
        ("preprocessor_config.json", {"size": {"height": 9, "width": 9}}, "takes 8 x 8 pixels, but its preprocessing"),
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
def test_a_value_that_is_not_known(folder: Path, file: str, values: dict[str, Any], reason: str) -> None:
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
def test_what_lies_in_place_of_a_file(folder: Path, file: str, content: str) -> None:
    (folder / file).write_text(content)
    with pytest.raises(BundleDamaged, match=re.escape(file)) as raised:
        Bundle.load(folder)
    if content == _POINTER:
        assert "Git LFS pointer: fetch the real file with git lfs pull" in str(raised.value)


@pytest.mark.parametrize("content", [_POINTER, '{"version": "9.0", "model": {"type": "Dreamt"}}'], ids=["lfs", "newer"])
def test_a_tokenizer_that_cannot_be_read(folder: Path, content: str) -> None:
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(BundleDamaged, match=r"tokenizer\.json: not a tokenizer"):
        TextEncoder(Bundle.load(folder)).encode(["red"])


def test_a_padding_token_that_the_tokenizer_lacks(folder: Path) -> None:
    change(folder / "tokenizer_config.json", pad_token="<nobody>")
    with pytest.raises(BundleDamaged, match="expected the token '<nobody>'"):
        TextEncoder(Bundle.load(folder)).encode(["red"])


def test_a_sentencepiece_model_is_told_how_it_is_converted(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "spiece.model")
    with pytest.raises(BundleIncompatible, match=r"found spiece\.model, but no tokenizer\.json.*save_pretrained"):
        Bundle.load(folder)


def test_a_graph_with_both_towers(folder: Path) -> None:
    (folder / "onnx/text_model.onnx").rename(folder / "onnx/model.onnx")
    (folder / "onnx/vision_model.onnx").unlink()
    with pytest.raises(BundleIncompatible, match=r"onnx/model\.onnx: both towers in one graph"):
        Bundle.load(folder)


def test_nothing_at_all_names_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound, match=r"transformers\.js.*immich.*rclip.*Chinese-CLIP.*photoseek-export"):
        Bundle.load(tmp_path)


def test_a_bundle_of_our_own_without_its_manifest(folder: Path) -> None:
    change(folder / "config.json", model_type="photoseek")
    with pytest.raises(BundleNotFound, match=r"expected photoseek\.json beside its files"):
        Bundle.load(folder)


def rewrite(path: Path, how: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.load(str(path))
    how(model)
    onnx.save(model, str(path))


def _further_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("pixel_attention_mask", TensorProto.INT64, ["batch", 4]))


def _only_states(model: onnx.ModelProto) -> None:
    """An output of that name and rank as of a text model without its projection."""
    for node in model.graph.node:
        node.output[:] = ["pooler_output" if name == "text_embeds" else name for name in node.output]
    model.graph.output[0].name = "pooler_output"


def _floats(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def _wider(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 99


def _fixed(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5


def _elsewhere(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.external_data.add(key="location", value="../../secret")


def _missing_weights(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value="text_model.onnx_data")


@pytest.mark.parametrize(
    ("tower", "how", "error", "reason"),
    [
        (
            "vision",
            _further_input,
            BundleIncompatible,
            "expected inputs among pixel_values, image, found pixel_values, p",
        ),
        ("text", _only_states, BundleIncompatible, "expected an output text_embeds, found pooler_output"),
        ("text", _floats, BundleIncompatible, "expected its input 'input_ids' as whole numbers of 2 dimensions"),
        ("text", _wider, BundleIncompatible, "its towers make vectors of lengths 16, 99"),
        ("text", _elsewhere, BundleDamaged, "weights outside its folder: '../../secret'"),
        ("text", _missing_weights, BundleIncompatible, "text_model.onnx_data: missing, but onnx/text_model.onnx keeps"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_graph_that_cannot_be_a_tower(
    folder: Path, tower: str, how: Callable[[onnx.ModelProto], None], error: type[BundleError], reason: str
) -> None:
    rewrite(folder / f"onnx/{tower}_model.onnx", how)
    with pytest.raises(error, match=re.escape(reason)):
        Bundle.load(folder)


def test_texts_are_filled_up_and_cut_off_at_the_length_that_a_graph_is_for(folder: Path) -> None:
    """The tiny tower ignores what is masked: so a text is the same however it is filled up."""
    free = TextEncoder(Bundle.load(folder)).encode(["red", "a blue picture", "red red red"])
    rewrite(folder / "onnx/text_model.onnx", _fixed)
    bundle = Bundle.load(folder)
    assert (bundle.tokenization().length, bundle.description.fingerprint_parts["reading"]["limit"]) == (5, 5)
    found = TextEncoder(bundle).encode(["red", "a blue picture", "red " * 40])
    assert abs(found - free).max() < 1e-6
