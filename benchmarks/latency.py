"""How long does a query take, and how fast are photos indexed, with the embedded bundle on this machine?

    make bench

Draws 300 scenes into a temporary folder, indexes them, asks 200 queries in one process, and starts the command line
ten times from nothing. About half a minute; writes ``benchmarks/results/latency.json``.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from photoseek import Bundle, Gallery, Searcher
from photoseek.cpu import usable_cores
from photoseek.demo.gallery import SCENES, demo_photos
from photoseek.demo.scenes import DEMO_SEEDS, captions, compose

QUERIES = 200
COLD_STARTS = 10
RESULTS = Path(__file__).parent / "results" / "latency.json"


def main() -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(demo_photos(folder=Path(folder) / "scenes"))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=2) + "\n", "utf-8")
    for name, value in figures.items():
        print(f"{name:<34}{value:>10,.2f}")


def measure(photos: Path) -> dict[str, float]:
    """Every figure, by a name that ends in its unit."""
    gallery = Gallery.create(photos, Bundle.load("demo"))
    report = gallery.index()
    searcher = Searcher(gallery)
    texts = [captions(compose(seed), seed)[0] for seed in DEMO_SEEDS[:QUERIES]]
    searcher.search(texts[0])  # loads the text tower
    encode = [milliseconds(lambda text=text: searcher.encode(text)) for text in texts]
    vectors = [searcher.encode(text) for text in texts]
    search = [milliseconds(lambda vector=vector: searcher.nearest(vector, 5)) for vector in vectors]
    command = [sys.executable, "-m", "photoseek", "search", texts[0], "--gallery", str(photos), "--json"]
    cold = [milliseconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(COLD_STARTS)]
    return {
        "indexing, photos per s": SCENES / report.seconds,
        "text to vector, p50 ms": statistics.median(encode),
        "text to vector, p95 ms": statistics.quantiles(encode, n=20)[-1],
        "vector to 5 hits, p50 ms": statistics.median(search),
        "vector to 5 hits, p95 ms": statistics.quantiles(search, n=20)[-1],
        "photoseek search, cold, p50 ms": statistics.median(cold),
    }


def milliseconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    packages = ("photoseek", "onnxruntime", "tokenizers", "numpy", "pillow", "annoy")
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


if __name__ == "__main__":
    main()
