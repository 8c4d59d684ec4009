"""Benchmark queries and indexing on this machine, with one bundle and one gallery."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import PhotoError, PhotoseekError, QueryError
from photoseek.gallery.indexing.pipeline import BATCH
from photoseek.gallery.snapshot.sample_queries import sample_queries
from photoseek.photos.decode import decode_photo, read_photo
from photoseek.photos.photo_file import PhotoFile
from photoseek.search.searcher import Searcher
from photoseek.system.cpu import available_cores

_NEIGHBORS = 10
_WARM_UP = 5
_MAX_COLD_STARTS = 5


@dataclass(frozen=True)
class Latency:
    """Wall time in milliseconds: median, 95th and 99th percentile."""

    p50: float
    p95: float
    p99: float
    calls: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Summarize the seconds of calls."""
        p50, p95, p99 = (round(1000 * float(value), 3) for value in np.percentile(seconds, [50, 95, 99]))
        return cls(p50, p95, p99, len(seconds))


@dataclass(frozen=True)
class BenchReport:
    """Results of a benchmark.

    Attributes:
        query: Latency of a text query by step, towers loaded: ``tokenize``, ``encode`` (the text tower), ``search``
            (neighbors and their photos), ``total``.
        cold: Latency of ``photoseek search`` from the start of a process to its end.
        cold_peak_mb: Peak memory of such a process (resident set), in 10^6 bytes.
        photos: Photos per second by step on one thread: ``decode``, ``preprocess``, ``encode``; and ``all``: from files
            to vectors on all cores, as in ``photoseek index``. Empty if no photo of the gallery can be read.
        peak_mb: Peak memory of this process.
        setting: Bundle, precision, engine, gallery size, cores.
    """

    query: dict[str, Latency]
    cold: Latency
    cold_peak_mb: float
    photos: dict[str, float]
    peak_mb: float
    setting: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the output of ``bench --json``."""
        return asdict(self)


def bench(
    searcher: Searcher, queries: Sequence[str] | None = None, *, repeats: int = 10, photos: int = 64
) -> BenchReport:
    """Benchmark a searcher.

    Args:
        searcher: A searcher over the gallery.
        queries: Query texts. Defaults to built-in samples in the bundle's languages.
        repeats: Runs of each query; also the number of cold starts, at most 5.
        photos: Number of photos of the gallery to decode and encode, may be 0.

    Raises:
        QueryError: There are no queries, or a count is invalid.
        GalleryEmpty: Nothing is indexed yet.
    """
    queries = sample_queries(searcher.bundle.languages) if queries is None else queries
    texts = [text for text in queries if text.strip()]
    if not texts:
        raise QueryError("expected queries, one per line, found none")
    if repeats < 1 or photos < 0:
        raise QueryError(f"expected at least 1 repeat and 0 photos, found {repeats} and {photos}")
    warm = _measure_warm(searcher, texts, repeats)
    cold, cold_peak = _measure_cold(searcher, texts[0], min(repeats, _MAX_COLD_STARTS))
    files = _some_photos(searcher, photos)
    snapshot = searcher.snapshot
    return BenchReport(
        query=warm,
        cold=cold,
        cold_peak_mb=cold_peak,
        photos=_photo_rates(searcher, files) if files else {},
        peak_mb=_peak_mb(),
        setting={
            "bundle": searcher.bundle.name,
            "precision": searcher.text_encoder.precision,
            "engine": snapshot.manifest.tuning.fastest if searcher.engine == "auto" else searcher.engine,
            "photos": len(snapshot.ids),
            "recall": snapshot.manifest.tuning.recall_of(searcher.engine),
            "cores": available_cores(),
        },
    )


def _measure_warm(searcher: Searcher, texts: Sequence[str], repeats: int) -> dict[str, Latency]:
    """Return the latency of each step and of all together, without cached query vectors."""
    encoder = searcher.text_encoder
    seconds: dict[str, list[float]] = {"tokenize": [], "encode": [], "search": [], "total": []}
    for text in texts[:_WARM_UP]:
        searcher.nearest(encoder.encode([text])[0], _NEIGHBORS)
    for _ in range(repeats):
        for text in texts:
            started = time.perf_counter()
            encoder.count_tokens(text)
            tokenized = time.perf_counter()
            vector = encoder.encode([text])[0]
            encoded = time.perf_counter()
            searcher.nearest(vector, _NEIGHBORS)
            ended = time.perf_counter()
            seconds["tokenize"].append(tokenized - started)
            seconds["encode"].append(max(0.0, (encoded - tokenized) - (tokenized - started)))
            seconds["search"].append(ended - encoded)
            seconds["total"].append(ended - tokenized)
    return {step: Latency.of(values) for step, values in seconds.items()}


def _measure_cold(searcher: Searcher, text: str, starts: int) -> tuple[Latency, float]:
    """Return the latency and the peak memory in MB of new processes that run one query."""
    command = [sys.executable, "-m", "photoseek", "search", "--gallery", str(searcher.gallery.path), "--json"]
    command += ["--bundle", searcher.bundle.reference, "--precision", searcher.text_encoder.precision]
    command += ["--engine", searcher.engine, "--", text]
    runs = [run_cold(command) for _ in range(starts)]
    return Latency.of([seconds for seconds, _ in runs]), max(peak for _, peak in runs)


def run_cold(command: Sequence[str]) -> tuple[float, float]:
    """Run a command in a new process, started by a small interpreter.

    The peak memory of a process includes that of the process that forked it.

    Returns:
        Seconds from start to end, and the peak memory in 10^6 bytes.

    Raises:
        PhotoseekError: The command failed.
    """
    done = subprocess.run([sys.executable, "-I", "-S", "-c", _LAUNCHER, *command], capture_output=True, text=True)
    if done.returncode:
        raise PhotoseekError(f"{' '.join(command)}: failed: {done.stderr.strip()}")
    seconds, maxrss = json.loads(done.stdout)
    return seconds, _megabytes(maxrss)


_LAUNCHER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - started
process.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps([seconds, usage.ru_maxrss]))
sys.exit(process.returncode)
"""


