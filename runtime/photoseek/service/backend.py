"""The searcher as the service uses it: each step in a worker thread, timed, its answers ready to send."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from prometheus_client import Histogram

from photoseek.errors import PhotoseekError, QueryError
from photoseek.gallery.filters import Filter
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.search.backend import SearchBackend
from photoseek.search.caption_search import CaptionSearcher
from photoseek.search.hits import Hit
from photoseek.search.query import Query
from photoseek.search.reranker import Reranker
from photoseek.search.searcher import Searcher
from photoseek.service.errors import service_unavailable
from photoseek.service.metrics import Metrics
from photoseek.service.schemas import (
    DescribeAnswer,
    DescribeRequest,
    Description,
    EmbedAnswer,
    EmbedRequest,
    PhotoHit,
    SearchAnswer,
    SearchRequest,
    TookMs,
)
from photoseek.service.workers import Workers
from photoseek.system.cpu import available_cores
from photoseek.vectors import Vectors


@dataclass
class Timing:
    """Seconds that a step took; set when it has ended."""

    seconds: float = 0.0


class Backend:
    """One searcher and the threads that it runs in: as many as there are cores."""

    def __init__(self, searcher: Searcher, metrics: Metrics, reranker: Reranker | None = None) -> None:
        """``searcher`` is best in the mode ``service``: each of its runs has one core; ``reranker`` is over it."""
        self.searcher = searcher
        self.reranker = reranker
        self.captions = CaptionSearcher(searcher)
        self.metrics = metrics
        self.workers = Workers(available_cores(), metrics.wait_seconds.observe)

    async def search(self, asked: SearchRequest, photo: BinaryIO | None = None) -> SearchAnswer:
        """Answer a query.

        Raises:
            QueryError: It is empty, of a language without a tower, or asks for a second bundle where there is none.
            PhotoError: The photo cannot be decoded.
            Refusal: 503, the gallery cannot answer now.
        """
        return await self.workers.run(lambda: self._search(asked, photo))

    async def describe(self, asked: DescribeRequest, photo: BinaryIO | None = None) -> DescribeAnswer:
        """The captions that describe a photo best; the errors are those of ``search``."""
        return await self.workers.run(lambda: self._describe(asked, photo))

    async def embed(self, asked: EmbedRequest) -> EmbedAnswer:
        """The vectors of texts; the errors are those of ``search``."""
        encode = self.searcher.text_encoder.encode
        return await self.workers.run(
            lambda: self._vectors("text", lambda: encode(asked.texts, language=asked.language))
        )

    async def embed_photo(self, photo: BinaryIO) -> EmbedAnswer:
        """The vector of a photo; the errors are those of ``search``."""
        encode = self.searcher.image_encoder.encode
        return await self.workers.run(lambda: self._vectors("photo", lambda: encode([photo.read()])))

    def _search(self, asked: SearchRequest, photo: BinaryIO | None) -> SearchAnswer:
        data = None if photo is None else photo.read()  # here: no more uploads are in memory than are worked on
        kind = "photo" if asked.text is None else "text" if data is None else "both"
        backend = self._backend_for(asked)
        with _timed(self.metrics.encode_seconds.labels(kind)) as encoding:
            query = backend.query(asked.text, photo=data, similar_to=asked.similar_to, language=asked.language)
        where = asked.where
        with _timed(self.metrics.search_seconds) as searching:
            hits, snapshot = self.nearest(backend, query, asked.k, where, group_duplicates=asked.group_duplicates)
        return SearchAnswer(
            hits=[PhotoHit.of(hit) for hit in hits],
            took_ms=TookMs(encode=_milliseconds(encoding), search=_milliseconds(searching)),
            generation=snapshot.path.name,
        )

    def _backend_for(self, asked: SearchRequest) -> SearchBackend:
        """Return the searcher, or the reranker at the depth of a request.

        Raises:
            QueryError: The request asks for reranking, and the service has no second bundle.
        """
        if asked.rerank is False or (self.reranker is None and asked.rerank is None and asked.depth is None):
            return self.searcher
        if self.reranker is None:
            raise QueryError(
                "rerank: this service has no second bundle; start it with: photoseek serve --rerank BUNDLE"
            )
        return self.reranker if asked.depth is None else self.reranker.with_depth(asked.depth)

    def _describe(self, asked: DescribeRequest, photo: BinaryIO | None) -> DescribeAnswer:
        data = None if photo is None else photo.read()
        with _timed(self.metrics.encode_seconds.labels("photo")):
            found = self.captions.describe(data, similar_to=asked.similar_to, k=asked.k)
        return DescribeAnswer(sentences=[Description.model_validate(sentence.to_json()) for sentence in found])

    def nearest(
        self,
        backend: SearchBackend,
        query: Query,
        k: int,
        where: Filter | None = None,
        *,
        group_duplicates: bool = False,
    ) -> tuple[list[Hit], Snapshot]:
        """Return the hits, and the snapshot that all of them come from.

        Raises:
            Refusal: 503, the gallery cannot answer now.
        """
        try:
            while True:
                snapshot = self.searcher.snapshot
                hits = backend.nearest(query, k, where=where, group_duplicates=group_duplicates)
                if self.searcher.snapshot is snapshot:  # else the gallery was re-indexed during the search
                    break
        except PhotoseekError as error:  # its message may name a folder
            raise service_unavailable(error) from error
        self.metrics.photos.set(len(snapshot.ids))
        self.metrics.generation.set(int(snapshot.path.name))
        return hits, snapshot

    def _vectors(self, kind: str, encode: Callable[[], Vectors]) -> EmbedAnswer:
        with _timed(self.metrics.encode_seconds.labels(kind)):
            vectors = encode()
        bundle = self.searcher.bundle
        return EmbedAnswer(vectors=vectors.tolist(), dim=bundle.dim, fingerprint=bundle.fingerprint)


@contextmanager
def _timed(clock: Histogram) -> Iterator[Timing]:
    """Time what the block does, unless it fails."""
    took = Timing()
    started = time.perf_counter()
    yield took
    took.seconds = time.perf_counter() - started
    clock.observe(took.seconds)


def _milliseconds(took: Timing) -> float:
    return round(1000 * took.seconds, 3)
