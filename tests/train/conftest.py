"""A small data set that can be learned in seconds: two-colored images, and tiny towers."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from photoseek_train.config import AugmentConfig, ModelInit, OptimConfig, preprocessing_of
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert
from photoseek_train.training.fit import Fit, FitSettings
from photoseek_train.training.run_folder import Run
from toy_world import COLORS, SIZE, MakeFit, World, draw


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Use one thread: for models this small, sharing an operator costs more than it saves."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    (folder / "images").mkdir()
    lines: list[str] = []
    names: dict[str, list[str]] = {"train": [], "dev": []}
    for number, (split, left, right) in enumerate(product(["train"] * 3 + ["dev"], COLORS, COLORS)):
        name = f"{number:03d}.png"
        draw(folder / "images" / name, left, right, seed=number)
        lines += [f"{name}#0\t{left} beside {right}", f"{name}#1\tA picture, first {left}, then {right}."]
        names[split].append(name)
    (folder / "captions.token").write_text("\n".join(lines) + "\n", "utf-8")
    for split, photos in names.items():
        (folder / f"{split}.txt").write_text("\n".join(photos) + "\n", "utf-8")
    return World(folder / "images", folder / "captions.token", folder / "train.txt", folder / "dev.txt")


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory, world: World) -> Path:
    """Folder of a BERT of 2 layers, 32 wide, with the vocabulary of the captions."""
    out = tmp_path_factory.mktemp("models") / "bert"
    create_compact_bert(world.split("train").texts, out, CompactBert(2, 32, 2, vocabulary=200, positions=32))
    return out


@pytest.fixture(scope="session")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A torchvision state dict with random weights, including the classifier."""
    path = tmp_path_factory.mktemp("models") / "resnet18.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(torchvision.models.resnet18().state_dict(), path)
    return path


@pytest.fixture(scope="session")
def fit_into(world: World, bert: Path, resnet: Path) -> MakeFit:
    """A run on the world: ``fit_into(out, tune="both", epochs=2)``."""

    def make(out: Path, resources: Any = None, augment: Any = None, **optim: Any) -> Fit:
        settings = FitSettings(
            ModelInit(str(bert), str(resnet), max_tokens=24, dim=16, dropout=0.0),
            preprocessing_of(SIZE, "squash"),
            augment or AugmentConfig(crop_scale=0.9, flip=False),
            OptimConfig(**{"batch_size": 16, "lr": 1e-2, "image_lr": 1e-3, "text_lr": 1e-3, **optim}),
        )
        fit = Fit(world.split("train"), world.split("dev"), settings, out)
        return fit if resources is None else replace(fit, resources=resources)

    return make


@pytest.fixture
def make_fit(fit_into: MakeFit, tmp_path: Path) -> MakeFit:
    """Like ``fit_into``, with a default folder."""
    return lambda out=None, **settings: fit_into(out or tmp_path / "out", **settings)


@pytest.fixture(scope="session")
def frozen_run(fit_into: MakeFit, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two epochs with frozen towers; read-only."""
    return fit_into(tmp_path_factory.mktemp("frozen") / "run", epochs=2)()


@pytest.fixture(scope="session")
def image_run(fit_into: MakeFit, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An image tower trained against a frozen text tower; read-only."""
    return fit_into(tmp_path_factory.mktemp("image") / "run", tune="image", epochs=5)()


@pytest.fixture(scope="session")
def text_run(fit_into: MakeFit, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A text tower trained against a frozen image tower; read-only."""
    return fit_into(tmp_path_factory.mktemp("text") / "run", tune="text", epochs=12)()


@pytest.fixture(scope="session")
def english_run(fit_into: MakeFit, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Six epochs of training both towers; read-only."""
    return fit_into(tmp_path_factory.mktemp("english") / "run", tune="both", epochs=6)()


@pytest.fixture(scope="session")
def english(english_run: Run) -> Path:
    """The checkpoint of ``english_run``; read-only."""
    return english_run.path
