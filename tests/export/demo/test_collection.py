"""Training data: drawn scenes with the same images and splits in every language, and photos next to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek.captions import read_captions, read_split
from photoseek_export.demo.collection import CaptionedFolder, Collection, write_scenes
from photoseek_export.demo.scenes.scenes import (
    DEV_SEEDS,
    TRAIN_SEEDS,
    Language,
    captions,
    compose,
    picture_name,
    queries,
)
from photoseek_train.errors import DataError

SPLITS = {"train": TRAIN_SEEDS[:6], "dev": DEV_SEEDS[:2]}
NAMES = {split: [picture_name(seed) for seed in seeds] for split, seeds in SPLITS.items()}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> CaptionedFolder:
    return write_scenes(tmp_path_factory.mktemp("scenes"), SPLITS)


def test_both_languages_have_the_same_names_and_splits(scenes: CaptionedFolder) -> None:
    english, chinese = (read_captions(scenes.captions(language)) for language in ("en", "zh"))
    assert [(c.image, c.index) for c in chinese] == [(c.image, c.index) for c in english]
    assert list(dict.fromkeys(c.image for c in english)) == [*NAMES["train"], *NAMES["dev"]]
    assert {split: read_split(scenes.split(split)) for split in SPLITS} == NAMES
    assert scenes.captions("zh") == scenes.folder / "captions.zh.token"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_training_texts_are_captions_and_queries_and_dev_texts_are_captions(
    scenes: CaptionedFolder, language: Language
) -> None:
    expected: dict[str, list[str]] = {"train": [], "dev": []}
    for split, seeds in SPLITS.items():
        for seed in seeds:
            expected[split] += captions(compose(seed), seed, language)
            expected[split] += queries(compose(seed), seed, language) if split == "train" else []
    assert {split: [c.text for c in scenes.texts(split, language)] for split in SPLITS} == expected


def test_only_the_given_languages_are_written(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path, {"train": TRAIN_SEEDS[:1]}, languages=("zh",))
    assert scenes.captions("zh").exists()
    assert not scenes.captions("en").exists()


def test_existing_pictures_are_counted_and_not_drawn_again(tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    existing = CaptionedFolder(tmp_path).images / NAMES["train"][1]
    existing.parent.mkdir()
    existing.write_bytes(b"existing")
    write_scenes(tmp_path, SPLITS, progress=lambda done, total: reported.append((done, total)))
    assert existing.read_bytes() == b"existing"
    assert reported == [(done, 8) for done in range(1, 9)]
    assert not list(existing.parent.glob("*.part"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_kind_is_in_a_subfolder(
    scenes: CaptionedFolder, photos: CaptionedFolder, tmp_path: Path, language: Language
) -> None:
    """A photo without captions in a language is not in that language's splits."""
    collection = Collection(tmp_path / "pictures", {"scenes": scenes, "photos": photos})
    collection.link()
    without = 0 if language == "en" else 1
    for split, drawn, photographed in (("train", 6, 20 - without), ("dev", 2, 4)):
        data = collection.data(split, language)
        folders = [name.partition("/")[0] for name in data.names]
        assert (folders.count("scenes"), folders.count("photos")) == (drawn, photographed)
        assert all(path.is_file() for path in data.paths)
        assert len(collection.data(split, language, ["photos"]).names) == photographed
    english = {caption.text for caption in read_captions(photos.captions())}
    assert english.isdisjoint(collection.data("train", "zh").texts)


def test_a_missing_file_of_photos_is_named(photos: CaptionedFolder, tmp_path: Path) -> None:
    photos.check_files()
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match=r"captions\.token: not found; expected images/, captions and splits in"):
        CaptionedFolder(tmp_path).check_files()


def test_links_follow_other_photos(photos: CaptionedFolder, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for source in (photos, CaptionedFolder(tmp_path)):
        Collection(tmp_path / "pictures", {"photos": source}).link()
    assert (tmp_path / "pictures" / "photos").resolve() == tmp_path / "images"
