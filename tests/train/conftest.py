"""A small world that can be learned in seconds: two-coloured pictures, and towers of unit size."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from photoseek_train.compact import CompactBert, write_compact_bert
from photoseek_train.config import AugmentConfig, OptimConfig, preprocessing_of
from photoseek_train.fit import Fit, FitSettings
from photoseek_train.sources import TowerSources
from toy_world import COLOURS, SIZE, MakeFit, World, draw


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    (folder / "images").mkdir()
    lines: list[str] = []
    names: dict[str, list[str]] = {"train": [], "dev": []}
    for number, (split, left, right) in enumerate(product(["train"] * 3 + ["dev"], COLOURS, COLOURS)):
        name = f"{number:03d}.png"
        draw(folder / "images" / name, left, right, seed=number)
        lines += [f"{name}#0\t{left} beside {right}", f"{name}#1\tA picture, first {left}, then {right}."]
        names[split].append(name)
    (folder / "captions.token").write_text("\n".join(lines) + "\n", "utf-8")
    for split, members in names.items():
        (folder / f"{split}.txt").write_text("\n".join(members) + "\n", "utf-8")
    return World(folder / "images", folder / "captions.token", folder / "train.txt", folder / "dev.txt")


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory, world: World) -> Path:
    """Folder of a BERT of 2 layers, 32 wide, that knows the world's words."""
    out = tmp_path_factory.mktemp("models") / "bert"
    write_compact_bert(world.split("train").texts, out, CompactBert(2, 32, 2, vocabulary=200, positions=32))
    return out


@pytest.fixture(scope="session")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A torchvision state dict, classifier and all, with random weights."""
    path = tmp_path_factory.mktemp("models") / "resnet18.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(torchvision.models.resnet18().state_dict(), path)
    return path


@pytest.fixture(scope="session")
def english(world: World, bert: Path, resnet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained checkpoint; read only."""
    settings = FitSettings(
        TowerSources(str(bert), str(resnet), max_tokens=24, dim=16, dropout=0.0),
        preprocessing_of(SIZE, "squash"),
        AugmentConfig(crop_scale=0.9, flip=False),
        OptimConfig(tune="both", epochs=8, batch_size=16, lr=1e-2, image_lr=1e-3, text_lr=1e-3),
    )
    out = tmp_path_factory.mktemp("english") / "run"
    return Fit(world.split("train"), world.split("dev"), settings, out)().path


@pytest.fixture
def make_fit(world: World, bert: Path, resnet: Path, tmp_path: Path) -> MakeFit:
    """A run on the world: ``make_fit(tune="both", epochs=2, out=...)``."""

    def make(out: Path | None = None, resources: Any = None, augment: Any = None, **optim: Any) -> Fit:
        settings = FitSettings(
            TowerSources(str(bert), str(resnet), max_tokens=24, dim=16, dropout=0.0),
            preprocessing_of(SIZE, "squash"),
            augment or AugmentConfig(crop_scale=0.9, flip=False),
            OptimConfig(**{"batch_size": 16, "lr": 1e-2, "image_lr": 1e-3, "text_lr": 1e-3, **optim}),
        )
        fit = Fit(world.split("train"), world.split("dev"), settings, out or tmp_path / "out")
        return fit if resources is None else replace(fit, resources=resources)

    return make
