"""Training and export of the embedded bundle, with small models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchvision

from photoseek import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek_export.demo.collection import CaptionedFolder
from photoseek_export.demo.train import (
    MAX_POSITIONS,
    DemoRun,
    Pretrained,
    Recipe,
    discard_unfinished,
    export,
    render_scenes,
    train,
)
from photoseek_train.config import AugmentConfig
from photoseek_train.model.checkpoint import load_checkpoint
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert

SMALL = Recipe(
    image_model="resnet18",
    size=48,
    teacher_size=64,
    layers=1,
    english_pieces=200,
    chinese_pieces=200,
    frozen_stages=1,
    scenes=24,
    dev_scenes=8,
    teacher_epochs=1,
    reading_epochs=1,
    photo_epochs=1,
    cycle_epochs=1,
    both_epochs=1,
    english_epochs=1,
    chinese_epochs=1,
    batch_size=8,
    text_batch_size=16,
    photos=AugmentConfig(size=32),
    both=AugmentConfig(crop_scale=0.8, size=48),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, photos: CaptionedFolder) -> Iterator[DemoRun]:
    """Scenes and photos to train on; the checkpoints in its folder are large, and removed with it."""
    folder = tmp_path_factory.mktemp("run")
    shape = CompactBert(layers=2, hidden=32, heads=2, vocabulary=300, positions=MAX_POSITIONS)
    create_compact_bert(["red and blue", "a car next to a tree at night"], folder / "source", shape)
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18().state_dict(), folder / "resnet18.pth")
    run = DemoRun(folder, photos, Pretrained(str(folder / "source"), str(folder / "resnet18.pth")))
    render_scenes(run, SMALL)
    train(run, SMALL)
    yield run
    shutil.rmtree(run.folder)


@pytest.mark.slow
def test_finished_stages_are_skipped(run: DemoRun) -> None:
    weights = (run.checkpoint("zh") / "model.safetensors").stat().st_mtime_ns
    train(run, SMALL)
    assert (run.checkpoint("zh") / "model.safetensors").stat().st_mtime_ns == weights


@pytest.mark.slow
def test_the_bundle_has_int8_weights_and_reads_two_languages(run: DemoRun, tmp_path: Path) -> None:
    export(run, tmp_path / "bundle")
    bundle = Bundle.load(tmp_path / "bundle")
    bundle.verify()
    assert bundle.precisions == ("int8",)
    assert {file.name for file in (bundle.path / "onnx").iterdir()} == {
        "text_model_int8.onnx",
        "text_model.zh_int8.onnx",
        "vision_model_int8.onnx",
    }
    assert bundle.manifest.precisions["int8"]["metrics"]["images"] == 4
    assert bundle.manifest.text_towers["zh"].precisions["int8"]["metrics"]["captions"] == 4
    card = (bundle.path / "README.md").read_text("utf-8")
    assert "fp16" not in card
    assert "## Origins" in card
    assert "all-MiniLM-L6-v2 (Apache-2.0)" in card
    assert TextEncoder(bundle).encode(["a red car", "一辆红色的汽车"]).shape == (2, 256)


@pytest.mark.slow
def test_photos_come_first_then_scenes_and_then_chinese(run: DemoRun) -> None:
    stages = ("teacher", "reading", "photos", "photos-2", "photos-4", "both-1", "en", "zh")
    configs = {stage: load_checkpoint(run.checkpoint(stage)).config for stage in stages}
    photos = dict.fromkeys(stages[:5], 20) | {"both-1": 44, "en": 44, "zh": 43}  # one photo has no Chinese caption
    assert {stage: config.data.train_images for stage, config in configs.items()} == photos
    sizes = {"teacher": 64, "reading": 64} | dict.fromkeys(stages[2:], 48)
    assert {stage: config.preprocessing.width for stage, config in configs.items()} == sizes
    assert [stage for stage, config in configs.items() if config.teacher] == ["reading"]
    averages = {"soup": ["photos-2", "photos-3", "photos-4"], "averaged": SMALL.averaged, "en": SMALL.english}
    for mean, parts in averages.items():
        models = [load_checkpoint(run.checkpoint(stage)).model for stage in (mean, *parts)]
        weights = [model.text_projector.first.weight for model in models]
        assert not torch.equal(weights[1], weights[-1])
        torch.testing.assert_close(weights[0], torch.stack(weights[1:]).mean(0))
    images = [load_checkpoint(run.checkpoint(stage)).model for stage in ("averaged", "zh")]
    assert torch.equal(images[0].image_projector.first.weight, images[1].image_projector.first.weight)
    assert len(images[0].text_tower.bert.encoder.layer) == 1


def test_an_unfinished_checkpoint_is_discarded(tmp_path: Path) -> None:
    checkpoint = tmp_path / "averaged"
    assert discard_unfinished(checkpoint)
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text("{}")
    assert discard_unfinished(checkpoint)
    assert not checkpoint.exists()
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").write_bytes(b"")
    assert not discard_unfinished(checkpoint)
    assert checkpoint.exists()