def _some_photos(searcher: Searcher, count: int) -> list[PhotoFile]:
    """Return readable photos, evenly distributed over the gallery."""
    ids = searcher.snapshot.ids
    chosen = ids[np.linspace(0, len(ids) - 1, min(count, len(ids))).astype(np.int64)].tolist() if count else []
    stored = searcher.gallery.database.photos(chosen, searcher.bundle.fingerprint)
    files: list[PhotoFile] = []
    for photo in stored.values():
        file = searcher.gallery.photos.file_of(photo.path)
        try:
            decode_photo(file)
        except PhotoError:
            continue
        files.append(file)
    return files


def _photo_rates(searcher: Searcher, files: Sequence[PhotoFile]) -> dict[str, float]:
    """Return photos per second by step."""
    preprocessing = searcher.bundle.preprocessing
    encoder = ImageEncoder(searcher.bundle, searcher.image_encoder.precision, mode="service")
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    encoder.encode(batches[0])  # loads the tower
    seconds = dict.fromkeys(("decode", "preprocess", "encode", "all"), 0.0)
    for batch in batches:  # one batch of photos is in memory at a time, as when a folder is indexed
        started = time.perf_counter()
        photos = [decode_photo(read_photo(file), preprocessing.min_edge) for file in batch]
        decoded = time.perf_counter()
        pixels = np.stack([preprocessing(photo.image) for photo in photos])
        preprocessed = time.perf_counter()
        encoder.encode_pixels(pixels)
        seconds["encode"] += time.perf_counter() - preprocessed
        seconds["decode"] += decoded - started
        seconds["preprocess"] += preprocessed - decoded
    with ThreadPoolExecutor(available_cores()) as pool:
        started = time.perf_counter()
        list(pool.map(encoder.encode, batches))
        seconds["all"] = time.perf_counter() - started
    return {step: round(len(files) / duration, 1) for step, duration in seconds.items()}


def _peak_mb() -> float:
    return _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _megabytes(maxrss: int) -> float:
    """Linux counts ``ru_maxrss`` in units of 1,024 bytes, macOS in bytes."""
    return round(maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
