"""How much processor time do the indexes of a new gallery of 100,000 photos take, after encoding?

Contestants: the engines in order of promise, until one reaches the target recall, as indexing builds them, and every
engine that is installed, as ``photoseek index --engine annoy`` builds them. The vectors are drawn in clusters.

    python benchmarks/first_index.py       # 3 minutes
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contest import Contest

from photoseek.vector_index.registry import ENGINES
from photoseek.vector_index.tuning import sample_queries, tune
from photoseek.vectors import normalize

PHOTOS, DIM, SUBJECTS = 100_000, 256, 2_000


def derive(wanted: Collection[str]) -> dict[str, Any]:
    """Build and tune the indexes, and return the time and the size of their files."""
    rng = np.random.default_rng(0)
    subjects = rng.normal(size=(SUBJECTS, DIM)).astype(np.float32)
    noise = rng.normal(size=(PHOTOS, DIM)).astype(np.float32)
    vectors = normalize(subjects[rng.integers(SUBJECTS, size=PHOTOS)] + 0.8 * noise)
    texts = normalize(subjects[:40] + rng.normal(size=(40, DIM)))
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = time.perf_counter(), time.process_time()
        tuning = tune(Path(folder), vectors, sample_queries(vectors, texts), wanted=wanted)
        return {
            "cpu_s": time.process_time() - processor,
            "wall_s": time.perf_counter() - wall,
            "fastest": tuning.fastest,
            "ms": tuning.engines[tuning.fastest].milliseconds,
            "MB": sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6,
        }


CONTEST = Contest(
    "first_index",
    f"processor time to index {PHOTOS:,} vectors after encoding",
    {"in order of promise": partial(derive, ()), "every engine": partial(derive, ENGINES)},
)

if __name__ == "__main__":
    CONTEST.main(sys.argv[1:], rounds=1)
