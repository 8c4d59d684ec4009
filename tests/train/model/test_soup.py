"""Model soups: the mean of the weights of compatible checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from photoseek_train.config import AugmentConfig, DataConfig, ModelInit, OptimConfig, TrainingConfig, preprocessing_of
from photoseek_train.errors import SettingsError
from photoseek_train.evaluation.evaluate import evaluate
from photoseek_train.model.checkpoint import (
    create_checkpoint,
    load_checkpoint,
    read_metrics,
    weights_hash,
    write_weights,
)
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert
from photoseek_train.model.init import build_model
from photoseek_train.model.soup import model_soup
from toy_world import MakeFit, World


def write(folder: Path, bert: Path, resnet: Path, seed: int, size: int = 48, dim: int = 16) -> Path:
    """Write a checkpoint with random projectors and batch statistics."""
    built = build_model(ModelInit(str(bert), str(resnet), max_tokens=24, dim=dim), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for name, buffer in built.model.named_buffers():
        if name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    data = DataConfig(3, 6, "a" * 64, 1, 2, "b" * 64)
    config = TrainingConfig(built.config, preprocessing_of(size), AugmentConfig(), OptimConfig(), data)
    create_checkpoint(folder, config, built.tokenizer)
    write_weights(folder, built.model, {"epoch": 1, "dev": {}})
    return folder


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, bert: Path, resnet: Path) -> list[Path]:
    """Three compatible checkpoints; read-only."""
    folder = tmp_path_factory.mktemp("three")
    return [write(folder / str(seed), bert, resnet, seed) for seed in range(3)]


def test_each_weight_is_the_mean_of_that_weight(three: list[Path], tmp_path: Path) -> None:
    model_soup(three, tmp_path / "soup")
    soup = load_checkpoint(tmp_path / "soup")
    states = [load_checkpoint(path).model.state_dict() for path in three]
    for name, found in soup.model.state_dict().items():
        if found.is_floating_point():
            expected = torch.stack([state[name].double() for state in states]).mean(0)
            torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-7)
        else:
            assert torch.equal(found, states[0][name])
    assert any(not torch.equal(states[0][name], states[1][name]) for name in states[0] if "running_var" in name)
    assert soup.config == load_checkpoint(three[0]).config
    assert read_metrics(tmp_path / "soup")["average_of"] == [weights_hash(path) for path in three]


def test_the_average_of_a_run_and_its_continuation_finds_photos(
    world: World, english: Path, make_fit: MakeFit, tmp_path: Path
) -> None:
    fit = make_fit(tmp_path / "second", tune="both", epochs=1)
    sources = replace(fit.settings.sources, text_model=None, checkpoint=english)
    replace(fit, settings=replace(fit.settings, sources=sources))()
    model_soup([english, tmp_path / "second"], tmp_path / "soup")
    found = evaluate(tmp_path / "soup", world.split("dev")).metrics
    assert found.text_to_image.r10 > 50


def test_incompatible_checkpoints_are_refused_and_nothing_is_written(
    three: list[Path], bert: Path, resnet: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other-bert"
    create_compact_bert(["green beside yellow"] * 2, other, CompactBert(2, 32, 2, vocabulary=200, positions=32))
    for name, unlike, message in (
        ("size", write(tmp_path / "size", bert, resnet, 0, size=64), "preprocessing"),
        ("dim", write(tmp_path / "dim", bert, resnet, 0, dim=8), "towers"),
        ("words", write(tmp_path / "words", other, resnet, 0), "(towers|vocabulary)"),
    ):
        with pytest.raises(SettingsError, match=rf"{name}: expected the {message} of .*0, found another"):
            model_soup([three[0], unlike], tmp_path / "soup")
    with pytest.raises(SettingsError, match="at least two checkpoints to average, found 1"):
        model_soup(three[:1], tmp_path / "soup")
    assert not (tmp_path / "soup").exists()
    with pytest.raises(SettingsError, match="contains a checkpoint"):
        model_soup(three, three[0])
