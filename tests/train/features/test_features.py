"""Valid features are reused, stale ones are computed again, and interrupted extractions resume."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from PIL import Image

from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.config import ModelInit, preprocessing_of
from photoseek_train.data.photos import load_photo
from photoseek_train.errors import FeaturesError, SettingsError
from photoseek_train.features.cache import CacheRequest, FeatureCache, Features, ResumableArray
from photoseek_train.features.frozen_features import cached_image_features, cached_text_features, extract_features
from photoseek_train.model.init import BuiltModel, build_model
from toy_world import World

SQUASHED = preprocessing_of(32, "squash")


class Counted:
    """An encoder of rows (position, position) that counts them, and can be killed."""

    def __init__(self, kill_after: int | None = None) -> None:
        self.rows: list[int] = []
        self.kill_after = kill_after

    def __call__(self, positions: Sequence[int]) -> Iterator[Features]:
        for position in positions:
            if len(self.rows) == self.kill_after:
                raise KeyboardInterrupt
            self.rows.append(position)
            yield np.full((1, 2), position, dtype=np.float32)


def request(encode: Counted, keys: str = "abcdef", model: str = "m") -> CacheRequest:
    return CacheRequest("image_embeddings", {"model": model}, list(keys), 2, encode)


@pytest.fixture(scope="module")
def built(bert: Path, resnet: Path) -> BuiltModel:
    return build_model(ModelInit(str(bert), str(resnet), max_tokens=24), seed=0)


def test_fresh_rows_are_not_computed_again(tmp_path: Path) -> None:
    first, second = Counted(), Counted()
    rows = FeatureCache(tmp_path / "f").rows(request(first))
    moved = FeatureCache(shutil.copytree(tmp_path / "f", tmp_path / "moved"))
    again = moved.rows(request(second, "fb"))
    assert first.rows == [0, 1, 2, 3, 4, 5]
    assert second.rows == []
    np.testing.assert_array_equal(again, rows[[5, 1]])


def test_another_model_makes_every_row_stale(tmp_path: Path) -> None:
    folder, second = FeatureCache(tmp_path), Counted()
    folder.rows(request(Counted()))
    folder.rows(request(second, model="other"))
    assert second.rows == [0, 1, 2, 3, 4, 5]


def test_only_unknown_content_is_computed(tmp_path: Path) -> None:
    folder, second = FeatureCache(tmp_path), Counted()
    folder.rows(request(Counted(), "abc"))
    rows = folder.rows(request(second, "cXaX"))
    assert second.rows == [1]
    assert rows[:, 0].tolist() == [2, 1, 0, 1]
    assert np.load(tmp_path / "image_embeddings.npy").shape == (4, 2)
    assert not (tmp_path / ".partial").exists()


def test_an_interrupted_extraction_resumes(tmp_path: Path) -> None:
    folder, second = FeatureCache(tmp_path, commit_seconds=0.0), Counted()
    with pytest.raises(KeyboardInterrupt):
        folder.rows(request(Counted(kill_after=4)))
    rows = folder.rows(request(second))
    assert second.rows == [4, 5]
    assert rows[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_processes_that_share_a_folder_compute_rows_once(tmp_path: Path) -> None:
    started, second = Event(), Counted()

    def encode(positions: Sequence[int]) -> Iterator[Features]:
        started.set()
        time.sleep(0.2)  # in which the second process would begin to compute, too
        yield from Counted()(positions)

    with ThreadPoolExecutor() as threads:
        first = threads.submit(FeatureCache(tmp_path).rows, replace(request(Counted()), encode=encode))
        assert started.wait(10)
        rows = FeatureCache(tmp_path).rows(request(second))
    assert second.rows == []
    np.testing.assert_array_equal(rows, first.result())


def test_rows_that_another_process_replaces_meanwhile_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stores rows of another model between the reading of the manifest and of the rows."""
    folder, again = FeatureCache(tmp_path), Counted()
    folder.rows(request(Counted()))
    load = np.load

    def replace_and_load(path: Path) -> Features:
        monkeypatch.undo()
        folder.rows(replace(request(Counted(), model="other"), encode=lambda _: [np.full((6, 2), -1, np.float32)]))
        rows: Features = load(path)
        return rows

    monkeypatch.setattr(np, "load", replace_and_load)
    assert folder.rows(request(again))[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert again.rows == [0, 1, 2, 3, 4, 5]


def test_partial_rows_of_another_model_are_deleted(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ResumableArray(tmp_path, "t", {"model": 1}, 2, commit_seconds=0.0).run(list("abc"), Counted(kill_after=2))
    second = Counted()
    ResumableArray(tmp_path, "t", {"model": 2}, 2).run(list("abc"), second)
    assert second.rows == [0, 1, 2]


def test_a_damaged_table_is_computed_again(tmp_path: Path) -> None:
    folder, second = FeatureCache(tmp_path), Counted()
    folder.rows(request(Counted()))
    (tmp_path / "image_embeddings.npy").write_bytes(b"half a fi")
    folder.rows(request(second))
    assert len(second.rows) == 6


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 2, "tables": {}}))
    with pytest.raises(FeaturesError, match="format 2, this photoseek reads format 1; upgrade"):
        FeatureCache(tmp_path).rows(request(Counted()))


