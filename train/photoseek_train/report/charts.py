"""Training curves as coordinates; the template draws them, so that they follow the page's colors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 24

_TICKS = 5
_NOT_DRAWN = ("epoch", "loss", "lr", "temperature", "seconds", "dev")  # each has a chart already, or is the axis


@dataclass(frozen=True)
class Point:
    """One epoch of a curve: coordinates and label."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """A curve; epochs without a value are omitted."""

    name: str
    points: tuple[Point, ...]
    last: str

    @property
    def path(self) -> str:
        """The ``points`` attribute of an SVG polyline."""
        return " ".join(f"{point.x:g},{point.y:g}" for point in self.points)


@dataclass(frozen=True)
class Chart:
    """A chart of ``WIDTH`` by ``HEIGHT``; ``best`` is the x coordinate of the best epoch."""

    title: str
    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    best: float | None


def build_charts(history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> list[Chart]:
    """Return a chart for each metric in ``history.jsonl``, including additional numeric fields."""
    if not history:
        return []
    epochs = [int(row["epoch"]) for row in history]
    return [draw_chart(title, epochs, series, best_epoch) for title, series in _series(history)]


def _series(history: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, list[float]]]]:
    yield "loss", {"loss": _column(history, "loss")}
    for title, direction in (("text to image, %", "text_to_image"), ("image to text, %", "image_to_text")):
        yield title, {f"R@{k}": _column(history, "dev", direction, f"r{k}") for k in (1, 5, 10)}
    yield "rsum", {"rsum": _column(history, "dev", "rsum")}
    rates = dict.fromkeys(name for row in history for name in row.get("lr", {}))
    yield "learning rate", {name.replace("_", " "): _column(history, "lr", name) for name in rates}
    yield "temperature", {"temperature": _column(history, "temperature")}
    yield "seconds per epoch", {"seconds": _column(history, "seconds")}
    for name in dict.fromkeys(name for row in history for name in row if name not in _NOT_DRAWN):
        values = _column(history, name)
        if any(map(math.isfinite, values)):
            title = name.replace("_", " ")
            yield title, {title: values}


def _column(history: Sequence[Mapping[str, Any]], *keys: str) -> list[float]:
    """Return one number per epoch; NaN if it is missing."""

    def value(row: Any) -> float:
        for key in keys:
            row = row.get(key) if isinstance(row, Mapping) else None
        return float(row) if isinstance(row, int | float) and not isinstance(row, bool) else math.nan

    return [value(row) for row in history]


def draw_chart(title: str, epochs: Sequence[int], series: Mapping[str, Sequence[float]], best: int | None) -> Chart:
    """Return the chart of series with one value per epoch."""
    values = [value for row in series.values() for value in row if math.isfinite(value)]
    ticks = nice_ticks(min(values, default=0.0), max(values, default=1.0))
    low, high = ticks[0], ticks[-1]
    first, last = min(epochs), max(epochs)

    def x(epoch: float) -> float:
        share = 0.5 if first == last else (epoch - first) / (last - first)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    def curve(name: str, row: Sequence[float]) -> Curve:
        pairs = [(epoch, value) for epoch, value in zip(epochs, row, strict=True) if math.isfinite(value)]
        points = [Point(x(epoch), y(value), f"epoch {epoch}: {name} {value:.4g}") for epoch, value in pairs]
        return Curve(name, tuple(points), f"{pairs[-1][1]:.4g}" if pairs else "none")

    return Chart(
        title,
        tuple(curve(name, row) for name, row in series.items()),
        tuple(Tick(x(epoch), f"{epoch:g}") for epoch in _epoch_ticks(first, last)),
        tuple(Tick(y(value), f"{value:.6g}") for value in ticks),
        None if best is None else x(best),
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """Return about five multiples of 1, 2 or 5 times a power of ten that enclose [low, high]."""
    if high == low:
        low, high = (low - 0.5 * abs(low), high + 0.5 * abs(high)) if low else (0.0, 1.0)
    rough = (high - low) / (_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    start, stop = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{number * step:.12g}") for number in range(start, stop + 1)]


def _epoch_ticks(first: int, last: int) -> list[float]:
    """Return the first epoch, and the integers of ``nice_ticks`` after it."""
    return [first, *(tick for tick in nice_ticks(first, last) if first < tick <= last and tick.is_integer())]
