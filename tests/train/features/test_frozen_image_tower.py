"""The optimized frozen tower returns the features of the original tower, in order, on an available device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.config import AugmentConfig, preprocessing_of
from photoseek_train.data.augment import Augmentation
from photoseek_train.data.photos import TrainingPhotos
from photoseek_train.device import choose_device
from photoseek_train.errors import DataError, SettingsError
from photoseek_train.features.frozen_image_tower import FrozenImageTower
from photoseek_train.features.pipeline import encode_photos, encode_views
from photoseek_train.model.towers import ImageTower
from toy_world import World

SIZE = 64


@pytest.fixture(scope="module", autouse=True)
def several_threads() -> Iterator[None]:
    """Use several threads, so that batches are encoded in parallel."""
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tower() -> ImageTower:
    """Random weights and batch statistics."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tower = ImageTower()
        for module in tower.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean = torch.randn(module.num_features) / 10
                module.running_var = torch.rand(module.num_features) + 0.5
                nn.init.uniform_(module.weight, 0.5, 1.0)
                nn.init.normal_(module.bias, std=0.1)
    return tower.eval()


@pytest.fixture(scope="module")
def preprocessing() -> Preprocessing:
    return preprocessing_of(SIZE)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """More than one batch of noise images of different brightness."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    paths = [folder / f"{number:02d}.png" for number in range(37)]
    for number, path in enumerate(paths):
        Image.fromarray(rng.integers(0, 30 + 6 * number, (70, 90, 3), dtype=np.uint8)).save(path)
    return paths


def by_the_tower(tower: ImageTower, preprocessing: Preprocessing, paths: list[Path]) -> np.ndarray:
    pixels = [preprocessing(Image.open(path)) for path in paths]
    with torch.inference_mode():
        return tower(torch.from_numpy(np.stack(pixels))).numpy()


def test_features_equal_the_towers(tower: ImageTower, preprocessing: Preprocessing, photos: list[Path]) -> None:
    """With folded batch norms, and with several batches in parallel."""
    expected = by_the_tower(tower, preprocessing, photos)
    found = np.concatenate(list(encode_photos(FrozenImageTower(tower, preprocessing), photos)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert len({row.tobytes() for row in found}) == len(photos)


def test_bf16_features_are_close(tower: ImageTower, preprocessing: Preprocessing, photos: list[Path]) -> None:
    exact = by_the_tower(tower, preprocessing, photos)
    found = np.concatenate(list(encode_photos(FrozenImageTower(tower, preprocessing, bf16=True), photos)))
    cosines = (exact * found).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(found, axis=1)
    assert cosines.min() > 0.99
    assert not np.array_equal(found, exact)


def test_the_original_tower_keeps_its_batch_norms(tower: ImageTower, preprocessing: Preprocessing) -> None:
    before = {name: tensor.clone() for name, tensor in tower.state_dict().items()}
    FrozenImageTower(tower, preprocessing)
    assert tower.state_dict().keys() == before.keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in tower.state_dict().items())


def test_torchs_number_of_threads_is_restored(
    tower: ImageTower, preprocessing: Preprocessing, photos: list[Path]
) -> None:
    list(encode_photos(FrozenImageTower(tower, preprocessing), photos[:20]))
    assert torch.get_num_threads() == 3


def test_a_broken_photo_is_named(tower: ImageTower, preprocessing: Preprocessing, photos: list[Path]) -> None:
    broken = photos[0].with_name("broken.png")
    broken.write_bytes(b"no photo")
    with pytest.raises(DataError, match=r"broken\.png"):
        list(encode_photos(FrozenImageTower(tower, preprocessing), [*photos, broken]))


def test_a_device_is_chosen_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device() == choose_device("cpu") == torch.device("cpu")
    with pytest.raises(SettingsError, match=r"device: expected cuda, but torch .* finds none; use --device cpu"):
        choose_device("cuda")
    with pytest.raises(SettingsError, match="device: expected one of auto, cpu, cuda, mps, found 'gpu'"):
        choose_device("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == torch.device("cuda")


def test_views_equal_the_towers_output_for_augmented_photos(world: World, tower: ImageTower) -> None:
    how = preprocessing_of(SIZE)
    photos = TrainingPhotos(world.split("dev").paths[:5], Augmentation(AugmentConfig(color=0.4, erase=0.5), how), 3)
    views = [(number, row) for number in (1, 2) for row in range(5)]
    found = np.concatenate(list(encode_views(FrozenImageTower(tower, how), photos, views)))
    pixels = torch.stack([photos.for_epoch(number)[row] for number, row in views])
    with torch.inference_mode():
        expected = tower(pixels).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
