"""What a tower of one language knows is taken over into another, through captions of the same photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from photoseek.captions import Caption
from photoseek_export import export_checkpoint
from photoseek_train.alignment import Ids, align
from photoseek_train.checkpoint import load_checkpoint, read_metrics, weights_hash
from photoseek_train.errors import SettingsError
from photoseek_train.evaluate import evaluate
from photoseek_train.fit import Fit
from photoseek_train.sources import TowerSources
from photoseek_train.transplant import transplant
from toy_world import MakeFit, World

CHINESE = {"red": "红", "green": "绿", "blue": "蓝", "white": "白"}


def ids(*tokens: int) -> Ids:
    return np.array(tokens, dtype=np.int64)


def test_alignment_of_a_case_worked_by_hand() -> None:
    """Photo 1 has our 0 and 1 beside their 0 and 1, photo 2 our 0 beside their 0."""
    ours, theirs = [ids(0, 1), ids(0)], [ids(0, 1), ids(0)]
    # first, all is shared equally: of our 0 come 1/2 + 1 of their 0 and 1/2 of their 1; of our 1, 1/2 of each
    np.testing.assert_allclose(align(ours, theirs, (2, 2), 1), [[0.75, 0.25], [0.5, 0.5]], atol=1e-6)
    # then their 0 is shared 3:2 and their 1 is shared 1:2 in photo 1
    counts = np.array([[3 / 5 + 1, 1 / 3], [2 / 5, 2 / 3]])
    expected = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(align(ours, theirs, (2, 2), 2), expected, atol=1e-6)
    np.testing.assert_allclose(align(ours, theirs, (2, 2), 300), np.eye(2), atol=0.01)


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
    np.testing.assert_allclose(align(ours, theirs, (6, 8), 5), given, atol=1e-5)


def test_tokens_in_no_caption_stand_for_nothing() -> None:
    found = align([ids(1)], [ids(2, 2, 0)], (3, 4))
    np.testing.assert_allclose(found, [[0] * 4, [1 / 3, 0, 2 / 3, 0], [0] * 4], atol=1e-6)


def translate(text: str) -> str:
    """The world's sentences in Chinese: left and right keep their order, and another sentence frames them."""
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


def test_a_transplanted_tower_understands_before_it_has_learned(
    world: World, chinese: World, english: Path, tmp_path: Path
) -> None:
    pieces = transplant(english, captions_of(world), captions_of(chinese), tmp_path / "zh")
    loaded = load_checkpoint(tmp_path / "zh")
    assert len(loaded.tokenizer) == pieces == loaded.config.model.text_architecture["vocab_size"]
    found = evaluate(tmp_path / "zh", chinese.split("dev")).metrics.text_to_image
    # a guess would have the photo among the first five of 16 in 31%
    assert found.r5 > 60
    before, after = load_checkpoint(english).model.state_dict(), loaded.model.state_dict()
    differing = [name for name, tensor in before.items() if not torch.equal(tensor, after[name])]
    assert differing == ["text_tower.bert.embeddings.word_embeddings.weight"]
    assert read_metrics(tmp_path / "zh")["transplanted_from"] == weights_hash(english)


def test_it_is_tuned_and_exported_beside_the_first(
    make_fit: MakeFit, world: World, chinese: World, english: Path, tmp_path: Path
) -> None:
    transplant(english, captions_of(world), captions_of(chinese), tmp_path / "zh")
    fit = make_fit(out=tmp_path / "tuned", tune="text", epochs=2, freeze_images=True, text_lr=1e-4, lr=1e-3)
    sources = TowerSources("", max_tokens=24, checkpoint=tmp_path / "zh", dropout=0.0)
    settings = type(fit.settings)(sources, fit.settings.preprocessing, fit.settings.augment, fit.settings.optim)
    run = Fit(chinese.split("train"), chinese.split("dev"), settings, tmp_path / "tuned")()
    assert run.best is not None
    assert run.best.dev.text_to_image.r5 > 60
    bundle = export_checkpoint(english, tmp_path / "bundle", texts={"zh": run.path})
    assert bundle.languages == ("en", "zh")


def test_what_cannot_be_transplanted_is_refused_and_nothing_is_written(
    world: World, chinese: World, english: Path, tmp_path: Path
) -> None:
    elsewhere = [Caption(f"other/{caption.image}", caption.index, caption.text) for caption in captions_of(chinese)]
    with pytest.raises(SettingsError, match="expected photos with captions in both languages, found none"):
        transplant(english, captions_of(world), elsewhere, tmp_path / "zh")
    assert not (tmp_path / "zh").exists()
    with pytest.raises(SettingsError, match="holds a checkpoint already"):
        transplant(english, captions_of(world), captions_of(chinese), english)


def test_a_piece_that_no_common_photo_has_begins_in_the_middle(
    world: World, chinese: World, english: Path, tmp_path: Path
) -> None:
    further = [*captions_of(chinese), *(Caption("elsewhere.png", number, "狗狗狗狗") for number in range(5))]
    transplant(english, captions_of(world), further, tmp_path / "zh")
    loaded = load_checkpoint(tmp_path / "zh")
    words = loaded.model.state_dict()["text_tower.bert.embeddings.word_embeddings.weight"]
    assert torch.isfinite(words).all()
    row = words[loaded.tokenizer.convert_tokens_to_ids("狗")]
    old = load_checkpoint(english)
    used = sorted({token for caption in captions_of(world) for token in old.tokenizer(caption.text)["input_ids"]})
    used = [token for token in used if token not in old.tokenizer.all_special_ids]
    middle = old.model.state_dict()["text_tower.bert.embeddings.word_embeddings.weight"][used].mean(dim=0)
    torch.testing.assert_close(row, middle)
