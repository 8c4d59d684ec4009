"""The searcher behind the service: worker threads, timing, and results as response models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import Histogram

from photoseek.errors import PhotoseekError, QueryError
from photoseek.gallery.database.typed_names import with_known_names
from photoseek.gallery.filters import Filter
from photoseek.gallery.overview import count_photos
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.search.backend import SearchBackend
from photoseek.search.caption_search import CaptionSearcher
from photoseek.search.hits import Hit
from photoseek.search.query import Query
from photoseek.search.reranker import Reranker
from photoseek.search.searcher import Searcher
from photoseek.service.errors import ApiError, as_api_error, service_unavailable
from photoseek.service.metrics import Metrics
from photoseek.service.request_body import Base64Photo, Photo
from photoseek.service.schemas import (
    BatchAnswer,
    DescribeAnswer,
    DescribeRequest,
    Description,
    EmbedAnswer,
    EmbedRequest,
    FolderPhotos,
    FoldersAnswer,
    PhotoHit,
    SearchAnswer,
    SearchBatch,
    SearchRequest,
    TookMs,
)
from photoseek.system.cpu import available_cores
from photoseek.vectors import Vectors

Result = TypeVar("Result")


@dataclass
class Timing:
    """Duration of a step; set when the step ends."""

    seconds: float = 0.0

    @property
    def milliseconds(self) -> float:
        """The duration in milliseconds, rounded."""
        return round(1000 * self.seconds, 3)


class Backend:
    """One searcher and its worker threads, as many as there are cores, so that the event loop never blocks."""

    def __init__(self, searcher: Searcher, metrics: Metrics, reranker: Reranker | None = None) -> None:
        """Create the backend.

        Args:
            searcher: Preferably in the mode ``service``, in which each run of a tower uses one core.
            metrics: Where durations are recorded.
            reranker: A reranker over the searcher, or None.
        """
        self.searcher = searcher
        self.reranker = reranker
        self.captions = CaptionSearcher(searcher)
        self.metrics = metrics
        self._threads = _worker_threads()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run a function in a worker thread, and return its result."""
        queued = time.perf_counter()

        def begin() -> Result:
            self.metrics.wait_seconds.observe(time.perf_counter() - queued)
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, begin)

    def close(self) -> None:
        """Wait until the worker threads have ended, and disconnect from the store; later calls start new ones."""
        threads, self._threads = self._threads, _worker_threads()
        threads.shutdown(wait=True)
        self.searcher.close()

    async def search(self, request: SearchRequest, photo: Photo | None = None) -> SearchAnswer:
        """Return the hits of a query.

        Raises:
            QueryError: The query is empty, in a language without a tower, or requires a second bundle.
            PhotoError: The photo cannot be decoded.
            ApiError: 503, the gallery cannot respond now.
        """
        return await self.run(lambda: self._search(request, photo))

    async def search_batch(self, request: SearchBatch) -> BatchAnswer:
        """Return the hits of several queries, whose texts are encoded in one run of a tower.

        Raises:
            ApiError: As for ``search``, and named by its place in the batch, for the first query that fails.
        """
        return await self.run(lambda: self._search_batch(request))

    async def describe(self, request: DescribeRequest, photo: Photo | None = None) -> DescribeAnswer:
        """Return the captions that describe a photo best; raises the same errors as ``search``."""
        return await self.run(lambda: self._describe(request, photo))

    async def embed(self, request: EmbedRequest) -> EmbedAnswer:
        """Return the vectors of texts; raises the same errors as ``search``."""
        encode, texts = self.searcher.text_encoder.encode, request.texts or []
        return await self.run(lambda: self._embed("text", lambda: encode(texts, language=request.language)))

    async def embed_photo(self, photo: Photo) -> EmbedAnswer:
        """Return the vector of a photo; raises the same errors as ``search``."""
        encode = self.searcher.image_encoder.encode
        return await self.run(lambda: self._embed("photo", lambda: encode([photo.read()])))

    async def folders(self) -> FoldersAnswer:
        """Return the folders of the gallery and their numbers of searchable photos.

        Raises:
            ApiError: 503, the gallery cannot respond now.
        """
        return await self.run(self._folders)

    def _folders(self) -> FoldersAnswer:
        try:
            snapshot = self.searcher.snapshot
            found = count_photos(snapshot.columns)
        except PhotoseekError as error:  # its message may contain a folder
            raise service_unavailable(error) from error
        folders = [FolderPhotos(path=path, photos=photos) for path, photos in found.folders.items()]
        return FoldersAnswer(photos=found.photos, folders=folders, generation=snapshot.path.name)

    def _search(self, request: SearchRequest, photo: Photo | None, encoded_in: float = 0.0) -> SearchAnswer:
        """Search; ``encoded_in`` is how many seconds the batch took to encode in which the text was encoded."""
        data = None if photo is None else photo.read()  # in the worker: at most one upload per core is in memory
        kind = "photo" if request.text is None else "text" if data is None else "both"
        backend = self._backend_for(request)
        where = with_known_names(self.searcher.gallery.database, request.where)
        with _timed(self.metrics.encode_seconds.labels(kind), encoded_in) as encoding:
            query = backend.query(
                request.text,
                photo=data,
                similar_to=request.similar_to,
                language=request.language,
                names=request.names,
            )
        with _timed(self.metrics.search_seconds) as searching:
            count = request.offset + request.k
            hits, snapshot = self.nearest(backend, query, count, where, group_duplicates=request.group_duplicates)
        return SearchAnswer(
            hits=[PhotoHit.of(hit) for hit in hits[request.offset :]],
            took_ms=TookMs(encode=encoding.milliseconds, search=searching.milliseconds),
            generation=snapshot.path.name,
        )

    def _search_batch(self, request: SearchBatch) -> BatchAnswer:
        started = time.perf_counter()
        with suppress(Exception):  # the query that causes it raises it again
            texts = [(query.text, query.language) for query in request.queries if query.text is not None]
            self.searcher.encoder.cache_texts(texts)
        seconds = time.perf_counter() - started
        answers = []
        for place, query in enumerate(request.queries):
            try:
                answers.append(self._search(query, Base64Photo.of(query.photo), seconds))
            except (ApiError, PhotoseekError) as error:
                found = as_api_error(error)
                message = f"queries.{place}: {found.message}"
                raise ApiError(found.status, found.code, message, found.headers) from error
        return BatchAnswer(answers=answers)

    def _backend_for(self, request: SearchRequest) -> SearchBackend:
        """Return the searcher, or the reranker at the depth of a request.

        Raises:
            QueryError: The request asks for reranking, and the service has no second bundle.
        """
        if request.rerank is False or (self.reranker is None and request.rerank is None and request.depth is None):
            return self.searcher
        if self.reranker is None:
            raise QueryError(
                "rerank: this service has no second bundle; start it with: photoseek serve --rerank BUNDLE"
            )
        return self.reranker if request.depth is None else self.reranker.with_depth(request.depth)

    def _describe(self, request: DescribeRequest, photo: Photo | None) -> DescribeAnswer:
        data = None if photo is None else photo.read()
        with _timed(self.metrics.encode_seconds.labels("photo")):
            found = self.captions.describe(data, similar_to=request.similar_to, k=request.k)
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
        """Return the hits and the one snapshot that all of them come from.

        Raises:
            ApiError: 503, the gallery cannot respond now.
        """
        try:
            while True:
                snapshot = self.searcher.snapshot
                hits = backend.nearest(query, k, where=where, group_duplicates=group_duplicates)
                if self.searcher.snapshot is snapshot:  # else the hits may come from either of the two
                    break
        except PhotoseekError as error:  # its message may contain a folder
            raise service_unavailable(error) from error
        self.metrics.photos.set(len(snapshot.ids))
        self.metrics.generation.set(int(snapshot.path.name))
        return hits, snapshot

    def _embed(self, kind: str, encode: Callable[[], Vectors]) -> EmbedAnswer:
        with _timed(self.metrics.encode_seconds.labels(kind)):
            vectors = encode()
        bundle = self.searcher.bundle
        return EmbedAnswer(vectors=vectors.tolist(), dim=bundle.dim, fingerprint=bundle.fingerprint)


def _worker_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(available_cores(), thread_name_prefix="photoseek")


@contextmanager
def _timed(histogram: Histogram, before: float = 0.0) -> Iterator[Timing]:
    """Time the block, unless it fails; ``before`` are seconds of work that preceded it."""
    timing = Timing()
    started = time.perf_counter() - before
    yield timing
    timing.seconds = time.perf_counter() - started
    histogram.observe(timing.seconds)
