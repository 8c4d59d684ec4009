"""A second language joins a bundle: its vectors are PyTorch's, and the photos keep theirs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.manifest import Layout
from photoseek.encoders.encoders import TextEncoder
from photoseek.evaluation.evaluate import encode_captioned
from photoseek_export import export_checkpoint
from photoseek_export.cli import app
from photoseek_export.errors import ExportError, ImageSideDiffers
from photoseek_export.extra_text_towers import load_extra_towers
from photoseek_export.quality_gate import EvaluationImages
from photoseek_train.config import preprocessing_of
from photoseek_train.model.checkpoint import create_checkpoint, load_checkpoint, weights_hash, write_weights
from tiny_bundle import CHINESE, COLORS
from tiny_photos import write_color

TEXTS = ["红色汽车", "夜里海滩上的两只白狗,孩子们在玩。", "船" * 60, "T恤"]


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> EvaluationImages:
    """Six images, with captions in two files."""
    folder = tmp_path_factory.mktemp("captioned")
    names = [
        write_color(folder / "images" / f"{number}.png", color, seed=number, size=(70, 60)).name
        for number, color in enumerate(COLORS.values())
    ]
    for file, words in (("en.token", COLORS), ("zh.token", CHINESE)):
        lines = [f"{name}#0\t{word} {{}}" for name, word in zip(names, words, strict=True)]
        (folder / file).write_text("\n".join(lines).format(*["car" if words is COLORS else "汽车"] * 6), "utf-8")
    return EvaluationImages(folder / "images", folder / "zh.token", extra_captions=(folder / "en.token",))


class Made(NamedTuple):
    """The bundle and the output of the command."""

    bundle: Bundle
    output: str


@pytest.fixture(scope="module")
def made(
    checkpoint: Path, chinese_checkpoint: Path, evaluation: EvaluationImages, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    """Both languages in both precisions."""
    out = tmp_path_factory.mktemp("bundles") / "both"
    asked = [checkpoint, "--text", f"zh={chinese_checkpoint}", "--out", out, "--fp16", "--images", evaluation.images]
    files = ["--captions", evaluation.captions, "--captions", evaluation.extra_captions[0]]
    done = CliRunner().invoke(app, [str(argument) for argument in [*asked, *files]])
    assert done.exit_code == 0, done.output
    return Made(Bundle.load(out), done.output)


@pytest.fixture(scope="module")
def bundle(made: Made) -> Bundle:
    return made.bundle


def test_the_command_reports_how_close_each_text_tower_is(made: Made) -> None:
    assert made.output.count("(text, zh)") == 2
    assert made.bundle.manifest.text_towers["zh"].precisions["fp32"]["metrics"]["captions"] == 6


def test_the_second_towers_vectors_are_pytorchs(bundle: Bundle, chinese_checkpoint: Path) -> None:
    """Each sentence alone and unpadded through PyTorch; all together, cut off and padded, through the runtime."""
    model, config, tokenizer = load_checkpoint(chinese_checkpoint)
    expected = []
    for text in TEXTS:
        tokens = tokenizer(text, truncation=True, max_length=config.model.max_tokens, return_tensors="pt")
        with torch.inference_mode():
            expected.append(model.encode_text(tokens["input_ids"], tokens["attention_mask"])[0].numpy())
    np.testing.assert_allclose(TextEncoder(bundle).encode(TEXTS), np.stack(expected), atol=1e-4)
    np.testing.assert_allclose(TextEncoder(bundle, "fp16").encode(TEXTS), np.stack(expected), atol=5e-3)


def test_the_bundle_has_a_tower_and_a_tokenizer_folder_more(bundle: Bundle, chinese_checkpoint: Path) -> None:
    bundle.verify()
    assert (bundle.languages, bundle.precisions) == (("en", "zh"), ("fp32", "fp16"))
    assert {name for name in bundle.manifest.files if "zh" in name} == {
        "onnx/text_model.zh.onnx",
        "onnx/text_model.zh_fp16.onnx",
        "zh/tokenizer.json",
        "zh/tokenizer_config.json",
        "zh/special_tokens_map.json",
    }
    tower = bundle.manifest.text_towers["zh"]
    assert (tower.pooling, tower.weights) == ("cls", weights_hash(chinese_checkpoint))
    assert tower.training["settings"]["freeze_images"] is True
    assert json.loads((bundle.path / "zh" / "tokenizer_config.json").read_text())["model_max_length"] == 24
    assert json.loads((bundle.path / Layout.CONFIG).read_text())["text_configs"]["zh"]["hidden_size"] == 16


def test_each_caption_file_is_measured_with_the_tower_of_its_language(
    bundle: Bundle, evaluation: EvaluationImages
) -> None:
    """Whatever the order of the files: the first of them here is Chinese."""
    for precision in ("fp32", "fp16"):
        chinese = (
            encode_captioned(bundle, evaluation.images, evaluation.captions, precision=precision)
            .evaluate()
            .metrics.to_json()
        )
        english = (
            encode_captioned(bundle, evaluation.images, evaluation.extra_captions[0], precision=precision)
            .evaluate()
            .metrics.to_json()
        )
        assert bundle.manifest.text_towers["zh"].precisions[precision]["metrics"] == chinese
        assert bundle.manifest.precisions[precision]["metrics"] == english
    card = (bundle.path / "README.md").read_text("utf-8")
    assert "language: [en, zh]" in card
    assert "2 text towers and an image tower" in card
    assert "| text tower, zh | BERT, 1 layers of 16, initialized from: bert, pooling: cls |" in card
    assert "| fp16, zh | text to image | 6 | 6 |" in card


def test_two_files_for_one_tower_are_refused(
    checkpoint: Path, chinese_checkpoint: Path, evaluation: EvaluationImages, tmp_path: Path
) -> None:
    twice = replace(evaluation, extra_captions=(evaluation.captions,))
    with pytest.raises(ExportError, match=r"zh\.token: belongs to the same text tower as .*zh\.token"):
        export_checkpoint(checkpoint, tmp_path / "b", texts={"zh": chinese_checkpoint}, evaluation=twice)
    assert list(tmp_path.iterdir()) == []


def test_photos_indexed_before_are_found_in_the_new_language(bundle: Bundle, plain: Bundle, photos: Path) -> None:
    gallery = Gallery.create(photos, plain)
    gallery.index()
    assert bundle.fingerprint == plain.fingerprint
    assert "metrics" in plain.manifest.precisions["fp32"]
    assert len(Searcher(gallery, bundle=bundle).search("红色汽车", k=3)) == 3
    assert gallery.index(bundle).encoded == 0


def changed(source: Path, out: Path, part: str) -> Path:
    """The checkpoint with one number of a part of it moved by the least step there is."""
    model, config, tokenizer = load_checkpoint(source)
    if part == "preprocessing":
        config = replace(config, preprocessing=preprocessing_of(config.preprocessing.height, "squash"))
    else:
        tensor = model.get_parameter(part) if part.endswith("weight") else model.get_buffer(part)
        value = tensor.data.view(-1)[:1]
        value.copy_(torch.nextafter(value, torch.full_like(value, torch.inf)))
    create_checkpoint(out, config, tokenizer)
    write_weights(out, model, {})
    return out


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ("image_tower.resnet.conv1.weight", "image tower"),
        ("image_tower.resnet.bn1.running_mean", "image tower"),
        ("image_projector.second.weight", "image projector"),
        ("preprocessing", "preprocessing"),
    ],
)
def test_another_image_side_is_refused(
    checkpoint: Path, chinese_checkpoint: Path, tmp_path: Path, part: str, named: str
) -> None:
    """Were it the last bit of one number."""
    other = changed(chinese_checkpoint, tmp_path / "other", part)
    with pytest.raises(ImageSideDiffers, match=f"expected the {named} of .* --from .* --text-model"):
        export_checkpoint(checkpoint, tmp_path / "out", texts={"zh": other})
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_another_text_side_is_not_asked_about(checkpoint: Path, chinese_checkpoint: Path, tmp_path: Path) -> None:
    other = changed(chinese_checkpoint, tmp_path / "other", "text_projector.first.weight")
    (text,) = load_extra_towers(load_checkpoint(checkpoint), checkpoint, ["en"], {"zh": other})
    assert (text.language, text.path) == ("zh", other)


def test_languages_that_cannot_be_are_refused(checkpoint: Path, chinese_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="'en': the main tower encodes it"):
        export_checkpoint(checkpoint, tmp_path / "b", texts={"en": chinese_checkpoint})
    with pytest.raises(ExportError, match="'de': expected one of en, zh"):
        export_checkpoint(checkpoint, tmp_path / "b", texts={"de": chinese_checkpoint})


@pytest.mark.parametrize("option", ["zh", "zh=", "=runs/zh"])
def test_an_option_that_names_no_language_is_refused(checkpoint: Path, tmp_path: Path, option: str) -> None:
    done = CliRunner().invoke(app, [str(checkpoint), "--out", str(tmp_path / "b"), "--text", option])
    assert done.exit_code == 2
    assert "LANGUAGE=CHECKPOINT" in done.output


def test_a_whole_checkpoint_is_needed(checkpoint: Path, chinese_checkpoint: Path, tmp_path: Path) -> None:
    """The error names the incomplete checkpoint, and no bundle is created."""
    copy = Path(shutil.copytree(chinese_checkpoint, tmp_path / "copy"))
    (copy / "model.safetensors").unlink()
    with pytest.raises(Exception, match=r"model\.safetensors: missing from the checkpoint"):
        export_checkpoint(checkpoint, tmp_path / "b", texts={"zh": copy})
