"""The gain of reranking, against ranks counted in a loop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photoseek.captions import Caption
from photoseek.errors import EvaluationError
from photoseek.evaluation.evaluate import EncodedSplit
from photoseek.evaluation.metrics import RecallMetrics
from photoseek.evaluation.rerank import evaluate_rerank, reranked_ranks
from photoseek.search.rank_fusion import Fusion
from photoseek.vectors import normalize
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color
from typed_commands import photoseek_command

IMAGES, CAPTIONS = 30, 5


def encoded(seed: int, dim: int, noise: float = 1.5) -> EncodedSplit:
    """Captions near their images, in the space of one of several bundles."""
    rng = np.random.default_rng(seed)
    images = normalize(rng.normal(size=(IMAGES, dim)))
    near = np.repeat(images, CAPTIONS, axis=0) + noise * normalize(rng.normal(size=(IMAGES * CAPTIONS, dim)))
    names = [f"{number}.jpg" for number in range(IMAGES)]
    captions = [Caption(name, number, f"{name} {number}") for name in names for number in range(CAPTIONS)]
    return EncodedSplit(names, captions, images, normalize(near), "fp32")


@pytest.mark.parametrize("fusion", [Fusion(), Fusion("rrf", 0.3)])
@pytest.mark.parametrize("depth", [1, 4, 30, 50])
def test_ranks_match_a_loop(fusion: Fusion, depth: int) -> None:
    one, other = encoded(1, 12), encoded(2, 16)
    expected = []
    for caption, own in enumerate(one.image_of_text):
        cosines, others = one.images @ one.texts[caption], other.images @ other.texts[caption]
        order = np.argsort(-cosines, kind="stable").tolist()
        fused = fusion.fuse(cosines[order[:depth]], others[order[:depth]])
        order[:depth] = [order[place] for place in np.argsort(-fused, kind="stable")]
        expected.append(order.index(own))
    np.testing.assert_array_equal(reranked_ranks(one, other, fusion, depth), expected)


def test_bundles_with_different_errors_gain_and_the_gain_has_an_interval() -> None:
    found = evaluate_rerank(encoded(1, 12), encoded(2, 12), ("one", "other"), [IMAGES], resamples=200)
    fused = found.depths[IMAGES]
    better = max(found.first.r1, found.second.r1)
    assert fused.recall.r1 > better
    assert fused.improvement[0] == pytest.approx(fused.recall.r1 - better)
    assert fused.bounds is not None
    low, high = fused.bounds[0]
    assert 0 < low < fused.improvement[0] < high
    assert found.first == RecallMetrics.of(reranked_ranks(encoded(1, 12), encoded(2, 12), Fusion(weight=0.0), 5))


def test_a_bundle_gains_nothing_from_itself() -> None:
    one = encoded(1, 12)
    found = evaluate_rerank(one, one, ("one", "one"), [IMAGES], resamples=50).depths[IMAGES]
    assert (found.improvement, found.bounds) == ((0.0,) * 3, ((0.0, 0.0),) * 3)


def test_different_captions_for_each_bundle_are_rejected() -> None:
    one = encoded(1, 12)
    with pytest.raises(EvaluationError, match="the same images and captions"):
        evaluate_rerank(one, replace(one, captions=one.captions[::-1]), ("one", "other"), [5])


@pytest.fixture
def captioned(tmp_path: Path) -> tuple[Any, ...]:
    lines = []
    for number, (name, color) in enumerate(COLORS.items()):
        write_color(tmp_path / "images" / f"{name}.png", color, seed=number)
        lines.append(f"{name}.png#0\ta {name} picture")
    (tmp_path / "captions.token").write_text("\n".join(lines) + "\n", "utf-8")
    return ("--images", tmp_path / "images", "--captions", tmp_path / "captions.token", "--resamples", "20")


def test_the_command_line_prints_the_gain_by_depth(captioned: tuple[Any, ...], tmp_path: Path) -> None:
    bundles = [write_tiny_bundle(tmp_path / name, name=name, seed=seed) for seed, name in enumerate(("one", "other"))]
    ask = ("evaluate", "--bundle", bundles[0], "--rerank", bundles[1], *captioned)
    result = json.loads(photoseek_command(*ask, "--depth", "2", "--depth", "6", "--fuse", "rrf", "--json").stdout)
    assert (result["first"]["bundle"], result["second"]["bundle"], list(result["depths"])) == (
        "one",
        "other",
        ["2", "6"],
    )
    assert (result["images"], result["captions"], result["fuse"], result["rerank_weight"]) == (6, 6, "rrf", 0.5)
    assert set(result["depths"]["6"]) == {"r1", "r5", "r10", "medr", "meanr", "gain", "interval"}
    table = photoseek_command(*ask).stdout
    assert "top 100 fused" in table
    assert "6 captions, 6 images; zscore, weight of the second bundle 0.5" in table
    folds = photoseek_command(*ask, "--folds", "2")
    assert (folds.returncode, "not supported with --rerank" in folds.stderr) == (2, True)
