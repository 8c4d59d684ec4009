"""What a cosine is worth: calibrated curves, as a bundle carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.errors import BundleDamaged


@dataclass(frozen=True)
class LogisticCurve:
    """As ``Calibration``, for queries of at most ``words`` words, fitted on so many ``phrases``."""

    words: int
    slope: float
    intercept: float
    floor: float
    phrases: int


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over the cosine.

    Attributes:
        slope: Per unit of cosine.
        intercept: At cosine 0.
        floor: The cosine that the best hits of 95% of the captions reached: below it, most likely nothing in the
            gallery shows what was asked for.
        photos: That it was fitted on.
        captions: That it was fitted on.
        short: The curves of queries shorter than captions, the shortest first.
    """

    slope: float
    intercept: float
    floor: float
    photos: int
    captions: int
    short: tuple[LogisticCurve, ...] = ()

    def of_length(self, words: float) -> Calibration:
        """The curve for queries of so many words."""
        curve = next((curve for curve in self.short if words <= curve.words), None)
        if curve is None:
            return self
        return replace(self, slope=curve.slope, intercept=curve.intercept, floor=curve.floor)

    def probability(self, cosines: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The confidence of cosines, each in [0, 1]."""
        logits = np.clip(self.slope * np.asarray(cosines, dtype=np.float64) + self.intercept, -500, 500)
        return np.asarray(1 / (1 + np.exp(-logits)))

    def to_json(self) -> dict[str, Any]:
        """As it stands in a bundle's manifest."""
        return {**asdict(self), "short": [asdict(curve) for curve in self.short]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Calibration | None:
        """Read it from a bundle's manifest; None where the bundle has none.

        Raises:
            BundleDamaged: It has not the numbers that it should have.
        """
        if values is None:
            return None
        try:
            slope, intercept, floor = (float(values[name]) for name in ("slope", "intercept", "floor"))
            short = tuple(_curve(each) for each in values.get("short", ()))
            numbers = [slope, intercept, floor, *(number for each in short for number in astuple(each))]
            if not np.isfinite(numbers).all():
                raise ValueError("a number that is not finite")
        except (KeyError, TypeError, ValueError) as error:
            raise BundleDamaged(f"the manifest's confidence cannot be read: {error}; copy the bundle again") from error
        return cls(slope, intercept, floor, values["photos"], values["captions"], short)


def _curve(values: Mapping[str, Any]) -> LogisticCurve:
    slope, intercept, floor = (float(values[name]) for name in ("slope", "intercept", "floor"))
    return LogisticCurve(int(values["words"]), slope, intercept, floor, int(values["phrases"]))
