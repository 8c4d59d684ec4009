"""A small checkpoint to export, created once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from photoseek import Bundle
from photoseek_export import export_checkpoint
from photoseek_export.quality_gate import EvaluationImages
from photoseek_train.config import AugmentConfig, DataConfig, ModelInit, OptimConfig, TrainingConfig, preprocessing_of
from photoseek_train.model.checkpoint import CheckpointFiles, create_checkpoint, read_config, write_weights
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert
from photoseek_train.model.init import build_model
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
    """The models here are small: threads that share an operator would spend most of their time on waiting."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights whose batch norms are not those of a fresh model; read only."""
    folder = tmp_path_factory.mktemp("export")
    shape = CompactBert(layers=2, hidden=32, heads=2, vocabulary=200, positions=48)
    create_compact_bert(CAPTIONS, folder / "bert", shape)
    built = build_model(ModelInit(str(folder / "bert"), image_weights="none", max_tokens=48), seed=3)
    built.model.train()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for _ in range(2):  # running means and variances
            built.model.embed_image(torch.randn(4, 3, SIZE, SIZE, generator=generator) * 2 + 0.5)
    config = TrainingConfig(
        model=built.config,
        preprocessing=preprocessing_of(SIZE, "crop"),
        augment=AugmentConfig(),
        optim=OptimConfig(tune="both"),
        data=DataConfig(4, 4, "0" * 64, 1, 1, "1" * 64),
    )
    create_checkpoint(folder / "checkpoint", config, built.tokenizer)
    write_weights(folder / "checkpoint", built.model.eval(), {"epoch": 7, "dev": DEV_METRICS})
    assert (folder / "checkpoint" / CheckpointFiles.WEIGHTS).is_file()
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
        lines += [f"{file.name}#{index}\t{' '.join(said)}" for index, said in enumerate((turned[:8], turned[::-1]))]
    (folder / "captions.token").write_text("\n".join(lines))
    return EvaluationImages(folder / "images", folder / "captions.token")


@pytest.fixture(scope="session")
def plain(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The checkpoint as an fp32 bundle without ``evaluation``, next to two other folders; read-only."""
    folder = tmp_path_factory.mktemp("plain")
    for name in ("b.old", "b.partial"):
        (folder / name).mkdir()
    return export_checkpoint(checkpoint, folder / "b")
