"""Scenes for training: the same pictures, names and splits in every language."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek.captions import read_captions, read_split
from photoseek_export.demo.scene_folder import SceneFolder, write_scenes
from photoseek_export.demo.scenes.scenes import DEV_SEEDS, TRAIN_SEEDS, captions, compose, picture_name, queries

SPLITS = {"train": TRAIN_SEEDS[:6], "dev": DEV_SEEDS[:2]}
NAMES = {split: [picture_name(seed) for seed in seeds] for split, seeds in SPLITS.items()}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> SceneFolder:
    return write_scenes(tmp_path_factory.mktemp("scenes"), SPLITS)


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


def test_only_the_given_languages_are_written(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path, {"train": TRAIN_SEEDS[:1]}, languages=("zh",))
    assert scenes.captions("zh").exists()
    assert not scenes.captions("en").exists()


def test_existing_pictures_are_kept_and_counted(tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    existing = SceneFolder(tmp_path).images / NAMES["train"][1]
    existing.parent.mkdir()
    existing.write_bytes(b"existing")
    write_scenes(tmp_path, SPLITS, progress=lambda done, total: reported.append((done, total)))
    assert existing.read_bytes() == b"existing"
    assert reported == [(done, 8) for done in range(1, 9)]
    assert not list(existing.parent.glob("*.part"))
