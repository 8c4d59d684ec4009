"""What a model costs on this CPU, estimated from its arithmetic and a probe, and the order of the list of models."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photoseek.bundle.model_registry import RegisteredModel

_GRAPH = Path(__file__).with_name("matmul.onnx")
_TOKENS, _WIDTH, _HIDDEN = 50, 768, 3_072
"""The largest layer of ViT-B/32 for one photo: 49 patches and the class token; see Dosovitskiy 2021, table 1."""

_PROBE_S = 0.5
_MIN_RUNS, _MAX_RUNS = 3, 100


@dataclass(frozen=True)
class Cost:
    """Estimates for fp32 on this CPU, of the towers alone: photos are not decoded, and weights are not loaded.

    Attributes:
        photos_per_s: Photos that the image tower encodes in a second.
        query_ms: Milliseconds that the text tower takes for a query.
    """

    photos_per_s: float
    query_ms: float


def measure_gflops(seconds: float = _PROBE_S) -> float:
    """Return the GFLOP/s of this CPU, with all cores, in the largest layer of ViT-B/32.

    That of the fastest of the runs that take ``seconds`` together, but at least three: other programs interrupt the
    rest. With the import of onnxruntime, about a second.
    """
    from photoseek.bundle.onnx_session import OnnxSession  # onnxruntime takes a tenth of a second to import

    random = np.random.default_rng(0)
    feeds = {
        "states": random.standard_normal((_TOKENS, _WIDTH), dtype=np.float32),
        "weights": random.standard_normal((_WIDTH, _HIDDEN), dtype=np.float32),
    }
    session = OnnxSession(_GRAPH)
    durations: list[float] = []
    session.run(feeds)
    end = time.perf_counter() + seconds
    while len(durations) < _MIN_RUNS or (len(durations) < _MAX_RUNS and time.perf_counter() < end):
        started = time.perf_counter()
        session.run(feeds)
        durations.append(time.perf_counter() - started)
    return 2e-9 * _TOKENS * _WIDTH * _HIDDEN / min(durations)


def estimate_cost(model: RegisteredModel, gflops: float) -> Cost | None:
    """Return what a model costs on a CPU with this many GFLOP/s; None if its arithmetic is not recorded."""
    if not model.gflop:
        return None
    return Cost(gflops / model.gflop["photo"], 1_000 * model.gflop["text"] / gflops)


def rank_models(models: Iterable[RegisteredModel]) -> list[RegisteredModel]:
    """Sort models by what they find for their cost.

    Those of one benchmark are together, in the order of the registry, since recall is comparable only within one; those
    without published recall are last. Within a benchmark, models that another one beats come after all others, and
    otherwise the higher recall is first: in English or, where that is not published, in the language that is.
    """
    known = list(models)
    benchmarks = list(dict.fromkeys(_benchmark(model) for model in known))
    benchmarks.sort(key=lambda name: not name)
    return sorted(
        known,
        key=lambda model: (
            benchmarks.index(_benchmark(model)),
            any(beats(other, model) for other in known),
            -_recall(model),
        ),
    )


def beats(model: RegisteredModel, other: RegisteredModel) -> bool:
    """Return whether a model finds at least as much as another, for at most its cost, and is better in one of these.

    Recall is compared in every language that is published for the other, and cost by photo and by query.
    """
    if _benchmark(model) != _benchmark(other) or not (_benchmark(model) and model.gflop and other.gflop):
        return False
    gains = [model.recall.get(language, 0.0) - recall for language, recall in other.recall.items()]
    gains += [cost - model.gflop[what] for what, cost in other.gflop.items()]
    return min(gains) >= 0 < max(gains)


def _benchmark(model: RegisteredModel) -> str:
    return "" if model.benchmark is None else model.benchmark.name


def _recall(model: RegisteredModel) -> float:
    return model.recall.get("en", max(model.recall.values(), default=0.0))
