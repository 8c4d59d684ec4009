"""Transfer of a text tower to another language, by captions of the same photos."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from photoseek.captions import Caption
from photoseek_export import export_checkpoint
from photoseek_train.config import ModelInit
from photoseek_train.errors import SettingsError
from photoseek_train.evaluation.evaluate import evaluate
from photoseek_train.model.checkpoint import CheckpointFiles, load_checkpoint, read_metrics, weights_hash
from photoseek_train.model.vocabulary_transfer import Ids, train_ibm_model1, transfer_vocabulary
from toy_world import MakeFit, World

CHINESE = {"red": "红", "green": "绿", "blue": "蓝", "white": "白"}


def ids(*tokens: int) -> Ids:
    return np.array(tokens, dtype=np.int64)


def test_alignment_of_a_case_worked_by_hand() -> None:
    """Photo 1 pairs our 0 and 1 with their 0 and 1, photo 2 our 0 with their 0."""
    ours, theirs = [ids(0, 1), ids(0)], [ids(0, 1), ids(0)]
    # first, all is shared equally: of our 0 come 1/2 + 1 of their 0 and 1/2 of their 1; of our 1, 1/2 of each
    np.testing.assert_allclose(train_ibm_model1(ours, theirs, (2, 2), 1), [[0.75, 0.25], [0.5, 0.5]], atol=1e-6)
    # then their 0 is shared 3:2 and their 1 is shared 1:2 in photo 1
    counts = np.array([[3 / 5 + 1, 1 / 3], [2 / 5, 2 / 3]])
    expected = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(train_ibm_model1(ours, theirs, (2, 2), 2), expected, atol=1e-6)
    np.testing.assert_allclose(train_ibm_model1(ours, theirs, (2, 2), 300), np.eye(2), atol=0.01)


def test_alignment_equals_loops_over_every_pair() -> None:
    rng = np.random.default_rng(0)
    ours = [rng.integers(0, 6, rng.integers(1, 9)) for _ in range(20)]
    theirs = [rng.integers(0, 8, rng.integers(1, 9)) for _ in range(20)]
    given = np.ones((6, 8))
    for _ in range(5):
        counts = np.zeros((6, 8))
        for left, right in zip(ours, theirs, strict=True):
            for word in right:
                total = sum(given[token, word] for token in left)
                for token in left:
                    counts[token, word] += given[token, word] / total
        given = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(train_ibm_model1(ours, theirs, (6, 8), 5), given, atol=1e-5)


def test_tokens_without_captions_have_probability_zero() -> None:
    found = train_ibm_model1([ids(1)], [ids(2, 2, 0)], (3, 4))
    np.testing.assert_allclose(found, [[0] * 4, [1 / 3, 0, 2 / 3, 0], [0] * 4], atol=1e-6)


def translate(text: str) -> str:
    """Return the Chinese translation of a caption."""
    found = [CHINESE[word] for word in text.lower().replace(",", " ").replace(".", " ").split() if word in CHINESE]
    return f"左边{found[0]}，右边{found[1]}。" if "beside" in text else f"一张图，先{found[0]}再{found[1]}"


@pytest.fixture(scope="module")
def chinese(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    captions = tmp_path_factory.mktemp("captions") / "captions.zh.token"
    lines = (line.split("\t") for line in world.captions.read_text("utf-8").splitlines())
    captions.write_text("".join(f"{key}\t{translate(text)}\n" for key, text in lines), "utf-8")
    return world._replace(captions=captions)


def captions_of(world: World) -> list[Caption]:
    return list(world.split("train").captions)


class Transferred(NamedTuple):
    """A checkpoint that was transferred to Chinese, and its number of word pieces."""

    path: Path
    pieces: int


@pytest.fixture(scope="module")
def transferred(world: World, chinese: World, english: Path, tmp_path_factory: pytest.TempPathFactory) -> Transferred:
    """Read-only."""
    out = tmp_path_factory.mktemp("transferred") / "zh"
    return Transferred(out, transfer_vocabulary(english, captions_of(world), captions_of(chinese), out))


def test_a_transferred_tower_finds_photos_before_training(
    chinese: World, english: Path, transferred: Transferred
) -> None:
    loaded = load_checkpoint(transferred.path)
    assert len(loaded.tokenizer) == transferred.pieces == loaded.config.model.text_architecture["vocab_size"]
    found = evaluate(transferred.path, chinese.split("dev")).metrics.text_to_image
    # by chance, the photo is among the first five of 16 in 31%
    assert found.r5 > 60
    before, after = load_checkpoint(english).model.state_dict(), loaded.model.state_dict()
    differing = [name for name, tensor in before.items() if not torch.equal(tensor, after[name])]
    assert differing == ["text_tower.bert.embeddings.word_embeddings.weight"]
    assert read_metrics(transferred.path)["transplanted_from"] == weights_hash(english)


def test_it_is_trained_and_exported_with_the_first_tower(
    make_fit: MakeFit, chinese: World, english: Path, transferred: Transferred, tmp_path: Path
) -> None:
    """The bundle records its metrics only if they belong to its weights."""
    fit = make_fit(tmp_path / "tuned", tune="text", epochs=2, freeze_images=True, text_lr=1e-4, lr=1e-3)
    sources = ModelInit(max_tokens=24, checkpoint=transferred.path, dropout=0.0)
    settings = replace(fit.settings, sources=sources)
    run = replace(fit, train=chinese.split("train"), dev=chinese.split("dev"), settings=settings)()
    assert run.best is not None
    assert run.best.dev.text_to_image.r5 > 60
    metrics = run.path / CheckpointFiles.METRICS
    metrics.write_text(json.dumps({**json.loads(metrics.read_text()), "weights_sha256": "0" * 64}))
    bundle = export_checkpoint(english, tmp_path / "bundle", texts={"zh": run.path})
    assert bundle.languages == ("en", "zh")
    assert bundle.manifest.precisions["fp32"]["metrics"] == read_metrics(english)["dev"]
    assert "metrics" not in bundle.manifest.text_towers["zh"].precisions["fp32"]


def test_captions_of_other_photos_are_refused_and_nothing_is_written(
    world: World, chinese: World, english: Path, tmp_path: Path
) -> None:
    elsewhere = [Caption(f"other/{caption.image}", caption.index, caption.text) for caption in captions_of(chinese)]
    with pytest.raises(SettingsError, match="expected photos with captions in both languages, found none"):
        transfer_vocabulary(english, captions_of(world), elsewhere, tmp_path / "zh")
    assert not (tmp_path / "zh").exists()
    with pytest.raises(SettingsError, match="contains a checkpoint"):
        transfer_vocabulary(english, captions_of(world), captions_of(chinese), english)


def test_a_piece_without_a_common_photo_is_initialized_with_the_mean(
    world: World, chinese: World, english: Path, tmp_path: Path
) -> None:
    further = [*captions_of(chinese), *(Caption("elsewhere.png", number, "狗狗狗狗") for number in range(5))]
    transfer_vocabulary(english, captions_of(world), further, tmp_path / "zh")
    loaded = load_checkpoint(tmp_path / "zh")
    words = loaded.model.state_dict()["text_tower.bert.embeddings.word_embeddings.weight"]
    assert torch.isfinite(words).all()
    row = words[loaded.tokenizer.convert_tokens_to_ids("狗")]
    old = load_checkpoint(english)
    used = sorted({token for caption in captions_of(world) for token in old.tokenizer(caption.text)["input_ids"]})
    used = [token for token in used if token not in old.tokenizer.all_special_ids]
    middle = old.model.state_dict()["text_tower.bert.embeddings.word_embeddings.weight"][used].mean(dim=0)
    torch.testing.assert_close(row, middle)
