"""How far a cosine can be trusted: the probability that a photo shows what a text says.

Cosines of texts and photos lie in a narrow band of their own, another one for each model: 0.3 may be a sure find. A
logistic curve over the cosine, fitted on captioned photos that the model has not learned from, makes a probability of
them: Platt, "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood Methods",
Advances in Large Margin Classifiers, 1999, with its smoothed targets.

Each caption is asked twice. Once among all photos: its best hit is right where that is its own photo. Once with its
own photo left out, as if nobody had taken it: then the best hit is wrong. So a curve is fitted for galleries that hold
what is asked for as often as not, and as many photos as it was fitted on: among more, cosines are higher by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.errors import BundleDamaged, EvaluationError
from photoseek.vectors import Rows, Vectors

UNSURE = 0.1
"""A best hit below this confidence is no answer: most likely nothing in the gallery shows what was asked for."""

_STEPS = 100
_DAMPING = 1e-6


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over the cosine.

    Attributes:
        slope: Per unit of cosine.
        intercept: At cosine 0.
        photos: That it was fitted on.
        captions: That it was fitted on.
    """

    slope: float
    intercept: float
    photos: int
    captions: int

    def probability(self, cosines: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The confidence of cosines, each in [0, 1]."""
        logits = np.clip(self.slope * np.asarray(cosines, dtype=np.float64) + self.intercept, -500, 500)
        return np.asarray(1 / (1 + np.exp(-logits)))

    def to_json(self) -> dict[str, Any]:
        """As it stands in a bundle's manifest."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Calibration | None:
        """Read it from a bundle's manifest; None where the bundle has none.

        Raises:
            BundleDamaged: It has not the numbers that it should have.
        """
        if values is None:
            return None
        try:
            found = cls(float(values["slope"]), float(values["intercept"]), values["photos"], values["captions"])
            if not np.isfinite([found.slope, found.intercept]).all():
                raise ValueError("a number that is not finite")
        except (KeyError, TypeError, ValueError) as error:
            raise BundleDamaged(f"the manifest's confidence cannot be read: {error}; copy the bundle again") from error
        return found


def calibrate(images: Vectors, texts: Vectors, image_of_text: npt.ArrayLike) -> Calibration:
    """Fit the curve.

    Args:
        images: Unit vectors of N photos, (N, dim), at least two.
        texts: Unit vectors of M captions, (M, dim).
        image_of_text: The row of each caption's photo, (M,).

    Raises:
        EvaluationError: Fewer than two photos, or no caption.
    """
    own = np.asarray(image_of_text, dtype=np.int64)
    if len(images) < 2 or len(texts) == 0:
        raise EvaluationError(f"expected at least 2 photos and a caption, found {len(images)} and {len(texts)}")
    best, right, best_without = _best_hits(images, texts, own)
    cosines = np.concatenate([best, best_without])
    labels = np.concatenate([right, np.zeros(len(best_without), dtype=np.bool_)])
    slope, intercept = _platt(cosines.astype(np.float64), labels)
    return Calibration(round(slope, 4), round(intercept, 4), len(images), len(texts))


def _best_hits(images: Vectors, texts: Vectors, own: Rows) -> tuple[Vectors, npt.NDArray[np.bool_], Vectors]:
    """The best cosine of each caption, whether its own photo has it, and the best cosine of all other photos."""
    best, right, without = [], [], []
    for start in range(0, len(texts), 1024):
        scores = texts[start : start + 1024] @ images.T
        rows, mine = np.arange(len(scores)), own[start : start + 1024]
        found = scores.argmax(axis=1)
        best.append(scores[rows, found])
        right.append(found == mine)
        scores[rows, mine] = -np.inf
        without.append(scores.max(axis=1))
    return np.concatenate(best), np.concatenate(right), np.concatenate(without)


def _platt(cosines: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of most likelihood, by Newton's method, damped so that it ends for any data."""
    positives, negatives = int(labels.sum()), int((~labels).sum())
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    inputs = np.stack([cosines, np.ones_like(cosines)], axis=1)
    weights = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    for _ in range(_STEPS):
        predicted = 1 / (1 + np.exp(-np.clip(inputs @ weights, -500, 500)))
        gradient = inputs.T @ (predicted - targets)
        curvature = (inputs * (predicted * (1 - predicted))[:, None]).T @ inputs + _DAMPING * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), float(weights[1])
