"""Queries that photos of a gallery surely match, chosen from the vocabulary and the sample queries."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photoseek.gallery.snapshot.sample_queries import demo_queries, sample_queries
from photoseek.search.query import Query
from photoseek.search.searcher import Searcher
from photoseek.search.vocabulary import vocabulary
from photoseek.vectors import Vectors

SURE = 0.5
"""Minimum confidence of the best photo."""

_MAX_PHOTOS = 20_000  # that queries are compared with, evenly spread over a larger gallery
_PHOTOS = 3  # best photos of a query, which no two examples share
_BATCH = 64  # queries


def find_examples(searcher: Searcher, language: str, count: int) -> list[str]:
    """Return queries whose best photo has a confidence of at least ``SURE``, the surest first.

    No two of them have a photo among their best in common. Each query is compared with all photos, or with 20,000
    photos of a larger gallery, by their vectors; words in names don't count.

    Args:
        searcher: A searcher with a calibrated bundle.
        language: ``en`` or ``zh``, one that the bundle reads.
        count: Maximum number of queries.

    Raises:
        PhotoseekError: The gallery or the bundle cannot be read.
    """
    snapshot = searcher.snapshot
    rows = np.unique(np.linspace(0, len(snapshot.ids) - 1, _MAX_PHOTOS).astype(np.int64))
    photos = np.asarray(snapshot.vectors[rows])
    texts = [*demo_queries("zh" if language == "zh" else "en"), *sample_queries([language]), *vocabulary(language)]
    sure: list[tuple[float, str, set[int]]] = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        searcher.encoder.cache_texts([(text, None) for text in batch])
        queries = [searcher.query(text, names="never") for text in batch]
        cosines = photos @ np.stack([query.vector for query in queries]).T
        for text, query, column in zip(batch, queries, cosines.T, strict=True):
            best = _best(column)
            if (confidence := _confidence(query, photos[best[0]])) >= SURE:
                sure.append((confidence, text, set(best.tolist())))
    return _distinct(sorted(sure, key=lambda each: -each[0]), count)


def _best(cosines: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the numbers of the photos with the highest cosines, the highest first."""
    count = min(_PHOTOS, len(cosines))
    best = np.argpartition(-cosines, count - 1)[:count]
    return best[np.argsort(-cosines[best], kind="stable")]


def _confidence(query: Query, photo: Vectors) -> float:
    """Return the confidence that a photo matches a query; 0 if it is low or unknown."""
    [(confidence, low)] = query.confidences(photo[None])
    return 0.0 if low or confidence is None else confidence


def _distinct(found: list[tuple[float, str, set[int]]], count: int) -> list[str]:
    chosen: list[str] = []
    seen: set[int] = set()
    for _, text, best in found:
        if len(chosen) < count and not best & seen:
            chosen.append(text)
            seen |= best
    return chosen
