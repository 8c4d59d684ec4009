"""Projector, pooling and temperature against their formulas."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from photoseek_train.config import ModelInit
from photoseek_train.errors import SettingsError
from photoseek_train.model.init import build_model
from photoseek_train.model.towers import TextTower, mean_pooling, weights_sha256
from photoseek_train.model.two_tower import Projector, TwoTower


@pytest.fixture(scope="module")
def model(bert: Path, resnet: Path) -> TwoTower:
    return build_model(ModelInit(str(bert), str(resnet), max_tokens=24, dim=16), seed=3).model.eval()


def test_projector_equals_explicit_numpy() -> None:
    """LayerNorm(h + W2 gelu(h) + b2), h = W1 x + b1, with the error function's GELU."""
    torch.manual_seed(0)
    projector = Projector(6, 4).eval()
    x = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    w = {name: tensor.numpy() for name, tensor in projector.state_dict().items()}
    hidden = x @ w["first.weight"].T + w["first.bias"]
    gelu = hidden * 0.5 * (1 + np.vectorize(math.erf)(hidden / math.sqrt(2)))
    y = hidden + gelu @ w["second.weight"].T + w["second.bias"]
    expected = (y - y.mean(1, keepdims=True)) / np.sqrt(y.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(projector(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-5)


def test_dropout_is_applied_to_the_features_and_to_the_update_in_training_only() -> None:
    torch.manual_seed(0)
    projector = Projector(400, 300, dropout=0.25)
    seen: dict[str, torch.Tensor] = {}
    projector.first.register_forward_pre_hook(lambda _, given: seen.update(features=given[0]))
    projector.norm.register_forward_pre_hook(lambda _, given: seen.update(sum=given[0]))
    x = torch.ones(50, 400)
    projector(x)
    assert set(seen["features"].unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert (seen["features"] == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    residual = projector.first(seen["features"])
    assert (seen["sum"] == residual).float().mean().item() == pytest.approx(0.25, abs=0.02)
    projector.eval()(x)
    assert torch.equal(seen["features"], x)


def test_mean_pooling_ignores_padding() -> None:
    states = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [99.0, -99.0]]])
    pooled = mean_pooling(states, torch.tensor([[1, 1, 0]]))
    assert pooled.tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_padding_changes_no_text_vector(bert: Path, pooling: str) -> None:
    tower = TextTower.from_pretrained(str(bert), pooling).eval()
    ids, padded = torch.tensor([[2, 7, 9, 3]]), torch.tensor([[2, 7, 9, 3, 0, 0, 0]])
    with torch.inference_mode():
        short = tower(ids, torch.ones_like(ids))
        long = tower(padded, torch.tensor([[1, 1, 1, 1, 0, 0, 0]]))
    assert short.shape == (1, 32)
    torch.testing.assert_close(short, long, atol=1e-5, rtol=1e-5)


def test_attention_implementations_agree(bert: Path) -> None:
    """Export uses eager attention, which must compute the same vectors."""
    ids = torch.tensor([[2, 7, 9, 3]])
    with torch.inference_mode():
        vectors = [
            TextTower.from_pretrained(str(bert), attention=attention).eval()(ids, torch.ones_like(ids))
            for attention in ("sdpa", "eager")
        ]
    torch.testing.assert_close(vectors[0], vectors[1], atol=1e-5, rtol=1e-5)


def test_unknown_pooling_is_refused(bert: Path) -> None:
    with pytest.raises(SettingsError, match="one of mean, cls, found 'max'"):
        TextTower.from_pretrained(str(bert), "max")


def test_cached_features_give_the_same_vectors(model: TwoTower) -> None:
    pixels, ids = torch.randn(2, 3, 32, 32), torch.tensor([[2, 7, 3]])
    with torch.inference_mode():
        assert torch.equal(model.embed_image(pixels), model.project_image(model.image_tower(pixels)))
        mask = torch.ones_like(ids)
        assert torch.equal(model.embed_text(ids, mask), model.project_text(model.text_tower(ids, mask)))


def test_encoded_rows_have_unit_length(model: TwoTower) -> None:
    with torch.inference_mode():
        vectors = model.encode_image(torch.randn(3, 3, 32, 32))
    assert vectors.shape == (3, model.dim)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))


def test_temperature_has_the_initial_and_maximum_value_of_clip(bert: Path, resnet: Path) -> None:
    model = build_model(ModelInit(str(bert), str(resnet), max_tokens=24), seed=0).model
    assert float(model.inverse_temperature.detach()) == pytest.approx(1 / 0.07)
    with torch.no_grad():
        model.logit_scale.fill_(50.0)
    model.clamp_logit_scale()
    assert float(model.inverse_temperature.detach()) == pytest.approx(100.0)


def test_a_seed_determines_the_model(bert: Path, resnet: Path) -> None:
    sources = ModelInit(str(bert), str(resnet), max_tokens=24)
    hashes = [weights_sha256(build_model(sources, seed).model) for seed in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_more_tokens_than_positions_are_refused(bert: Path, resnet: Path) -> None:
    with pytest.raises(SettingsError, match=r"at most 32, .*, found 64"):
        build_model(ModelInit(str(bert), str(resnet), max_tokens=64), seed=0)
