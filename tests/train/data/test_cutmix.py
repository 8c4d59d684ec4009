"""CutMix: patches of other photos, and the weights of the captions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from photoseek_train.config import AugmentConfig, ModelInit, OptimConfig, preprocessing_of
from photoseek_train.data.augment import Augmentation, image_size_at
from photoseek_train.data.cutmix import sample_cutmix, target_weights
from photoseek_train.errors import SettingsError
from photoseek_train.training.fit import FitSettings


def test_each_pixel_comes_from_the_photo_or_its_partner() -> None:
    """Photo i has the value i everywhere, so that the pixels of the patch can be counted."""
    pixels = torch.arange(20.0)[:, None, None, None].expand(20, 3, 32, 32)
    mixing = sample_cutmix(20, (32, 32), likely=0.7, rng=np.random.default_rng(0))
    mixed = mixing(pixels)
    pasted = (mixed != pixels).float().mean(dim=(1, 2, 3)).numpy()
    np.testing.assert_allclose(pasted, mixing.mix_weight, atol=1e-6)
    assert 8 <= np.count_nonzero(pasted) <= 19
    for row, partner in enumerate(mixing.partner):
        assert set(mixed[row].unique().tolist()) <= {float(row), float(partner)}
    assert pixels[0].eq(0.0).all()  # the input is left as it was


def test_no_photo_is_replaced_completely() -> None:
    """Its captions would match no photo."""
    mixing = sample_cutmix(5_000, (8, 12), likely=1.0, rng=np.random.default_rng(1))
    assert mixing.mix_weight.max() < 1
    assert mixing.boxes.min() >= 0
    assert mixing.boxes.max(axis=0)[2:].tolist() == [8, 12]


def test_target_weights_worked_by_hand() -> None:
    """Photos 7 and 9, captions of 7, 7 and 9; a quarter of photo 7 is a patch of photo 9."""
    mixing = sample_cutmix(2, (8, 8), likely=0.0, rng=np.random.default_rng(0))
    mixing.mix_weight[0] = 0.25
    found = target_weights(np.array([7, 9]), np.array([7, 7, 9]), mixing)
    assert found.tolist() == [[0.75, 0.75, 0.25], [0.0, 0.0, 1.0]]


def test_images_grow_over_the_first_four_fifths() -> None:
    config = AugmentConfig(size=112, first_size=48)
    assert [image_size_at(config, 128, epoch, 10) for epoch in range(1, 11)] == [
        48, 48, 80, 80, 80, 80, 112, 112, 112, 112
    ]  # fmt: skip
    assert image_size_at(AugmentConfig(size=110, first_size=64), 128, 9, 10) == 110
    assert image_size_at(AugmentConfig(), 128, 1, 10) == 128
    assert image_size_at(AugmentConfig(size=112), 128, 1, 10) == 112


def test_training_uses_the_size_of_the_epoch_and_evaluation_the_full_size() -> None:
    augmentation = Augmentation(AugmentConfig(size=64, first_size=48), preprocessing_of(96), epochs=5)
    assert [augmentation.for_epoch(epoch).preprocessing.width for epoch in (1, 5)] == [48, 64]
    assert augmentation.preprocessing.width == 96


def test_training_on_larger_images_than_evaluation_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^train_size: expected at most the 64 pixels of evaluation, found 80"):
        FitSettings(ModelInit("bert"), preprocessing_of(64), AugmentConfig(size=80))
    with pytest.raises(SettingsError, match=r"^first_size: expected at most the 48 pixels of the last epoch, found 64"):
        FitSettings(ModelInit("bert"), preprocessing_of(64), AugmentConfig(size=48, first_size=64))


@pytest.mark.parametrize("optim", [{"tune": "none"}, {"tune": "image", "loss": "triplet"}])
def test_cutmix_needs_a_trained_image_tower_and_infonce(optim: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^mix: expected 0"):
        OptimConfig(mix=0.5, **optim)  # type: ignore[arg-type]
