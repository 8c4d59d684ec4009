"""Training and export of the embedded bundle, with small models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from photoseek import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek_export.demo.collection import CaptionedFolder
from photoseek_export.demo.train import MAX_TOKENS, DemoRun, Recipe, export, render_scenes, train
from photoseek_train.config import AugmentConfig
from photoseek_train.model.compact_bert import CompactBert

SMALL = Recipe(
    scenes=24,
    dev_scenes=8,
    reading_epochs=1,
    joint_epochs=1,
    fine_epochs=1,
    chinese_epochs=1,
    closing_epochs=1,
    batch_size=8,
    text_batch_size=16,
    augment=AugmentConfig(size=32),
    fine_augment=AugmentConfig(crop_scale=0.8, size=48),
    size=48,
    berts={
        "en": CompactBert(layers=1, hidden=32, heads=2, vocabulary=1000, positions=MAX_TOKENS),
        "zh": CompactBert(layers=1, hidden=16, heads=2, vocabulary=1000, positions=MAX_TOKENS),
    },
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """Drawn scenes to train on; the checkpoints in its folder are large, and removed with it."""
    run = DemoRun(tmp_path_factory.mktemp("run"))
    render_scenes(run, SMALL)
    yield run
    shutil.rmtree(run.folder)


@pytest.fixture(scope="module")
def trained(run: DemoRun) -> DemoRun:
    train(run, SMALL)
    return run


@pytest.mark.slow
def test_training_on_scenes_exports_a_bundle_of_two_languages(trained: DemoRun, tmp_path: Path) -> None:
    weights = (trained.checkpoint("zh") / "model.safetensors").stat().st_mtime_ns
    train(trained, SMALL)  # finished stages are skipped
    assert (trained.checkpoint("zh") / "model.safetensors").stat().st_mtime_ns == weights
    export(trained, tmp_path / "bundle")
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.precisions == ("fp16",)
    assert bundle.manifest.precisions["fp16"]["metrics"]["images"] == 8
    assert bundle.manifest.text_towers["zh"].precisions["fp16"]["metrics"]["captions"] == 40
    assert bundle.manifest.training["settings"]["freeze_images"]
    assert bundle.manifest.text_towers["zh"].training["settings"]["freeze_images"]
    assert TextEncoder(bundle).encode(["a red car", "一辆红色的汽车"]).shape == (2, 256)


@pytest.mark.slow
def test_training_on_photos_starts_from_an_image_tower_trained_on_photos(
    trained: DemoRun, photos: CaptionedFolder, tmp_path: Path
) -> None:
    """A text tower is trained against that tower before both are trained."""
    joint = DemoRun(tmp_path / "joint", photos, init_from=trained.checkpoint("joint"))
    render_scenes(joint, SMALL)
    train(joint, SMALL)
    assert (joint.checkpoint("reading") / "history.jsonl").is_file()
    for stage in ("joint", "fine"):
        assert (joint.checkpoint(stage) / "history.jsonl").read_text().count('"images": 12') == 1
