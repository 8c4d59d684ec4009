"""Folders in the layouts of programs and repositories that people have; the graphs are those of the tiny bundle."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from external_models import (
    change,
    write_clip_onnx,
    write_fastembed,
    write_jina_clip,
    write_json,
    write_siglip2,
    write_transformers,
)
from photoseek import Bundle
from photoseek.bundle.layouts.hf_tokenizer import find_text_spec
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import BundleIncompatible, BundleNotFound
from tiny_bundle import COLORS, DIM, SIDE, write_tiny_bundle

TEXTS = ["red", "a blue and green picture", "", "white and black and yellow and red"]


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def expect_native_vectors(bundle: Bundle, folder: Path) -> None:
    """Compare with the native bundle of the same graphs."""
    native = Bundle.load(write_tiny_bundle(folder))
    pictures = [Image.new("RGB", (SIDE, SIDE), color) for color in COLORS.values()]
    np.testing.assert_allclose(TextEncoder(bundle).encode(TEXTS), TextEncoder(native).encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(ImageEncoder(bundle).encode(pictures), ImageEncoder(native).encode(pictures), atol=1e-6)


def test_the_pair_of_fastembed_is_found_from_either_half_and_from_outside(tmp_path: Path) -> None:
    text, vision = write_fastembed(tmp_path / "models")
    found = [Bundle.load(path) for path in (text, vision, tmp_path / "models")]
    assert {(bundle.layout, bundle.name, bundle.dim) for bundle in found} == {("fastembed", "clip-ViT-B-32", DIM)}
    assert len({bundle.fingerprint for bundle in found}) == 1
    expect_native_vectors(found[0], tmp_path / "native")


def test_the_cache_of_fastembed_is_opened(tmp_path: Path) -> None:
    name, commits = "models--Qdrant--clip-ViT-B-32", ("a" * 40, "b" * 40)
    text, vision = write_fastembed(tmp_path / "cache", name=name, inside=f"snapshots/{commits[0]}")
    vision.rename(vision.parent / commits[1])
    for half, commit in zip((text.parents[1], vision.parents[1]), commits, strict=True):
        (half / "refs").mkdir()
        (half / "refs/main").write_text(commit)
        bundle = Bundle.load(half)
        assert (bundle.layout, bundle.name) == ("fastembed", "Qdrant--clip-ViT-B-32")
    assert Bundle.load(text).fingerprint == Bundle.load(tmp_path / "cache").fingerprint == bundle.fingerprint


def test_a_half_of_fastembed_names_the_missing_one(tmp_path: Path) -> None:
    text, vision = write_fastembed(tmp_path)
    shutil.move(vision, tmp_path / "other")
    with pytest.raises(BundleIncompatible, match=r"found the text tower only .* expected clip-ViT-B-32-vision in"):
        Bundle.load(text)
    with pytest.raises(BundleIncompatible, match=r"found the vision tower only .* NAME-text and NAME-vision as names"):
        Bundle.load(tmp_path / "other")


def test_the_halves_of_fastembed_may_not_be_swapped(tmp_path: Path) -> None:
    text, vision = write_fastembed(tmp_path)
    shutil.copyfile(text / "config.json", vision / "config.json")
    with pytest.raises(BundleIncompatible, match=r"expected a model_type that ends in _vision_model, found 'clip_text"):
        Bundle.load(tmp_path)


def test_a_folder_with_several_pairs_lists_them(tmp_path: Path) -> None:
    write_fastembed(tmp_path)
    write_fastembed(tmp_path, name="clip-ViT-B-16")
    with pytest.raises(BundleIncompatible, match="found clip-ViT-B-16-text, clip-ViT-B-32-text; pass one of these"):
        Bundle.load(tmp_path)
    assert Bundle.load(tmp_path / "clip-ViT-B-16-vision").name == "clip-ViT-B-16"


@pytest.mark.parametrize("refs", [True, False], ids=["main", "one-snapshot"])
def test_a_folder_of_the_hub_cache_is_opened(tmp_path: Path, refs: bool) -> None:
    """A pull of a commit records no ``main``."""
    repository, commit = tmp_path / "models--Xenova--clip", "c" * 40
    (repository / "snapshots").mkdir(parents=True)
    write_transformers(repository / "snapshots" / commit)
    if refs:
        (repository / "refs").mkdir()
        (repository / "refs/main").write_text(commit)
        (repository / "snapshots" / ("d" * 40)).mkdir()
    bundle = Bundle.load(repository)
    assert (bundle.name, bundle.layout, bundle.dim) == ("Xenova--clip", "transformers", DIM)


def test_a_folder_of_the_hub_cache_without_a_choice_lists_its_snapshots(tmp_path: Path) -> None:
    for commit in ("c" * 40, "d" * 40):
        (tmp_path / "models--Xenova--clip/snapshots" / commit).mkdir(parents=True)
    with pytest.raises(BundleNotFound, match=r"expected refs/main or one snapshot .* found c{40}, d{40}; pass"):
        Bundle.load(tmp_path / "models--Xenova--clip")


@pytest.mark.parametrize(
    ("suffix", "precision"), [("_quantized", "q8"), ("_int8", "int8"), ("_uint8", "uint8"), ("_q4", "q4")]
)
def test_quantized_graphs_alone_are_opened(tmp_path: Path, suffix: str, precision: str) -> None:
    folder = write_transformers(tmp_path / "model")
    for tower in ("text", "vision"):
        (folder / f"onnx/{tower}_model.onnx").rename(folder / f"onnx/{tower}_model{suffix}.onnx")
    bundle = Bundle.load(folder)
    assert (bundle.precisions, bundle.select_precision(None)) == ((precision,), precision)
    assert TextEncoder(bundle).encode(["red"]).shape == (1, DIM)


@pytest.mark.parametrize(
    "files",
    [
        ["open_clip_config.json", "open_clip_pytorch_model.bin", "vocab.json", "merges.txt", "tokenizer.json"],
        ["open_clip_config.json", "open_clip_model.safetensors"],
    ],
    ids=["bin", "safetensors"],
)
def test_weights_of_open_clip_are_refused_with_the_alternatives(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(BundleIncompatible, match=r"weights of open_clip .*immich-app.*export --from-clip DIR"):
        Bundle.load(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("clip_textual.onnx", "clip_visual.onnx"),
        ("text_encoder.onnx", "image_encoder.onnx"),
        ("text_encoder.onnx", "vision_encoder.onnx"),
        ("textual.onnx", "visual.onnx"),
    ],
)
def test_graphs_of_clip_onnx_are_opened_with_files_of_transformers(tmp_path: Path, names: tuple[str, str]) -> None:
    bundle = Bundle.load(write_clip_onnx(tmp_path / "model", *names))
    assert (bundle.layout, bundle.dim) == ("named-graphs", DIM)
    expect_native_vectors(bundle, tmp_path / "native")


def test_graphs_of_clip_onnx_alone_name_the_missing_files(tmp_path: Path) -> None:
    folder = write_clip_onnx(tmp_path / "model")
    for name in ("config.json", "preprocessor_config.json", "tokenizer.json"):
        (folder / name).unlink()
    reason = "expected config.json, preprocessor_config.json, tokenizer.json next to them: copy these"
    with pytest.raises(BundleIncompatible, match=re.escape(reason)):
        Bundle.load(folder)
    (folder / "clip_visual.onnx").unlink()
    with pytest.raises(BundleIncompatible, match=r"found clip_textual\.onnx, but not an image tower"):
        Bundle.load(folder)
    (folder / "clip_textual.onnx").rename(folder / "vision_encoder.onnx")
    with pytest.raises(BundleIncompatible, match=r"found vision_encoder\.onnx, but not a text tower"):
        Bundle.load(folder)


def test_jina_clip_encodes_texts_one_by_one(tmp_path: Path) -> None:
    """Its text tower averages all tokens that it gets, so that padding would change a vector."""
    bundle = Bundle.load(write_jina_clip(tmp_path / "jina"))
    assert (bundle.layout, bundle.dim, bundle.text_graph("fp32").batch_size_one) == ("transformers", DIM, True)
    assert (bundle.preprocessing.shortest_edge, bundle.preprocessing.floor_crop_offset) == (SIDE, False)
    expect_native_vectors(bundle, tmp_path / "native")


def test_an_unknown_setting_of_jina_clip_is_refused(tmp_path: Path) -> None:
    folder = write_jina_clip(tmp_path / "jina")
    change(folder / "preprocessor_config.json", resize_mode="longest")
    with pytest.raises(BundleIncompatible, match=r"preprocessor_config\.json: .* resize_mode shortest or squash"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", ["model.onnx", "model_quantized.onnx"])
def test_jina_clip_v2_has_both_towers_in_one_graph(tmp_path: Path, name: str) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / name).touch()
    write_json(tmp_path / "config.json", {"model_type": "jina_clip"})
    with pytest.raises(BundleIncompatible, match=rf"onnx/{re.escape(name)}: both towers in one graph"):
        Bundle.load(tmp_path)


@pytest.mark.parametrize(
    ("config", "lowercase"),
    [
        ({"tokenizer_class": "GemmaTokenizer"}, True),
        ({"tokenizer_class": "GemmaTokenizer", "do_lower_case": True}, True),
        ({"tokenizer_class": "GemmaTokenizerFast", "do_lower_case": False}, False),
        ({"tokenizer_class": "Siglip2Tokenizer", "do_lower_case": False}, True),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, False),
    ],
    ids=str,
)
def test_siglip_2_reads_lower_case_where_its_folder_declares_it(
    tmp_path: Path, config: dict[str, object], lowercase: bool
) -> None:
    folder = write_siglip2(tmp_path / "siglip2", **config)
    tokens = find_text_spec(folder, 64, fixed_length=True).load(folder)
    typed, lower = tokens.ids(["A Red Dog", "a red dog"])
    assert np.array_equal(typed, lower) is lowercase
    assert lower[-1] == 1
    state = tokens.tokenizer.normalizer.__getstate__().decode()
    assert state.count("Lowercase") == int(lowercase)


def test_lower_case_is_not_applied_twice(tmp_path: Path) -> None:
    """transformers saves a ``tokenizer.json`` that already converts texts."""
    folder = write_siglip2(tmp_path / "siglip2", tokenizer_class="Siglip2Tokenizer")
    first = find_text_spec(folder, 64, fixed_length=True).load(folder)
    first.tokenizer.save(str(folder / "tokenizer.json"))
    again = find_text_spec(folder, 64, fixed_length=True).load(folder).tokenizer.normalizer.__getstate__().decode()
    assert again.count("Lowercase") == 1
