"""The road to the embedded bundle, walked in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle
from photoseek.demo.scenes import DEV_SEEDS, TRAIN_SEEDS, captions, compose, picture_name, queries
from photoseek.encoders import TextEncoder
from photoseek_export.demo_bundle import Recipe, Workshop, draw, export, train

SMALL = Recipe(scenes=24, dev_scenes=8, epochs=1, batch_size=8, text_epochs=1, text_batch_size=16)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    draw(workshop, SMALL)
    return workshop


def test_what_is_trained_on_is_captions_and_queries_of_training_scenes_only(workshop: Workshop) -> None:
    lines = workshop.sentences.read_text("utf-8").splitlines()
    seed = TRAIN_SEEDS[3]
    expected = [*captions(compose(seed), seed), *queries(compose(seed), seed)]
    name = picture_name(seed)
    assert [line.partition("\t")[2] for line in lines if line.startswith(f"{name}#")] == expected
    assert len(lines) == 24 * 9
    assert workshop.split("dev").read_text("utf-8").split() == [picture_name(seed) for seed in DEV_SEEDS[:8]]


@pytest.mark.slow
def test_both_towers_then_the_text_tower_then_a_bundle(workshop: Workshop, tmp_path: Path) -> None:
    train(workshop, SMALL)
    weights = (workshop.refined / "model.safetensors").stat().st_mtime_ns
    train(workshop, SMALL)  # goes on where it stopped: at the end
    assert (workshop.refined / "model.safetensors").stat().st_mtime_ns == weights
    export(workshop, tmp_path / "bundle")
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.precisions == ("fp16",)
    assert bundle.manifest.precisions["fp16"]["metrics"]["images"] == 8
    assert bundle.manifest.training["settings"]["tune"] == "text"
    assert TextEncoder(bundle).encode(["a red car"]).shape == (1, 256)
