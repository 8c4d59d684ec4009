"""A second opinion: the first hits of one bundle looked at once more by a stronger one, and both orders made one.

The first bundle searches all of the gallery; what the second costs does not grow with the gallery, but with how many
hits it looks at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import QueryError
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.photos.decode import PhotoInput
from photoseek.search.hits import BundleScore, Hit
from photoseek.search.near_duplicates import group_near_duplicates as group_near_duplicates
from photoseek.search.query import Query, QueryEncoder
from photoseek.search.rank_fusion import DEPTH, MAX_DEPTH, Fusion
from photoseek.search.rerank_vectors import RerankVectors
from photoseek.search.searcher import Searcher, check_k
from photoseek.vectors import Vectors

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode


_Fused = tuple[float, float, int]
"""Of a photo: its fused score, the second bundle's cosine, NaN where that is not known, and its rank by that."""


@dataclass(frozen=True)
class RerankQuery:
    """A query in the spaces of both bundles."""

    first: Query
    second: Query


class Reranker:
    """Answers queries by a searcher, whose first hits a second bundle puts in a better order.

    It is asked as a ``Searcher`` is, and may be shared between threads. Vectors of the
    second bundle are read from the gallery, where it was added (``Gallery.add_bundle``). Other photos are
    encoded when they are first needed; their vectors are cached in memory (64 MiB at most), and never stored.

    Each hit has the ``score`` and the ``confidence`` of the first bundle, besides those that it was ordered by:
    ``fusion_score``, and the ``scores`` of both. None is ``low_confidence`` unless the first bundle's best is.
    Hits beyond the depth follow in the first bundle's order, without these.
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
        """Put a bundle behind a searcher; none of its towers is loaded yet.

        Args:
            searcher: What finds the first hits.
            bundle: What looks at them once more. The gallery may hold it or not.
            depth: How many hits it looks at, from 1 to ``MAX_DEPTH``.
            fusion: How both orders become one. None: the default ``Fusion``.
            precision: Of its towers, as for the searcher.
            threads: Of one run of a tower. None: as the mode has it.
            mode: As for the searcher.

        Raises:
            QueryError: No such depth, or a bundle that is the searcher's own.
            BundleIncompatible: The bundle lacks the precision.
        """
        if bundle.fingerprint == searcher.bundle.fingerprint:
            raise QueryError(f"rerank: expected a bundle other than {searcher.bundle.name!r}, which searches already")
        self.searcher = searcher
        self.bundle = bundle
        self.depth = check_depth(depth)
        self.fusion = fusion or Fusion()
        bundles = searcher.gallery.bundles
        images = bundles.image_precision(bundle, precision) if bundles.get(bundle) else precision
        self._encoder = QueryEncoder(bundle, precision, images, threads, mode)
        self._vectors = RerankVectors(searcher.gallery, self._encoder.images)

    def __repr__(self) -> str:
        return f"Reranker({self.searcher!r}, {self.bundle!r}, depth={self.depth}, fusion={self.fusion!r})"

    @property
    def gallery(self) -> Gallery:
        """What is searched."""
        return self.searcher.gallery

    @property
    def text_encoder(self) -> TextEncoder:
        """What reads texts for the second bundle."""
        return self._encoder.texts

    def search(
        self,
        text: str | None = None,
        *,
        photo: PhotoInput | None = None,
        similar_to: str | None = None,
        k: int = 5,
        language: str | None = None,
        where: Filter | None = None,
        group_duplicates: bool = False,
    ) -> list[Hit]:
        """The k photos most like the query, best first; parameters and errors are those of ``Searcher.search``.

        Raises:
            QueryError: Also where the second bundle has no tower for the language.
            BundleError: A tower of the second bundle is damaged.
        """
        check_k(k)
        return self.nearest(
            self.query(text, photo=photo, similar_to=similar_to, language=language),
            k,
            where=where,
            group_duplicates=group_duplicates,
        )

    def query(
        self,
        text: str | None = None,
        *,
        photo: PhotoInput | None = None,
        similar_to: str | None = None,
        language: str | None = None,
    ) -> RerankQuery:
        """Encode a query with both bundles; parameters and errors are those of ``search``."""
        first = self.searcher.query(text, photo=photo, similar_to=similar_to, language=language)
        return RerankQuery(first, self._encoder.encode(text, photo, similar_to, language, self._photo_at))

    def nearest(
        self,
        query: RerankQuery,
        k: int,
        *,
        where: Filter | None = None,
        group_duplicates: bool = False,
        depth: int | None = None,
    ) -> list[Hit]:
        """The k best of an encoded query, ``depth`` being for this one; else as ``Searcher.nearest``."""
        check_k(k)
        depth = self.depth if depth is None else check_depth(depth)
        wanted = max(k, depth)
        while True:
            found = self.searcher.candidates(query.first, wanted, where)
            order, fused = self._fused(found.hits[:depth], query.second)
            order += range(len(order), len(found.hits))
            hits = [
                self._apply_order(found.hits, place, rank, fused)
                for rank, place in enumerate(order[: None if group_duplicates else k], 1)
            ]
            hits = group_near_duplicates(hits, found.vectors[order]) if group_duplicates else hits
            if len(hits) >= k or found.complete:
                return hits[:k]
            wanted *= 2  # some were folded

    def _fused(self, hits: list[Hit], query: Query) -> tuple[list[int], list[_Fused]]:
        """The places of hits in their new order, and what was found of each, by its place."""
        seconds = self._scores(hits, query)
        fused = self.fusion.fuse([hit.score for hit in hits], seconds)
        ranks = np.empty(len(hits), dtype=np.int64)
        ranks[np.argsort(-seconds, kind="stable")] = np.arange(1, len(hits) + 1)
        order = np.argsort(-fused, kind="stable").tolist()  # of equal ones the first bundle's better one is first
        return order, list(zip(fused.tolist(), seconds.tolist(), ranks.tolist(), strict=True))

    def _apply_order(self, hits: list[Hit], place: int, rank: int, fused: list[_Fused]) -> Hit:
        """A hit at its new rank, with what both bundles say of it where both were asked."""
        hit = hits[place]
        low_confidence = hit.low_confidence and hits[0].low_confidence
        if place >= len(fused):
            return replace(hit, rank=rank, low_confidence=low_confidence)
        score, second, second_rank = fused[place]
        known = not np.isnan(second)
        own = BundleScore(self.searcher.bundle.name, hit.score, hit.rank)
        other = BundleScore(self.bundle.name, second if known else None, second_rank if known else None)
        return replace(hit, rank=rank, low_confidence=low_confidence, fusion_score=score, scores=(own, other))

    def _scores(self, hits: list[Hit], query: Query) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The second bundle's cosine of each hit, (n,); NaN where it could not look at the photo."""
        vectors = self._vectors.vectors([hit.id for hit in hits])
        scores = np.full(len(hits), np.nan)
        known = [place for place, hit in enumerate(hits) if hit.id in vectors]
        if known:
            scores[known] = np.stack([vectors[hits[place].id] for place in known]) @ query.vector
        return scores

    def _photo_at(self, path: str) -> tuple[int, Vectors]:
        photo, _ = self.searcher.photo_at(path)
        vectors = self._vectors.vectors([photo])
        if photo not in vectors:
            raise QueryError(
                f"photo {path!r} cannot be looked at by bundle {self.bundle.name!r}: it has gone or changed"
            )
        return photo, vectors[photo]


def check_depth(depth: object) -> int:
    """Make sure that a depth is one.

    Raises:
        QueryError: It is not a whole number from 1 to ``MAX_DEPTH``.
    """
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= MAX_DEPTH:
        raise QueryError(f"depth: expected a whole number from 1 to {MAX_DEPTH:,}, found {depth!r}")
    return depth
