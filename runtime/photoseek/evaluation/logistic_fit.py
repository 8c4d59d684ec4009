"""Maximum likelihood fit of a logistic curve, with or without a ceiling below 1.

Of the best hits with the highest cosines, some are wrong: a model may be certain and mistaken. A curve that approaches
1 is then too high for them, and too low for those in the middle. A ceiling allows for such hits, as the lapse rate does
in psychometric functions: Wichmann and Hill, "The psychometric function: I", Perception & Psychophysics 63, 2001.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_CEILINGS = np.linspace(1.0, 0.5, 51)
_STEPS = 100
_DAMPING = 1e-6

Floats = npt.NDArray[np.float64]


class Logistic(NamedTuple):
    """``ceiling`` times the logistic function of ``slope`` times x plus ``intercept``."""

    slope: float
    intercept: float
    ceiling: float = 1.0


class Labeled(NamedTuple):
    """Values of x, whether each is a success, and its weight, (n,) each."""

    values: Floats
    successes: npt.NDArray[np.bool_]
    weights: Floats

    @property
    def targets(self) -> Floats:
        """Platt's smoothed targets, (n,): not quite 0 and 1, so that the fit of separable data is finite."""
        positives, negatives = self.weights[self.successes].sum(), self.weights[~self.successes].sum()
        return np.asarray(np.where(self.successes, (positives + 1) / (positives + 2), 1 / (negatives + 2)))


def fit_logistic(data: Labeled, offset: npt.ArrayLike = 0.0) -> Logistic:
    """Return the curve of maximum likelihood that approaches 1; ``offset`` is added to the logits."""
    positives, negatives = data.weights[data.successes].sum(), data.weights[~data.successes].sum()
    return _fit(data, Logistic(0.0, float(np.log((positives + 1) / (negatives + 1)))), np.asarray(offset))


def fit_with_ceiling(data: Labeled) -> Logistic:
    """Return the curve of maximum likelihood with a ceiling of 0.5 to 1.

    A ceiling below 1 needs an improvement by Akaike's criterion: one unit of log-likelihood for one parameter.
    """
    first = curve = fit_logistic(data)
    curves = [first]
    for ceiling in _CEILINGS[1:].tolist():
        curve = _fit(data, curve._replace(ceiling=ceiling), np.zeros(1))  # from the fit of a similar ceiling
        curves.append(curve)
    best = max(curves, key=lambda each: _log_likelihood(data, each))
    return best if _log_likelihood(data, best) > _log_likelihood(data, first) + 1 else first


def _fit(data: Labeled, start: Logistic, offset: Floats) -> Logistic:
    """Return the slope and intercept for a given ceiling, by Fisher scoring with damping, so that it converges."""
    inputs = np.stack([data.values, np.ones_like(data.values)], axis=1)
    line, ceiling, targets = np.array(start[:2]), start.ceiling, data.targets
    for _ in range(_STEPS):
        below = 1 / (1 + np.exp(np.clip(inputs @ line + offset, -500, 500)))
        predicted = ceiling * (1 - below)
        share = below / (1 - ceiling + ceiling * below)
        gradient = inputs.T @ (data.weights * share * (predicted - targets))
        curvature = (inputs * (data.weights * share * predicted * below)[:, None]).T @ inputs + _DAMPING * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        line -= step
        if np.abs(step).max() < 1e-9:
            break
    return Logistic(float(line[0]), float(line[1]), ceiling)


def _log_likelihood(data: Labeled, curve: Logistic) -> float:
    logits = np.clip(curve.slope * data.values + curve.intercept, -500, 500)
    predicted = curve.ceiling / (1 + np.exp(-logits))
    log_failure = np.log1p(-np.minimum(predicted, 1 - 1e-15))
    return float((data.weights * (data.targets * np.log(predicted) + (1 - data.targets) * log_failure)).sum())
