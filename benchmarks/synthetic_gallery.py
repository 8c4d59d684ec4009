"""Galleries of any number of photos without photos: their databases contain what indexing would store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
from contest import CACHE
from search import draw

from photoseek import Bundle, Gallery
from photoseek.gallery.database.records import vector_blob
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.snapshot import write
from photoseek.gallery.snapshot.build import build_snapshot
from photoseek.vector_index import faiss
from photoseek.vector_index.faiss import FaissFlatIndex, HnswParameters
from photoseek.vector_index.registry import FAISS_FILE
from photoseek.vector_index.tuning import TARGET_RECALL, EngineStats, GroundTruth, Tuning, sample_queries
from photoseek.vectors import Vectors

MONTHS = 120
_AT_ONCE = 50_000
_VERSION = 3  # of the photos below


def synthetic_gallery(count: int) -> Path:
    """Return the gallery of ``count`` photos, which is created once. Its engines are ``exact`` and ``faiss-flat``.

    Dates are spread over ``MONTHS`` months; 90% of the photos are in the folder ``most``.
    """
    folder = CACHE / f"gallery-{count}-{_VERSION}"
    done = folder / "done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "photos").mkdir(parents=True)
        with Gallery.create(folder / "photos", Bundle.load("demo"), folder / "gallery") as gallery:
            _fill(gallery, draw(count)[0])
            gallery.database.set_meta(engines="faiss-flat")
            with exclusive_writer(gallery.path), mock.patch.object(write, "tune", _measure):
                build_snapshot(gallery.path, gallery.database, gallery.bundles.primary, None)
        done.touch()
    return folder / "gallery"


def _fill(gallery: Gallery, vectors: Vectors) -> None:
    for start in range(0, len(vectors), _AT_ONCE):
        photos = list(_photos(start, min(_AT_ONCE, len(vectors) - start)))
        with gallery.database.writing() as connection:
            connection.executemany(
                "INSERT INTO photos (sha256, path, bytes, mtime_ns, ctime_ns, inode) VALUES (?, ?, 1, 1, 1, 1)",
                ((content, path) for content, path, *_ in photos),
            )
            connection.executemany(
                "INSERT INTO vectors (sha256, fingerprint, width, height, vector, taken) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (content, gallery.fingerprint, width, height, vector_blob(vector), taken)
                    for (content, _, width, height, taken), vector in zip(photos, vectors[start:], strict=False)
                ),
            )
            gallery.database.mark_changed()


def _photos(start: int, count: int) -> Iterator[tuple[str, str, int, int, str]]:
    """Yield content, path, width, height and date of photos."""
    rng = np.random.default_rng(start)
    months, days, shares = rng.integers(MONTHS, size=count), rng.integers(1, 29, size=count), rng.random(count)
    for number, month, day, share in zip(range(start, start + count), months, days, shares, strict=True):
        folder = "most" if share < 0.9 else "rest"
        taken = f"{2015 + month // 12}-{month % 12 + 1:02}-{day:02} 12:00:00"
        yield f"{number:064x}", f"{folder}/{number // 1000:04}/IMG_{number:07}.jpg", 4000, 3000, taken


def _measure(folder: Path, vectors: Vectors, *_: object, **__: object) -> Tuning:
    """Return the measurements of exact scans, in place of ``tune``: building a graph for ``faiss-hnsw`` takes long."""
    queries = sample_queries(vectors, count=20)
    truth = GroundTruth.of(vectors, queries)
    faiss.build(vectors, folder / FAISS_FILE, HnswParameters(links=2, ef_construction=4))
    flat = truth.measure(FaissFlatIndex.open(folder / FAISS_FILE, vectors))
    engines = {
        "exact": EngineStats(truth.milliseconds, dict.fromkeys(queries, 1.0), {}),
        "faiss-flat": EngineStats(flat.milliseconds, flat.recalls, {}),
    }
    return Tuning(TARGET_RECALL, engines)
