"""Calibration: the probability that a photo matches a text, from their cosine similarity (Platt, 1999)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.errors import BundleDamaged


@dataclass(frozen=True)
class LogisticCurve:
    """The curve for queries of at most ``max_words`` words, fitted on ``phrases`` phrases; see ``Calibration``.

    ``min_similarity`` is the cosine that 95% of the right best hits reach, or 85% of those of one or two words.
    """

    max_words: int
    slope: float
    intercept: float
    min_similarity: float
    phrases: int
    ceiling: float = 1.0


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over the cosine.

    Attributes:
        slope: Per unit of cosine.
        intercept: At cosine 0.
        min_similarity: The cosine that the best hits of 95% of the captions reach. Below it, most likely no photo of
            the gallery matches the query.
        photos: Number of photos that it was fitted on.
        captions: Number of captions that it was fitted on.
        by_length: The curves for queries shorter than captions, the shortest first.
        ceiling: The confidence that the curve approaches.
    """

    slope: float
    intercept: float
    min_similarity: float
    photos: int
    captions: int
    by_length: tuple[LogisticCurve, ...] = ()
    ceiling: float = 1.0

    def curve_for(self, words: float) -> Calibration:
        """Return the curve for queries of this many words."""
        curve = next((curve for curve in self.by_length if words <= curve.max_words), None)
        if curve is None:
            return self
        return replace(
            self,
            slope=curve.slope,
            intercept=curve.intercept,
            min_similarity=curve.min_similarity,
            ceiling=curve.ceiling,
        )

    def probability(self, cosines: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the confidence of each cosine, in [0, 1]."""
        logits = np.clip(self.slope * np.asarray(cosines, dtype=np.float64) + self.intercept, -500, 500)
        return np.asarray(self.ceiling / (1 + np.exp(-logits)))

    def to_json(self) -> dict[str, Any]:
        """Return the value of ``confidence`` in a bundle's manifest."""
        return {**asdict(self), "by_length": [asdict(curve) for curve in self.by_length]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Calibration | None:
        """Read the value of ``confidence`` in a bundle's manifest; None if the bundle is not calibrated.

        Raises:
            BundleDamaged: A number is missing, or is not finite.
        """
        if values is None:
            return None
        try:
            by_length = tuple(
                LogisticCurve(int(each["max_words"]), *_curve(each), int(each["phrases"]), _ceiling(each))
                for each in values.get("by_length", ())
            )
            return cls(*_curve(values), values["photos"], values["captions"], by_length, _ceiling(values))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BundleDamaged(
                f"photoseek.json: confidence: expected the numbers of a curve, found {error}; copy the bundle again"
            ) from error


def _curve(values: Mapping[str, Any]) -> tuple[float, float, float]:
    slope, intercept, min_similarity = (float(values[name]) for name in ("slope", "intercept", "min_similarity"))
    if not np.isfinite([slope, intercept, min_similarity]).all():
        raise ValueError("a number that is not finite")
    return slope, intercept, min_similarity


def _ceiling(values: Mapping[str, Any]) -> float:
    ceiling = float(values.get("ceiling", 1.0))
    if not 0 < ceiling <= 1:
        raise ValueError(f"a ceiling of {ceiling}, not between 0 and 1")
    return ceiling
