"""Small checkpoints and their bundles, created once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.onnx._internal.exporter import _registration
from typer.testing import CliRunner

from exported_source import Exported
from photoseek import Bundle
from photoseek.bundle.manifest import Layout
from photoseek.photos.preprocessing import Preprocessing
from photoseek_export import export_checkpoint
from photoseek_export.cli import app
from photoseek_export.quality_gate import EvaluationImages
from photoseek_train.config import AugmentConfig, DataConfig, ModelInit, OptimConfig, TrainingConfig, preprocessing_of
from photoseek_train.model.checkpoint import create_checkpoint, read_config, write_weights
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert
from photoseek_train.model.init import build_model
from photoseek_train.model.timm_backbones import timm_preprocessing
from tiny_bundle import COLORS
from tiny_photos import write_color

SIZE = 64
DEV_METRICS = {
    "text_to_image": {"r1": 10.0, "r5": 20.0, "r10": 30.0, "medr": 9.0},
    "image_to_text": {"r1": 11.0, "r5": 21.0, "r10": 31.0, "medr": 8.0},
    "rsum": 123.0,
    "images": 1000,
    "captions": 5000,
}
CHINESE_CAPTIONS = ["树旁的红色汽车", "夜里海滩上的两只白狗", "海上的船", "孩子们在玩。"]
CAPTIONS = ["a red car next to a tree", "two white dogs on a beach at night", "a boat on the sea", "children playing"]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Use one thread: the models are so small that threads would mostly wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def one_registry() -> Iterator[None]:
    """Parse the 500 operators of the exporter once; it parses them for each graph, which takes longer than a model."""
    registry = _registration.ONNXRegistry
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "from_torchlib", staticmethod(cache(registry.from_torchlib)))
        yield


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights whose batch norms are not those of a fresh model; read only."""
    return make_checkpoint(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="session")
def timm_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint like the other, with a small model of timm; read-only."""
    name = "timm:test_efficientnet"
    return make_checkpoint(tmp_path_factory.mktemp("timm"), name, timm_preprocessing(name))


def make_checkpoint(folder: Path, image_model: str = "resnet18", model: Preprocessing | None = None) -> Path:
    """Create the checkpoint of an image model; ``model`` is its preprocessing."""
    shape = CompactBert(layers=2, hidden=32, heads=2, vocabulary=200, positions=48)
    create_compact_bert(CAPTIONS, folder / "bert", shape)
    sources = ModelInit(str(folder / "bert"), image_weights="none", max_tokens=48, image_model=image_model)
    built = build_model(sources, seed=3)
    built.model.train()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(2):  # running means and variances
            built.model.embed_image(torch.randn(4, 3, SIZE, SIZE, generator=generator) * 2 + 0.5)
    config = TrainingConfig(
        model=built.config,
        preprocessing=preprocessing_of(SIZE, "crop", model),
        augment=AugmentConfig(),
        optim=OptimConfig(tune="both"),
        data=DataConfig(4, 4, "0" * 64, 1, 1, "1" * 64),
    )
    create_checkpoint(folder / "checkpoint", config, built.tokenizer)
    write_weights(folder / "checkpoint", built.model.eval(), {"epoch": 7, "dev": DEV_METRICS})
    return folder / "checkpoint"


@pytest.fixture(scope="session")
def chinese_checkpoint(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another text tower, of another shape, with the image side of ``checkpoint``; read-only."""
    folder = tmp_path_factory.mktemp("chinese")
    shape = CompactBert(layers=1, hidden=16, heads=2, vocabulary=120, positions=24)
    create_compact_bert(CHINESE_CAPTIONS, folder / "bert", shape)
    built = build_model(ModelInit(str(folder / "bert"), max_tokens=24, pooling="cls", checkpoint=checkpoint), seed=4)
    config = replace(read_config(checkpoint), model=built.config, optim=OptimConfig(tune="text", freeze_images=True))
    create_checkpoint(folder / "checkpoint", config, built.tokenizer)
    write_weights(folder / "checkpoint", built.model.eval(), {"epoch": 3, "dev": {**DEV_METRICS, "rsum": 99.0}})
    return folder / "checkpoint"


@pytest.fixture(scope="session")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> EvaluationImages:
    """Twelve images with two captions each, no two of them alike: equal scores would be ranked by rounding errors."""
    folder = tmp_path_factory.mktemp("captioned")
    words = ["red", "car", "tree", "white", "dogs", "beach", "night", "boat", "sea", "children", "playing", "next"]
    lines = []
    for number, color in enumerate([*COLORS.values(), *COLORS.values()]):
        file = write_color(folder / "images" / f"{number}.png", color, seed=number, size=(80, 50 + number))
        turned = words[number:] + words[:number]
        lines += [f"{file.name}#{index}\t{' '.join(text)}" for index, text in enumerate((turned[:8], turned[::-1]))]
    (folder / "captions.token").write_text("\n".join(lines))
    return EvaluationImages(folder / "images", folder / "captions.token")


@pytest.fixture(scope="session")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty noisy photos, and a file that is not a photo; read-only."""
    folder = tmp_path_factory.mktemp("calibration")
    for number in range(20):
        color = list(COLORS.values())[number % len(COLORS)]
        write_color(folder / f"{number % 3}" / f"noise{number}.png", color, seed=number, size=(70, 90))
    (folder / "broken.jpg").write_text("no photo")
    return folder


@pytest.fixture(scope="session")
def bundle(
    checkpoint: Path, captioned: EvaluationImages, calibration: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """The checkpoint as a bundle of all precisions; read-only. The ranks of random towers are arbitrary."""
    out = tmp_path_factory.mktemp("bundles") / "small"
    return export_checkpoint(
        checkpoint, out, precisions=Layout.PRECISIONS, evaluation=captioned, calibration=calibration, max_loss=100.0
    )


@pytest.fixture(scope="session")
def replaced(bundle: Bundle, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The checkpoint exported over another bundle without evaluation, next to two other folders; read-only."""
    folder = tmp_path_factory.mktemp("replaced")
    for name in ("b.old", "b.partial"):
        (folder / name).mkdir()
    shutil.copytree(bundle.path, folder / "b")
    words = f"{checkpoint} --out {folder / 'b'} --overwrite --fp16 --name second --language zh"
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code == 0, done.output
    return Exported(Bundle.load(folder / "b"), done.output)
