"""Keywords in both languages, and training with them."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from photoseek.captions import Caption, read_captions
from photoseek.errors import MissingExtra
from photoseek_train.cli.app import app
from photoseek_train.config import FitResources, OptimConfig
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.data.keywords import with_keywords, write_keywords
from photoseek_train.errors import SettingsError
from photoseek_train.features.cache import FeatureCache
from photoseek_train.features.frozen_features import KEYWORDS, TEXTS, extract_features
from photoseek_train.features.inputs import CachedFeatures, KeywordReplacement
from photoseek_train.model.two_tower import TwoTower
from photoseek_train.training.fit import Fit
from toy_world import MakeFit, World, train_and_resume

ENGLISH = [
    "A black dog is running after a white dog in the snow .",
    "A man in a red shirt climbs a steep rock face",
    "The of and .",
]
CHINESE = ["一个穿着红色衣服的男孩在草地上玩耍。", "在雪地中奔跑的狗。", "在雪地中奔跑的黑狗。", "。"]


def captions(texts: list[str]) -> list[Caption]:
    return [Caption(f"{row}.jpg", 0, text) for row, text in enumerate(texts)]


def test_english_keywords_are_nouns_with_adjectives() -> None:
    dog, climber, nothing = (caption.keywords for caption in with_keywords(captions(ENGLISH)))
    assert {"black dog", "snow"} <= set(dog)
    assert {"red shirt", "rock face"} <= set(climber)
    assert nothing == ()
    assert not {"is", "a", "in", "after"} & {*dog, *climber}


def test_chinese_keywords_are_words_without_particles_and_counts() -> None:
    boy, dog, _, nothing = (caption.keywords for caption in with_keywords(captions(CHINESE)))
    assert boy == ("穿着", "红色", "衣服", "男孩", "草地", "玩耍")[: len(boy)]
    assert dog == ("雪地", "奔跑", "狗")
    assert nothing == ()


def test_the_rarest_chinese_words_are_kept_in_order() -> None:
    assert with_keywords(captions(CHINESE), top=1)[1].keywords == ("狗",)  # the other two are in two captions


def test_the_language_of_each_caption_is_detected() -> None:
    mixed = with_keywords(captions([ENGLISH[0], CHINESE[1]]))
    assert "snow" in mixed[0].keywords
    assert "雪地" in mixed[1].keywords


def test_a_file_with_keywords_is_deterministic_and_read_back(tmp_path: Path) -> None:
    given = captions(ENGLISH + CHINESE)
    written = write_keywords(given, tmp_path / "a", top=3)
    write_keywords(given, tmp_path / "b", top=3)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = read_captions(tmp_path / "a")
    assert [replace(caption, keywords=()) for caption in found] == given
    assert max(len(caption.keywords) for caption in found) == 3
    assert written == found
    assert [len(caption.keywords) for caption in found].count(0) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize(("text", "package"), [(ENGLISH[0], "yake"), (CHINESE[0], "rjieba")])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, text: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"need {package}, .*photoseek\[keywords\]"):
        with_keywords(captions([text]))


@pytest.mark.parametrize(("language", "top", "name"), [("fr", 5, "language"), ("en", 0, "top")])
def test_invalid_settings_are_named(tmp_path: Path, language: str, top: int, name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: expected"):
        write_keywords(captions(ENGLISH), tmp_path / "out", language, top)


def mixed(share: float, seed: int = 0, count: int = 1000) -> KeywordReplacement:
    """Captions whose feature is their row, with keywords whose feature is its negative less one."""
    rows = torch.arange(count, dtype=torch.float32)
    both = torch.cat([rows, -rows - 1])[:, None]
    return KeywordReplacement(CachedFeatures(both, TwoTower.project_text), share, seed)


def drawn(inputs: KeywordReplacement, epoch: int, sizes: tuple[int, ...] = (1000,)) -> torch.Tensor:
    batches = np.split(np.arange(1000), np.cumsum(sizes)[:-1])
    return torch.cat(list(inputs.stream(batches, epoch)))[:, 0]


def test_share_0_uses_no_keywords_and_share_1_only_keywords() -> None:
    assert torch.equal(drawn(mixed(0.0), 1), torch.arange(1000.0))
    assert torch.equal(drawn(mixed(1.0), 1), -torch.arange(1000.0) - 1)
    assert len(mixed(0.5)) == 1000


def test_the_choice_is_derived_from_seed_epoch_and_row() -> None:
    """And not from the batches."""
    first = drawn(mixed(0.25), 1)
    assert torch.equal(first, drawn(mixed(0.25), 1, sizes=(300, 700)))
    assert not torch.equal(first, drawn(mixed(0.25), 2))
    assert not torch.equal(first, drawn(mixed(0.25, seed=1), 1))
    assert 190 < int((first < 0).sum()) < 310  # 4.4 deviations
    rows = torch.arange(1000.0)
    assert torch.equal(torch.where(first < 0, -first - 1, first), rows)


@pytest.fixture
def keyword_fit(world: World, make_fit: MakeFit, tmp_path: Path) -> Callable[..., Fit]:
    """A run on the world's captions, whose keywords are their colors."""
    lines = []
    for caption in read_captions(world.captions):
        colors = [word.strip(",.") for word in caption.text.split() if word.strip(",.") in ("red", "green", "blue")]
        lines.append(f"{caption.image}#{caption.index}\t{caption.text}\t{', '.join(colors)}\n")
    file = tmp_path / "kw.token"
    file.write_text("".join(lines), "utf-8")

    def make(name: str, **optim: object) -> Fit:
        fit = make_fit(tmp_path / name, resources=FitResources(tmp_path / "features"), **optim)
        train, dev = (CaptionedPhotos.read(world.images, file, split) for split in (world.train, world.dev))
        return replace(fit, train=train, dev=dev)

    return make


