"""Gain and cost of reranking the top N hits of one bundle with a second one.

    python benchmarks/rerank.py --first BUNDLE --second BUNDLE --images DIR --captions FILE [--split FILE]

The images become a gallery with the vectors of both bundles. Recall counts all captions over all images; the gain of
the fused ranking over the better bundle has a paired bootstrap interval. Queries run one after the other, from a text
to ten hits. Each depth has a separate searcher, and they take turns, so that no text is cached. ``first time`` is a
query before the second bundle is added, which encodes N photos. Not part of `make bench`, because it needs trained
models and real photos.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contest import milliseconds, write

from photoseek import Bundle, Gallery, Reranker, Searcher
from photoseek.evaluation.evaluate import EncodedSplit, encode_captioned
from photoseek.evaluation.metrics import RecallMetrics
from photoseek.evaluation.rerank import RerankEvaluation, evaluate_rerank, reranked_ranks
from photoseek.search.rank_fusion import Fusion

_DEPTHS = (10, 20, 50, 100, 200, 1_000)
_WEIGHTS = (0.3, 0.4, 0.5, 0.6, 0.7)
_QUERIES = 200
_FIRST_TIMES = 5
_HITS = 10

SearchFn = Callable[[str], Sequence[Any]]
"""Returns the hits of a text."""

Spent = tuple[float, float]
"""Wall-clock and processor seconds of a query; other work on the machine changes the latter less."""


def main() -> None:
    """Run the benchmark and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--first", required=True, help="bundle that searches: a folder, or demo")
    parser.add_argument("--second", required=True, help="bundle that reranks")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--split", type=Path)
    options = parser.parse_args()
    bundles = (Bundle.load(options.first), Bundle.load(options.second))
    first, second = (encode_captioned(each, options.images, options.captions, options.split) for each in bundles)
    found = evaluate_rerank(first, second, (bundles[0].name, bundles[1].name), _DEPTHS)
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        photos.mkdir()
        for name in first.names:
            shutil.copy(options.images / name, photos / name)
        texts = [caption.text for caption in first.captions[:: len(first.captions) // _QUERIES]][:_QUERIES]
        times = _times(photos, *bundles, texts)
    sizes = f"{found.images:,} photos, {found.captions:,} captions"
    command = "rerank.py --first FIRST --second SECOND --images images --captions captions.token --split dev.txt"
    write("rerank", f"Reranking the top N hits: {sizes}", _rows(found, times), rounds=1, command=command)
    write("rerank_rules", f"Fusion methods, text to image: {sizes}", _rules(first, second), rounds=1, command=command)


def _times(photos: Path, first: Bundle, second: Bundle, texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the milliseconds of queries by searcher, and of queries that encode their photos."""
    with Gallery.create(photos, first) as gallery:
        gallery.index()
        first_times = {depth: _first_time(gallery, first, second, depth, texts) for depth in _DEPTHS}
        gallery.bundles.add(second)
        gallery.index()
        searches: dict[str, SearchFn] = {
            bundle.name: partial(Searcher(gallery, bundle=bundle).search, k=_HITS) for bundle in (first, second)
        }
        for depth in _DEPTHS:
            searches[f"N = {depth:,}"] = partial(_reranker(gallery, first, second, depth).search, k=_HITS)
        spent = _in_turns(searches, texts)
    found = {name: _milliseconds(each) for name, each in spent.items()}
    for depth, taken in first_times.items():
        found[f"N = {depth:,}"]["first time, ms"] = taken
    return found


def _milliseconds(spent: Sequence[Spent]) -> dict[str, float]:
    passed, worked = zip(*spent, strict=True)
    found = milliseconds(passed)
    return {"p50_ms": found["p50_ms"], "p95_ms": found["p95_ms"], "processor, p50_ms": milliseconds(worked)["p50_ms"]}


def _in_turns(searches: Mapping[str, SearchFn], texts: Sequence[str]) -> dict[str, list[Spent]]:
    for run_query in searches.values():  # loads towers
        run_query("a photo")
    spent: dict[str, list[Spent]] = {name: [] for name in searches}
    for number, text in enumerate(texts):
        names = list(searches)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            started, worked = time.perf_counter(), time.process_time()
            hits = searches[name](text)
            spent[name].append((time.perf_counter() - started, time.process_time() - worked))
            assert len(hits) == _HITS
    return spent


def _first_time(gallery: Gallery, first: Bundle, second: Bundle, depth: int, texts: Sequence[str]) -> float:
    """Return the median of queries that encode all of their N photos, with loaded towers; milliseconds."""
    seconds = []
    photo = next(gallery.photos.root.iterdir())
    for text in texts[:_FIRST_TIMES]:
        reranker = _reranker(gallery, first, second, depth)  # its cache is empty
        reranker.searcher.nearest(reranker.query("a photo", photo=photo), _HITS)  # loads towers and the index
        started = time.perf_counter()
        reranker.search(text, k=_HITS)
        seconds.append(time.perf_counter() - started)
    print(f"rerank: first time, N = {depth}", file=sys.stderr, flush=True)
    return round(1000 * float(np.median(seconds)), 1)


def _reranker(gallery: Gallery, first: Bundle, second: Bundle, depth: int) -> Reranker:
    return Reranker(Searcher(gallery, bundle=first), second, depth=depth)


def _rows(found: RerankEvaluation, times: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name, recall in zip(found.names, (found.first, found.second), strict=True):
        rows[f"{name} alone"] = {**_recalls(recall), **times[name]}
    for depth, each in found.depths.items():
        name = f"N = {depth:,}"
        gained = {}
        for k, gain, (low, high) in zip((1, 5, 10), each.improvement, each.bounds or (), strict=True):
            gained[f"gain at {k}"] = f"{gain:+.2f} [{low:+.2f}, {high:+.2f}]"
        rows[name] = {**_recalls(each.recall), **gained, **times[name]}
    return rows


def _rules(first: EncodedSplit, second: EncodedSplit) -> dict[str, Any]:
    """Return recall of each rule by weight of the second bundle, at the default depth and over all photos."""
    rows: dict[str, Any] = {}
    for rule in ("zscore", "rrf"):
        for depth in (100, len(first.names)):
            name = f"{rule}, N = {depth:,}"
            sums = {}
            for weight in _WEIGHTS:
                found = RecallMetrics.of(reranked_ranks(first, second, Fusion(rule, weight), depth))  # type: ignore[arg-type]
                sums[f"weight {weight}"] = f"{found.r1:.1f}/{found.r5:.1f}/{found.r10:.1f}"
            rows[name] = sums
    return rows


def _recalls(recall: RecallMetrics) -> dict[str, float]:
    return {"R@1": round(recall.r1, 2), "R@5": round(recall.r5, 2), "R@10": round(recall.r10, 2)}


if __name__ == "__main__":
    main()
