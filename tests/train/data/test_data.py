"""Captioned photos, tokens, augmentation and the batches of an epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoseek.captions import Caption, CaptionFile
from photoseek.errors import CaptionFileError
from photoseek_train.config import AugmentConfig, OptimConfig, preprocessing_of
from photoseek_train.data.augment import Augmentation, random_box, resize_for_training
from photoseek_train.data.batches import sample_batches
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.data.photos import EvaluationPhotos, TrainingPhotos, preload_photos, stream_photos
from photoseek_train.data.tokens import Tokens
from photoseek_train.errors import DataError, SettingsError
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert
from photoseek_train.model.pretrained import load_tokenizer
from photoseek_train.training.optimizer import lr_multiplier
from toy_world import World


def test_captions_know_their_photos(world: World) -> None:
    data = world.split("dev")
    assert (len(data.names), len(data.captions)) == (16, 32)
    assert data.image_of_text[:4].tolist() == [0, 0, 1, 1]
    assert [rows.tolist() for rows in data.captions_of_image[:2]] == [[0, 1], [2, 3]]


def test_without_a_split_every_captioned_photo_is_read(world: World) -> None:
    assert len(CaptionedPhotos.read(world.images, world.captions).names) == 64


def test_missing_photos_are_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        CaptionedPhotos.read(tmp_path / "nowhere", world.captions)
    with pytest.raises(DataError, match=r"16 of 16 photos are not in this folder, the first is '048\.png'"):
        CaptionedPhotos.read(tmp_path, world.captions, world.dev)


def test_a_photo_without_captions_is_named(world: World, tmp_path: Path) -> None:
    (tmp_path / "split.txt").write_text("000.png\nunknown.png\n")
    with pytest.raises(CaptionFileError, match=r"unknown\.png"):
        CaptionedPhotos.read(world.images, world.captions, tmp_path / "split.txt")


def test_tokens_are_padded_to_the_longest_of_the_batch(bert: Path) -> None:
    tokenizer = load_tokenizer(str(bert))
    texts = ["red", "red beside blue", "a picture first red then blue and white and green"]
    tokens = Tokens(texts, tokenizer, max_tokens=8)
    ids, mask = tokens.batch([0, 1])
    assert ids.shape == (2, 5)
    assert ids[1].tolist() == tokenizer(texts[1])["input_ids"]
    assert mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert tokens.batch([2])[0].shape == (1, 8)


def test_evaluation_photos_are_preprocessed(world: World) -> None:
    paths, preprocessing = world.split("dev").paths, preprocessing_of(32, "crop")
    photos = EvaluationPhotos(paths, preprocessing)
    preload_photos(photos, 1 << 30, "photos")
    (batch,) = stream_photos(photos, [np.array([2, 0])], epoch=0, workers=0)
    for row, photo in zip(batch.numpy(), (paths[2], paths[0]), strict=True):
        np.testing.assert_array_equal(row, preprocessing(Image.open(photo)))


def test_an_epoch_is_reproducible(world: World) -> None:
    augmentation = Augmentation(AugmentConfig(), preprocessing_of(32, "crop"))
    photos = TrainingPhotos(world.split("dev").paths, augmentation, seed=1)
    first, again, later = (photos.for_epoch(epoch)[0].clone() for epoch in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(later)


def test_a_broken_photo_is_named_also_by_a_worker(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    photos = EvaluationPhotos([tmp_path / "bad.jpg"], preprocessing_of(32))
    for workers in (0, 1):
        with pytest.raises(DataError, match=r"^[^\n]*bad\.jpg: not a photo.*remove it from the split$"):
            list(stream_photos(photos, [np.array([0])], epoch=0, workers=workers))


@pytest.mark.parametrize("size", [(48, 36), (10, 300), (300, 10)])
def test_random_crops_are_inside_the_photo(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        left, top, right, bottom = random_box(*size, 0.5, 3 / 4, rng)
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]


def test_resizing_for_training_keeps_the_full_photo() -> None:
    photo = Image.new("RGB", (600, 300))
    assert resize_for_training(photo, preprocessing_of(112, "crop")).size == (256, 128)
    assert resize_for_training(photo, preprocessing_of(112, "squash")).size == (128, 128)


def test_an_epoch_of_photos_contains_each_once_with_its_captions(world: World) -> None:
    data = world.split("train")
    plan = sample_batches(data, OptimConfig(tune="both", batch_size=16, captions_per_photo=2), epoch=1)
    photos = np.concatenate([batch.photos for batch in plan])
    assert sorted(photos) == list(range(48))
    for batch in plan:
        assert len(batch.captions) == 32
        np.testing.assert_array_equal(data.image_of_text[batch.captions], batch.image_ids)


def test_an_epoch_of_features_contains_each_caption_once(world: World) -> None:
    data = world.split("train")
    first, second = (sample_batches(data, OptimConfig(batch_size=16), epoch) for epoch in (1, 2))
    assert sorted(np.concatenate([batch.captions for batch in first])) == list(range(96))
    assert not np.array_equal(first[0].captions, second[0].captions)


@pytest.mark.parametrize("tune", ["none", "both"])
def test_batches_by_folder_never_mix_folders(tmp_path: Path, tune: str) -> None:
    """Even if a folder has fewer photos than a batch; the order of folders is random."""
    names = [
        f"{folder}/{number}.jpg"
        for folder, count in (("drawn", 40), ("photos", 24), ("few", 3))
        for number in range(count)
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    captions = CaptionFile(tmp_path, tuple(Caption(name, 0, "a thing") for name in names))
    data = CaptionedPhotos.of(tmp_path, captions, None)
    config = OptimConfig(tune=tune, batch_size=8, batch_by="folder")
    plan = sample_batches(data, config, epoch=1)
    folders = [{data.names[row].partition("/")[0] for row in batch.photos} for batch in plan]
    assert [len(names) for names in folders] == [1] * 9
    assert sorted(np.concatenate([batch.photos for batch in plan])) == list(range(67))
    assert len({tuple(folder) for folder in folders[:6]}) > 1


def test_the_learning_rate_rises_and_falls() -> None:
    """Two of twelve steps warm up: a sixth of the run."""
    assert [lr_multiplier(step, 12, 1 / 6) for step in (0, 1, 2)] == [0.5, 1.0, 1.0]
    assert lr_multiplier(7, 12, 1 / 6) == pytest.approx(0.5)
    assert lr_multiplier(12, 12, 1 / 6) == pytest.approx(0.0)


def test_a_compact_bert_is_a_bert(bert: Path) -> None:
    tokenizer = load_tokenizer(str(bert))
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3, 4]) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert tokenizer.tokenize("RED, then blue!") == ["red", ",", "then", "blue", "[UNK]"]
    assert tokenizer("red")["input_ids"][0] == 2
    assert tokenizer("red")["input_ids"][-1] == 3


def test_a_compact_bert_of_an_invalid_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a multiple of the 3 heads, found 32"):
        CompactBert(hidden=32, heads=3)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingsError, match="found files in it"):
        create_compact_bert(["red"], tmp_path, CompactBert())
