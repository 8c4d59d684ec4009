"""Scenes for training: the same pictures, names and splits in every language, drawn by several processes or by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek.captions import read_captions, read_split
from photoseek_export.demo.scene_folder import SceneFolder, write_scenes
from photoseek_export.demo.scenes.scenes import DEV_SEEDS, TRAIN_SEEDS, captions, compose, picture_name, queries, render

SPLITS = {"train": TRAIN_SEEDS[:6], "dev": DEV_SEEDS[:2]}
NAMES = {split: [picture_name(seed) for seed in seeds] for split, seeds in SPLITS.items()}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> SceneFolder:
    return write_scenes(tmp_path_factory.mktemp("scenes"), SPLITS, processes=1)


def test_both_languages_have_the_same_names_and_splits(scenes: SceneFolder) -> None:
    english, chinese = (read_captions(scenes.captions(language)) for language in ("en", "zh"))
    assert [(c.image, c.index) for c in chinese] == [(c.image, c.index) for c in english]
    assert list(dict.fromkeys(c.image for c in english)) == [*NAMES["train"], *NAMES["dev"]]
    assert {split: read_split(scenes.split(split)) for split in SPLITS} == NAMES
    assert scenes.captions("zh") == scenes.folder / "scenes" / "captions.zh.token"


def test_sentences_are_the_captions_and_queries_of_their_split_alone(scenes: SceneFolder) -> None:
    for language in ("en", "zh"):
        for split, seeds in SPLITS.items():
            texts = [c.text for c in read_captions(scenes.sentences(split, language), NAMES[split])]
            made = [[*captions(compose(s), s, language), *queries(compose(s), s, language)] for s in seeds]
            assert texts == [text for of_scene in made for text in of_scene]
    assert scenes.sentences("train", "zh").name == "train.zh.token"


def test_only_the_languages_asked_for_are_written(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path, {"train": TRAIN_SEEDS[:1]}, languages=("zh",), processes=1)
    assert scenes.captions("zh").exists()
    assert not scenes.captions("en").exists()


def test_pictures_that_are_there_are_kept_and_counted(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    kept = SceneFolder(tmp_path).images / NAMES["train"][1]
    kept.parent.mkdir()
    kept.write_bytes(b"kept")
    write_scenes(tmp_path, SPLITS, processes=1, progress=lambda done, total: told.append((done, total)))
    assert kept.read_bytes() == b"kept"
    assert told == [(done, 8) for done in range(1, 9)]
    write_scenes(tmp_path, SPLITS, processes=1, progress=lambda done, total: told.append((done, total)))
    assert told[8:] == [(8, 8)]


def test_two_processes_draw_what_one_draws(scenes: SceneFolder, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    twice = write_scenes(tmp_path, SPLITS, processes=2, few=0, progress=lambda done, total: told.append((done, total)))
    for name in [*NAMES["train"], *NAMES["dev"]]:
        assert (twice.images / name).read_bytes() == (scenes.images / name).read_bytes()
    assert told == [(done, 8) for done in range(9)]
    assert not list(twice.images.glob("*.part"))
    assert render(compose(0), 0).size == (320, 240)
