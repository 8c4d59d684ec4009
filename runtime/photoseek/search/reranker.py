"""Reranking: a second, stronger bundle scores the top hits of the first, and both rankings are fused.

The first bundle searches the entire gallery. The cost of the second depends on the number of hits that it scores, not
on the size of the gallery.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.errors import QueryError
from photoseek.gallery.filters import Filter
from photoseek.photos.decode import PhotoInput
from photoseek.search.backend import Candidates, SearchBackend
from photoseek.search.hits import BundleScore, Hit
from photoseek.search.name_query import Names
from photoseek.search.query import Query, QueryEncoder
from photoseek.search.rank_fusion import DEPTH, MAX_DEPTH, Fusion, Scores
from photoseek.search.rerank_vectors import RerankVectors
from photoseek.search.searcher import Searcher
from photoseek.vectors import Vectors

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode


class Reranker(SearchBackend):
    """Searches like a ``Searcher``, and reranks the top hits with a second bundle. May be shared between threads.

    Vectors of the second bundle are read from the gallery if it was added there (``Gallery.bundles``). Other photos
    are encoded when they are first needed; their vectors are cached in memory (at most 64 MiB) and never stored.

    Hits have the ``score`` and the ``confidence`` of the first bundle. They are ordered by ``fusion_score``; ``scores``
    has the scores of both bundles. A hit has ``low_confidence`` only if the first bundle's best hit has it. Hits
    beyond the depth follow in the first bundle's order, without these fields.
    """

    def __init__(
        self,
        searcher: Searcher,
        bundle: Bundle,
        *,
        depth: int = DEPTH,
        fusion: Fusion | None = None,
        precision: str | None = None,
        threads: int | None = None,
        mode: Mode = "latency",
    ) -> None:
        """Add a bundle to a searcher, without loading its towers.

        Args:
            searcher: Searcher of the first hits.
            bundle: Bundle that scores them. It does not have to be one of the gallery's.
            depth: Number of hits to rerank, from 1 to ``MAX_DEPTH``.
            fusion: How the rankings are combined. Defaults to ``Fusion()``.
            precision: Precision of its towers, as for the searcher.
            threads: Threads of one run of a tower. Depends on ``mode`` by default.
            mode: As for the searcher.

        Raises:
            QueryError: Invalid depth, or the bundle is the searcher's.
            BundleIncompatible: The bundle lacks the precision.
        """
        if bundle.fingerprint == searcher.bundle.fingerprint:
            raise QueryError(f"rerank: expected a bundle other than {searcher.bundle.name!r}, the first bundle")
        self.searcher, self.gallery = searcher, searcher.gallery
        self.bundle = bundle
        self.depth = check_depth(depth)
        self.fusion = fusion or Fusion()
        bundles = self.gallery.bundles
        images = bundles.image_precision(bundle, precision) if bundles.get(bundle) else precision
        self._encoder = QueryEncoder(bundle, precision, images, threads, mode)
        self._vectors = RerankVectors(self.gallery, self._encoder.images)

    def __repr__(self) -> str:
        return f"Reranker({self.searcher!r}, {self.bundle!r}, depth={self.depth}, fusion={self.fusion!r})"

    def with_depth(self, depth: int) -> Reranker:
        """Return a reranker of another depth that shares the towers and the cache of this one.

        Raises:
            QueryError: Invalid depth.
        """
        other = copy.copy(self)
        other.depth = check_depth(depth)
        return other

    def query(
        self,
        text: str | None = None,
        *,
        photo: PhotoInput | None = None,
        similar_to: str | None = None,
        language: str | None = None,
        names: Names = "also",
    ) -> Query:
        """Encode a query with both bundles; the arguments and errors are those of ``search``."""
        query = self.searcher.query(text, photo=photo, similar_to=similar_to, language=language, names=names)
        second = self._encoder.encode(text, photo, similar_to, language, self._resolve_photo, "never")
        return replace(query, rerank=second)

    def close(self) -> None:
        """Close the searcher."""
        self.searcher.close()

    def cache_texts(self, texts: Sequence[tuple[str, str | None]]) -> None:
        """Encode texts with both bundles; see ``SearchBackend.cache_texts``."""
        self.searcher.cache_texts(texts)
        self._encoder.cache_texts(texts)

    def is_loaded_for(self, text: str | None, photo: PhotoInput | None) -> bool:
        """Return whether the towers that a query needs are in memory."""
        return self.searcher.is_loaded_for(text, photo) and self._encoder.is_loaded_for(text, photo)

    def candidates(self, query: Query | Vectors, count: int, where: Filter | None = None) -> Candidates:
        """Return the best hits, reranked: ``count`` or ``depth`` of them, whichever is more."""
        if not isinstance(query, Query) or query.rerank is None:
            raise QueryError("rerank: expected a query that Reranker.query has encoded")
        return self.searcher.names.candidates(query, count, where, self._reranked)

    def _reranked(self, query: Query, count: int, where: Filter | None) -> Candidates:
        """Return the nearest photos, reranked."""
        assert query.rerank is not None
        found = self.searcher.nearest_by_vector(query, max(count, self.depth), where)
        order, scores = self._rerank(found.hits[: self.depth], query.rerank)
        order += range(len(order), len(found.hits))
        hits = []
        for rank, row in enumerate(order, start=1):
            hit = found.hits[row]
            low_confidence = hit.low_confidence and found.hits[0].low_confidence
            fields = scores[row] if row < len(scores) else {}
            hits.append(replace(hit, rank=rank, low_confidence=low_confidence, **fields))
        return Candidates(hits, found.vectors[order], found.complete)

    def _rerank(self, hits: list[Hit], query: Query) -> tuple[list[int], list[dict[str, Any]]]:
        """Return the new order of hits, as rows, and by row the fields that reranking adds."""
        cosines = self._cosines(hits, query)
        fused = self.fusion.fuse([hit.score for hit in hits], cosines)
        ranks = np.empty(len(hits), dtype=np.int64)
        ranks[np.argsort(-cosines, kind="stable")] = np.arange(1, len(hits) + 1)
        fields = []
        for hit, score, cosine, rank in zip(hits, fused.tolist(), cosines.tolist(), ranks.tolist(), strict=True):
            first = BundleScore(self.searcher.bundle.name, hit.score, hit.rank)
            known = not np.isnan(cosine)
            second = BundleScore(self.bundle.name, cosine if known else None, rank if known else None)
            fields.append({"fusion_score": score, "scores": (first, second)})
        return np.argsort(-fused, kind="stable").tolist(), fields  # equal scores: in the first bundle's order

    def _cosines(self, hits: list[Hit], query: Query) -> Scores:
        """Return the second bundle's cosine of each hit, (n,); NaN if it cannot encode the photo."""
        vectors = self._vectors.vectors([hit.id for hit in hits])
        cosines = np.full(len(hits), np.nan)
        known = [row for row, hit in enumerate(hits) if hit.id in vectors]
        if known:
            cosines[known] = np.stack([vectors[hits[row].id] for row in known]) @ query.vector
        return cosines

    def _resolve_photo(self, path: str) -> tuple[int, Vectors]:
        photo, _ = self.searcher.resolve_photo(path)
        vectors = self._vectors.vectors([photo])
        if photo not in vectors:
            raise QueryError(
                f"photo {path!r} cannot be encoded with bundle {self.bundle.name!r}: it was removed or changed"
            )
        return photo, vectors[photo]


def check_depth(depth: object) -> int:
    """Return a depth if it is valid.

    Raises:
        QueryError: It is not an integer from 1 to ``MAX_DEPTH``.
    """
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= MAX_DEPTH:
        raise QueryError(f"depth: expected a whole number from 1 to {MAX_DEPTH:,}, found {depth!r}")
    return depth