@pytest.mark.parametrize("tune", ["none", "text"])
def test_a_resumed_run_with_keywords_ends_like_an_uninterrupted_one(keyword_fit: Callable[..., Fit], tune: str) -> None:
    uninterrupted, resumed = train_and_resume(keyword_fit("run", tune=tune, epochs=2, keywords=0.5))
    assert [record.loss for record in resumed.history] == pytest.approx(
        [r.loss for r in uninterrupted.history], abs=1e-6
    )


def test_keywords_change_the_training_data_and_are_not_evaluated(keyword_fit: Callable[..., Fit]) -> None:
    """With a learning rate of nearly 0, dev metrics are equal, although training sees only keywords."""
    plain, with_words = (keyword_fit(str(p), epochs=1, keywords=p, lr=1e-12)() for p in (0.0, 1.0))
    assert plain.history[0].dev == with_words.history[0].dev
    assert plain.history[0].loss != with_words.history[0].loss
    tables = FeatureCache(plain.path.parent / "features").tables()
    assert tables.keys() >= {TEXTS, KEYWORDS}
    assert hashlib.sha256(b"red, green").hexdigest() in tables[KEYWORDS]["keys"]
    assert tables[KEYWORDS]["identity"] == tables[TEXTS]["identity"]
    assert plain.config.data.train_sha256 != with_words.config.data.train_sha256
    assert plain.config.data.dev_sha256 == with_words.config.data.dev_sha256


def test_fit_uses_the_features_of_keywords_that_are_cached(keyword_fit: Callable[..., Fit], tmp_path: Path) -> None:
    fit = keyword_fit("run", epochs=1, keywords=0.5)
    folder = tmp_path / "features"
    every = CaptionedPhotos.read(fit.train.folder, tmp_path / "kw.token")
    extract_features(folder, fit.settings.sources, fit.settings.preprocessing, every)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert f"{KEYWORDS}.npy" in before
    fit()
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_missing_keywords_are_an_error(make_fit: MakeFit) -> None:
    with pytest.raises(SettingsError, match=r"expected captions with a third column .* photoseek-train keywords"):
        make_fit(epochs=1, keywords=0.5)()
    with pytest.raises(SettingsError, match=r"^keywords: expected within \[0, 1\], found 1\.5"):
        OptimConfig(keywords=1.5)


def test_the_command_writes_a_file_that_fit_trains_on(world: World, bert: Path, resnet: Path, tmp_path: Path) -> None:
    file = tmp_path / "kw.token"
    written = call("keywords", "--captions", world.captions, "--out", file, "--top", 2)
    assert re.search(r"kw\.token: 128 captions, 1\.\d keywords each, 0 without keywords\n$", written.stdout)
    towers = ["--text-model", bert, "--image-weights", resnet, "--image-size", 32, "--max-tokens", 24]
    split = ["--train", world.train, "--dev", world.dev, "--batch-size", 16, "--epochs", 1, "--keywords", 0.5]
    data = ["--images", world.images, "--captions", file, "--out", tmp_path / "run"]
    assert call("fit", *data, *towers, *split).exit_code == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["optim"]["keywords"] == 0.5


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
