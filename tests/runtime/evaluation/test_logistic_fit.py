"""Logistic curves of maximum likelihood, with and without a ceiling."""

from __future__ import annotations

import numpy as np
import pytest

from photoseek.evaluation.logistic_fit import Labeled, Logistic, fit_logistic, fit_with_ceiling


def sample(curve: Logistic, size: int, seed: int = 1) -> Labeled:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 1, size)
    chances = curve.ceiling / (1 + np.exp(-(curve.slope * values + curve.intercept)))
    return Labeled(values, rng.uniform(size=size) < chances, np.ones(size))


def test_the_curve_has_maximum_likelihood() -> None:
    """Compared with a search over a grid of slopes and intercepts, with Platt's targets."""
    data = sample(Logistic(8.0, -4.0), 300)
    found = fit_logistic(data)
    positives = data.successes.sum()
    targets = np.where(data.successes, (positives + 1) / (positives + 2), 1 / (300 - positives + 2))

    def cost(slope: float, intercept: float) -> float:
        logits = slope * data.values + intercept
        return float(np.sum(np.logaddexp(0, logits) - targets * logits))

    around = np.linspace(-2, 2, 41)
    grid = [cost(found.slope + s, found.intercept + i) for s in around for i in around]
    assert found.ceiling == 1.0
    assert cost(found.slope, found.intercept) <= min(grid) + 1e-9


@pytest.mark.parametrize("ceiling", [0.6, 0.8])
def test_a_ceiling_is_recovered(ceiling: float) -> None:
    found = fit_with_ceiling(sample(Logistic(20.0, -8.0, ceiling), 20_000))
    assert found.ceiling == pytest.approx(ceiling, abs=0.02)
    assert found.slope == pytest.approx(20.0, rel=0.1)
    assert found.intercept == pytest.approx(-8.0, rel=0.1)


def test_the_ceiling_has_maximum_likelihood() -> None:
    """Compared with a grid of slopes, intercepts and ceilings."""
    data = sample(Logistic(20.0, -8.0, 0.7), 2000)
    found = fit_with_ceiling(data)

    def likelihood(curve: Logistic) -> float:
        chances = curve.ceiling / (1 + np.exp(-(curve.slope * data.values + curve.intercept)))
        return float((data.targets * np.log(chances) + (1 - data.targets) * np.log1p(-chances)).sum())

    best = likelihood(found)
    for slope in np.linspace(-4, 4, 9):
        for intercept in np.linspace(-2, 2, 9):
            for ceiling in np.linspace(-0.05, 0.05, 11):
                other = Logistic(found.slope + slope, found.intercept + intercept, found.ceiling + ceiling)
                assert likelihood(other) <= best + 0.05  # ceilings are tried in steps of 0.01


@pytest.mark.parametrize("size", [40, 5000])
def test_a_curve_without_a_ceiling_keeps_none(size: int) -> None:
    data = sample(Logistic(8.0, -4.0), size)
    assert fit_with_ceiling(data) == fit_logistic(data)


@pytest.mark.parametrize("successes", [0, 3, 6])
def test_separable_data_have_a_finite_curve(successes: int) -> None:
    values = np.linspace(0, 1, 6)
    found = fit_with_ceiling(Labeled(values, np.arange(6) >= 6 - successes, np.ones(6)))
    assert np.isfinite(found).all()
    assert found.ceiling == 1.0
