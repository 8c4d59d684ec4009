"""Concurrent callers get the hits of the library."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np

from photoseek import Searcher
from tiny_bundle import COLORS


def test_concurrent_callers_get_the_hits_of_the_library(client: httpx.Client, still_searcher: Searcher) -> None:
    texts = [f"a {color} picture {number}" for number in range(6) for color in COLORS]
    texts += ["red + blue - green", "2:红色 + blue", "red"]

    def ask(text: str) -> list[tuple[str, float]]:
        found = client.post("/v1/search", json={"text": text, "k": 8})
        return [(hit["path"], hit["score"]) for hit in found.json()["hits"]]

    with ThreadPoolExecutor(40) as callers:
        answers = list(callers.map(ask, texts))
    for text, answer in zip(texts, answers, strict=True):
        expected = Searcher(still_searcher.gallery).search(text, k=8)
        np.testing.assert_allclose(
            [score for _, score in answer], [hit.score for hit in expected], atol=1e-4
        )  # rounded
        assert {path for path, _ in answer} == {hit.path for hit in expected}
