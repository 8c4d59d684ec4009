"""A checkpoint rebuilds the model alone and offline, and is refused when damaged or newer."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch

from photoseek_train.config import (
    FORMAT,
    AugmentConfig,
    DataConfig,
    ModelInit,
    OptimConfig,
    TrainingConfig,
    preprocessing_of,
)
from photoseek_train.errors import CheckpointDamaged, CheckpointIncompatible, CheckpointNotFound
from photoseek_train.model.checkpoint import (
    CheckpointFiles,
    create_checkpoint,
    load_checkpoint,
    weights_hash,
    write_weights,
)
from photoseek_train.model.init import build_model
from photoseek_train.model.two_tower import TwoTower


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, bert: Path, resnet: Path) -> tuple[Path, TwoTower, TrainingConfig]:
    folder = tmp_path_factory.mktemp("checkpoints") / "one"
    built = build_model(ModelInit(str(bert), str(resnet), "cls", max_tokens=24, dim=16), seed=0)
    data = DataConfig(3, 6, "a" * 64, 1, 2, "b" * 64)
    config = TrainingConfig(built.config, preprocessing_of(48), AugmentConfig(), OptimConfig(), data)
    create_checkpoint(folder, config, built.tokenizer)
    write_weights(folder, built.model, {"epoch": 1})
    return folder, built.model.eval(), config


@pytest.fixture
def copy(saved: tuple[Path, TwoTower, TrainingConfig], tmp_path: Path) -> Path:
    """A copy of the checkpoint, to damage."""
    folder = shutil.copytree(saved[0], tmp_path / "copy", ignore=shutil.ignore_patterns(CheckpointFiles.WEIGHTS))
    (folder / CheckpointFiles.WEIGHTS).hardlink_to(saved[0] / CheckpointFiles.WEIGHTS)  # 45 MB
    return folder


def test_round_trip_without_network_and_sources(
    saved: tuple[Path, TwoTower, TrainingConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("loading a checkpoint used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    folder, model, config = saved
    loaded = load_checkpoint(folder)
    assert loaded.config == config
    assert not loaded.model.training
    ids, pixels = torch.tensor([loaded.tokenizer("red beside blue")["input_ids"]]), torch.rand(1, 3, 48, 48)
    with torch.inference_mode():
        assert torch.equal(
            loaded.model.embed_text(ids, torch.ones_like(ids)), model.embed_text(ids, torch.ones_like(ids))
        )
        assert torch.equal(loaded.model.embed_image(pixels), model.embed_image(pixels))


def test_eager_attention_for_export(saved: tuple[Path, TwoTower, TrainingConfig]) -> None:
    bert = load_checkpoint(saved[0], attention="eager").model.text_tower.bert
    assert bert.config._attn_implementation == "eager"


def test_the_tokenizer_is_complete(saved: tuple[Path, TwoTower, TrainingConfig]) -> None:
    tokens = json.loads((saved[0] / "special_tokens_map.json").read_text())
    assert tokens["cls_token"] == "[CLS]"
    assert all((saved[0] / name).is_file() for name in CheckpointFiles.TOKENIZER)


def test_transformers_4_knows_the_class_of_the_tokenizer(saved: tuple[Path, TwoTower, TrainingConfig]) -> None:
    settings = json.loads((saved[0] / "tokenizer_config.json").read_text())
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"  # transformers 5 alone knows TokenizersBackend


def test_it_records_no_folder_of_this_machine(saved: tuple[Path, TwoTower, TrainingConfig], bert: Path) -> None:
    for name in (CheckpointFiles.CONFIG, *CheckpointFiles.TOKENIZER):
        assert str(bert.parent) not in (saved[0] / name).read_text()


def test_the_weights_hash_is_that_of_the_file(saved: tuple[Path, TwoTower, TrainingConfig]) -> None:
    metrics = json.loads((saved[0] / CheckpointFiles.METRICS).read_text())
    assert metrics == {"epoch": 1, "weights_sha256": weights_hash(saved[0])}


def test_no_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match=r"no checkpoint here .*; create one with: photoseek-train fit"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("name", CheckpointFiles.REQUIRED[1:])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(CheckpointDamaged, match=f"{name}: missing from the checkpoint"):
        load_checkpoint(copy)


def test_another_format_is_refused(copy: Path) -> None:
    rewrite(copy, format=FORMAT + 1)
    with pytest.raises(
        CheckpointIncompatible, match=f"format {FORMAT + 1}, this photoseek reads format {FORMAT}; upgrade"
    ):
        load_checkpoint(copy)


def test_settings_that_are_missing_or_unknown_are_named(copy: Path) -> None:
    model = json.loads((copy / CheckpointFiles.CONFIG).read_text())["model"]
    for changed, name in (
        ({key: value for key, value in model.items() if key != "image_model"}, "image_model"),
        ({**model, "colour": 1}, "colour"),
    ):
        rewrite(copy, model=changed)
        with pytest.raises(CheckpointDamaged, match=rf"found \['{name}'\] missing or unknown"):
            load_checkpoint(copy)


def test_a_checkpoint_of_before_frozen_stages_is_read(copy: Path) -> None:
    optim = json.loads((copy / CheckpointFiles.CONFIG).read_text())["optim"]
    assert optim.pop("frozen_stages") == 0
    rewrite(copy, optim=optim)
    assert load_checkpoint(copy).config.optim.frozen_stages == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "x"}, "a JSON object with a format number"),
        ({"model": None}, "expected the keys"),
        ({"optim": {"lr": 1.0}}, "expected the keys"),
        ({"preprocessing": {"size": 3}}, "unsupported"),
    ],
)
def test_a_damaged_configuration_is_refused(copy: Path, change: dict[str, object], message: str) -> None:
    rewrite(copy, **change)
    with pytest.raises(CheckpointDamaged, match=message):
        load_checkpoint(copy)


def test_a_resnet_that_torchvision_does_not_have_is_refused(copy: Path) -> None:
    model = json.loads((copy / CheckpointFiles.CONFIG).read_text())["model"]
    rewrite(copy, model={**model, "image_model": "resnet17"})
    with pytest.raises(CheckpointDamaged, match=r"config\.json: image_model: expected one of .*, found 'resnet17'"):
        load_checkpoint(copy)


def test_another_resnet_is_rebuilt(tmp_path: Path, bert: Path) -> None:
    sources = ModelInit(str(bert), "none", max_tokens=24, dim=16, image_model="resnet34")
    built = build_model(sources, seed=0)
    data = DataConfig(3, 6, "a" * 64, 1, 2, "b" * 64)
    config = TrainingConfig(built.config, preprocessing_of(48), AugmentConfig(), OptimConfig(), data)
    create_checkpoint(tmp_path, config, built.tokenizer)
    write_weights(tmp_path, built.model, {})
    tower = load_checkpoint(tmp_path).model.image_tower
    assert tower.architecture == "resnet34"
    assert torch.equal(tower.backbone.layer3[5].conv2.weight, built.model.image_tower.backbone.layer3[5].conv2.weight)


def test_damaged_weights_are_refused(copy: Path) -> None:
    weights = copy / CheckpointFiles.WEIGHTS
    content = weights.read_bytes()
    weights.unlink()  # a hard link
    weights.write_bytes(content[:-1000])
    with pytest.raises(CheckpointDamaged, match=r"expected the weights that config\.json describes"):
        load_checkpoint(copy)


def test_weights_of_another_width_are_refused(copy: Path) -> None:
    model = json.loads((copy / CheckpointFiles.CONFIG).read_text())["model"]
    rewrite(copy, model={**model, "dim": 32})
    with pytest.raises(CheckpointDamaged, match="size mismatch"):
        load_checkpoint(copy)


def rewrite(folder: Path, **values: object) -> None:
    config = folder / CheckpointFiles.CONFIG
    config.write_text(json.dumps({**json.loads(config.read_text()), **values}))