def test_image_rows_equal_the_towers_output(tmp_path: Path, world: World, built: BuiltModel) -> None:
    paths = world.split("dev").paths
    rows = cached_image_features(FeatureCache(tmp_path), built.model.image_tower, SQUASHED, paths)
    one = torch.from_numpy(SQUASHED(load_photo(paths[3]))[None])
    with torch.inference_mode():
        expected = built.model.image_tower.eval()(one)
    assert rows.shape == (len(paths), 512)
    torch.testing.assert_close(rows[3:4], expected, atol=1e-4, rtol=1e-4)


def test_text_rows_equal_the_towers_output(tmp_path: Path, built: BuiltModel) -> None:
    """Captions are computed in order of length, but returned in the original order."""
    texts = ["red beside blue and much more white than that", "red", "red beside green"]
    rows = cached_text_features(FeatureCache(tmp_path), built, texts)
    ids = torch.tensor([built.tokenizer("red beside green")["input_ids"]])
    with torch.inference_mode():
        expected = built.model.text_tower.eval()(ids, torch.ones_like(ids))
    torch.testing.assert_close(rows[2:], expected, atol=1e-5, rtol=1e-5)


def test_preprocessing_and_changed_photos_make_rows_stale(tmp_path: Path, world: World, built: BuiltModel) -> None:
    images = shutil.copytree(world.images, tmp_path / "images")
    paths = sorted(images.iterdir())[:4]
    folder = FeatureCache(tmp_path / "f")

    def make(preprocessing: Preprocessing) -> list[int]:
        done: list[int] = []
        cached_image_features(
            folder,
            built.model.image_tower,
            preprocessing,
            paths,
            progress=lambda _task, _done, total: done.append(total),
        )
        return done[:1]

    assert make(SQUASHED) == [4]
    assert make(SQUASHED) == []
    Image.new("RGB", (40, 40)).save(paths[1])
    assert make(SQUASHED) == [1]
    assert make(preprocessing_of(32, "crop")) == [4]


def test_the_manifest_records_what_the_rows_depend_on(tmp_path: Path, world: World, bert: Path, resnet: Path) -> None:
    sources = ModelInit(str(bert), str(resnet), max_tokens=24)
    assert extract_features(tmp_path, sources, SQUASHED, world.split("dev")) == (16, 32)
    tables = json.loads((tmp_path / "manifest.json").read_text())["tables"]
    assert tables["image_embeddings"]["identity"].keys() == {"architecture", "weights_sha256", "preprocessing"}
    assert tables["image_embeddings"]["identity"]["preprocessing"] == SQUASHED.id
    assert tables["image_embeddings"]["identity"]["architecture"] == "resnet18"
    assert tables["text_embeddings"]["identity"]["pooling"] == "mean"
    assert len(tables["text_embeddings"]["keys"]) == 32


def test_features_of_random_weights_are_refused(tmp_path: Path, world: World, bert: Path) -> None:
    with pytest.raises(SettingsError, match="expected pretrained weights, found none; use imagenet"):
        extract_features(tmp_path, ModelInit(str(bert), "none"), SQUASHED, world.split("dev"))
