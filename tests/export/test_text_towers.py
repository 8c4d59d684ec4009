"""A text tower of a second language in a bundle: its vectors are PyTorch's, and those of photos do not change."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from exported_source import Exported
from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.manifest import Layout
from photoseek.encoders.encoders import TextEncoder
from photoseek.evaluation.evaluate import encode_captioned
from photoseek_export import export_checkpoint
from photoseek_export.checkpoints import Checkpoint, load_extra_towers
from photoseek_export.cli import app
from photoseek_export.errors import ExportError, ImageSideDiffers
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


@pytest.fixture(scope="module")
def exported(
    checkpoint: Path, chinese_checkpoint: Path, evaluation: EvaluationImages, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    """Both languages in both precisions."""
    out = tmp_path_factory.mktemp("bundles") / "both"
    words = [checkpoint, "--text", f"zh={chinese_checkpoint}", "--out", out, "--fp16", "--images", evaluation.images]
    files = ["--captions", evaluation.captions, "--captions", evaluation.extra_captions[0]]
    done = CliRunner().invoke(app, [str(argument) for argument in [*words, *files]])
    assert done.exit_code == 0, done.output
    return Exported(Bundle.load(out), done.output)


@pytest.fixture(scope="module")
def bilingual(exported: Exported) -> Bundle:
    return exported.bundle


def test_the_command_reports_the_difference_of_each_text_tower(exported: Exported) -> None:
    assert exported.output.count("(text, zh)") == 2
    assert exported.bundle.manifest.text_towers["zh"].precisions["fp32"]["metrics"]["captions"] == 6


def test_the_second_towers_vectors_are_pytorchs(bilingual: Bundle, chinese_checkpoint: Path) -> None:
    """Each sentence alone and unpadded through PyTorch; all together, truncated and padded, through the runtime."""
    model, config, tokenizer = load_checkpoint(chinese_checkpoint)
    expected = []
    for text in TEXTS:
        tokens = tokenizer(text, truncation=True, max_length=config.model.max_tokens, return_tensors="pt")
        with torch.inference_mode():
            expected.append(model.encode_text(tokens["input_ids"], tokens["attention_mask"])[0].numpy())
    np.testing.assert_allclose(TextEncoder(bilingual).encode(TEXTS), np.stack(expected), atol=1e-4)
    np.testing.assert_allclose(TextEncoder(bilingual, "fp16").encode(TEXTS), np.stack(expected), atol=5e-3)


def test_the_bundle_has_another_tower_and_tokenizer_folder(bilingual: Bundle, chinese_checkpoint: Path) -> None:
    bilingual.verify()
    assert (bilingual.languages, bilingual.precisions) == (("en", "zh"), ("fp32", "fp16"))
    assert {name for name in bilingual.manifest.files if "zh" in name} == {
        "onnx/text_model.zh.onnx",
        "onnx/text_model.zh_fp16.onnx",
        "zh/tokenizer.json",
        "zh/tokenizer_config.json",
        "zh/special_tokens_map.json",
    }
    tower = bilingual.manifest.text_towers["zh"]
    assert (tower.pooling, tower.weights) == ("cls", weights_hash(chinese_checkpoint))
    assert tower.training["settings"]["freeze_images"] is True
    assert json.loads((bilingual.path / "zh" / "tokenizer_config.json").read_text())["model_max_length"] == 24
    assert json.loads((bilingual.path / Layout.CONFIG).read_text())["text_configs"]["zh"]["hidden_size"] == 16


def test_each_caption_file_is_evaluated_with_the_tower_of_its_language(
    bilingual: Bundle, evaluation: EvaluationImages
) -> None:
    """The order of the files does not matter: the first of them here is Chinese."""
    for precision in ("fp32", "fp16"):
        chinese, english = (
            encode_captioned(bilingual, evaluation.images, captions, precision=precision).evaluate().metrics.to_json()
            for captions in (evaluation.captions, evaluation.extra_captions[0])
        )
        assert bilingual.manifest.text_towers["zh"].precisions[precision]["metrics"] == chinese
        assert bilingual.manifest.precisions[precision]["metrics"] == english
    card = (bilingual.path / "README.md").read_text("utf-8")
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


def test_photos_indexed_before_are_found_in_the_new_language(
    bilingual: Bundle, replaced: Exported, photos: Path
) -> None:
    without_chinese = replaced.bundle
    gallery = Gallery.create(photos, without_chinese)
    gallery.index()
    assert bilingual.fingerprint == without_chinese.fingerprint
    assert len(Searcher(gallery, bundle=bilingual).search("红色汽车", k=3)) == 3
    assert gallery.index(bilingual).encoded == 0


def changed(source: Path, out: Path, part: str) -> Path:
    """Copy a checkpoint with one number of a part changed to the next float."""
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
        ("image_tower.backbone.conv1.weight", "image tower"),
        ("image_tower.backbone.bn1.running_mean", "image tower"),
        ("image_projector.second.weight", "image projector"),
        ("preprocessing", "preprocessing"),
    ],
)
def test_another_image_side_is_refused(
    checkpoint: Path, chinese_checkpoint: Path, tmp_path: Path, part: str, named: str
) -> None:
    """A difference in the last bit of one number suffices."""
    other = changed(chinese_checkpoint, tmp_path / "other", part)
    with pytest.raises(ImageSideDiffers, match=f"expected the {named} of .* --from .* --text-model"):
        export_checkpoint(checkpoint, tmp_path / "out", texts={"zh": other})
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_another_text_side_is_accepted(checkpoint: Path, chinese_checkpoint: Path, tmp_path: Path) -> None:
    other = changed(chinese_checkpoint, tmp_path / "other", "text_projector.first.weight")
    towers = load_extra_towers(Checkpoint.load(checkpoint), ["en"], {"zh": other})
    assert {language: tower.path for language, tower in towers.items()} == {"zh": other}


def test_unknown_and_duplicate_languages_are_refused(
    checkpoint: Path, chinese_checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="'en': the main tower encodes it"):
        export_checkpoint(checkpoint, tmp_path / "b", texts={"en": chinese_checkpoint})
    with pytest.raises(ExportError, match="'de': expected one of en, zh"):
        export_checkpoint(checkpoint, tmp_path / "b", texts={"de": chinese_checkpoint})


@pytest.mark.parametrize("option", ["zh", "zh=", "=runs/zh"])
def test_an_option_without_a_language_is_refused(checkpoint: Path, tmp_path: Path, option: str) -> None:
    done = CliRunner().invoke(app, [str(checkpoint), "--out", str(tmp_path / "b"), "--text", option])
    assert done.exit_code == 2
    assert "LANGUAGE=CHECKPOINT" in done.output


def test_an_incomplete_checkpoint_is_refused(checkpoint: Path, chinese_checkpoint: Path, tmp_path: Path) -> None:
    """The error names the incomplete checkpoint, and no bundle is created."""
    copy = Path(shutil.copytree(chinese_checkpoint, tmp_path / "copy"))
    (copy / "model.safetensors").unlink()
    with pytest.raises(Exception, match=r"model\.safetensors: missing from the checkpoint"):
        export_checkpoint(checkpoint, tmp_path / "b", texts={"zh": copy})
