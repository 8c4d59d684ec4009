"""The interface that the page, the service and the command line search with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from photoseek.bundle.bundle import Bundle
from photoseek.errors import QueryError
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.photos.decode import PhotoInput
from photoseek.search.hits import Hit
from photoseek.search.name_query import Names
from photoseek.search.near_duplicates import group_near_duplicates
from photoseek.search.query import Query
from photoseek.vectors import Vectors

_TEXTS = 64  # encoded together by search_many; the cache of text vectors has room for several times as many


@dataclass(frozen=True)
class Candidates:
    """The best hits of a query, without grouping.

    Attributes:
        hits: Best first.
        vectors: Unit vectors of the hits, (n, dim).
        complete: Whether there are no further hits.
    """

    hits: list[Hit]
    vectors: Vectors
    complete: bool


class SearchBackend(Protocol):
    """A ``Searcher`` or a ``Reranker``. May be shared between threads and used after a fork."""

    gallery: Gallery
    bundle: Bundle

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the store, if there is one; the next query reconnects. The gallery stays open."""

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
        names: Names = "also",
    ) -> list[Hit]:
        """Return the ``k`` photos that match a query best, best first: by what they show, and by their names.

        The query is a text, a photo, a photo of the gallery, or several of them with equal weights.

        Args:
            text: What the photos should show, in any language of the bundle. ``photoseek.encoders.query_syntax``
                describes how to add, subtract and weight terms.
            photo: A path, bytes or a PIL image.
            similar_to: Path of a photo of the gallery, relative to the photo folder. It is not among the hits.
            k: At least 1; fewer are returned if fewer photos match.
            language: Language of the text, one of ``bundle.languages``. Detected from the script by default.
            where: Only photos that match this filter.
            group_duplicates: Whether near-duplicates count as one hit, in ``Hit.duplicates``.
            names: Whether photos are also found by the words in their names, titles and keywords, only by these, or
                never; see ``photoseek.search.name_search``. A query with a photo searches names only with ``only``.

        Raises:
            QueryError: The query is empty or its syntax is invalid, k is below 1, the bundle has no tower for the
                language, or the gallery has no such photo.
            PhotoError: The photo cannot be decoded.
            BundleError: A tower is damaged.
            GalleryEmpty: Nothing is indexed yet.
            GalleryDamaged: A file of the gallery is damaged. A damaged index file is not an error, see
                ``Searcher.damage``.
            StoreError: The store does not answer, without ``fallback``, or has other data than the gallery's.
        """
        check_k(k)
        query = self.query(text, photo=photo, similar_to=similar_to, language=language, names=names)
        return self.nearest(query, k, where=where, group_duplicates=group_duplicates)

    def search_many(
        self,
        texts: Sequence[str],
        *,
        k: int = 5,
        language: str | None = None,
        where: Filter | None = None,
        group_duplicates: bool = False,
        names: Names = "also",
    ) -> list[list[Hit]]:
        """Return the hits of each text, in order. The texts are encoded together.

        Args:
            texts: Any number of texts.
            k: As for ``search``, as are the others, for all texts.
            language: As ``k``.
            where: As ``k``.
            group_duplicates: As ``k``.
            names: As ``k``.

        Raises:
            PhotoseekError: As for ``search``.
        """
        if isinstance(texts, str):
            raise QueryError(f"texts: expected a list of texts, found one text: {texts!r:.80}")
        found = []
        for start in range(0, len(texts), _TEXTS):
            part = texts[start : start + _TEXTS]
            self.cache_texts([(text, language) for text in part if isinstance(text, str)])
            for text in part:
                hits = self.search(
                    text, k=k, language=language, where=where, group_duplicates=group_duplicates, names=names
                )
                found.append(hits)
        return found

    def cache_texts(self, texts: Sequence[tuple[str, str | None]]) -> None:
        """Encode texts, each with its language or None, together, so that ``query`` finds their vectors cached."""

    def query(
        self,
        text: str | None = None,
        *,
        photo: PhotoInput | None = None,
        similar_to: str | None = None,
        language: str | None = None,
        names: Names = "also",
    ) -> Query:
        """Encode a query; the arguments and errors are those of ``search``."""

    def is_loaded_for(self, text: str | None, photo: PhotoInput | None) -> bool:
        """Return whether the towers that a query needs are in memory."""

    def candidates(self, query: Query | Vectors, count: int, where: Filter | None = None) -> Candidates:
        """Return at least the ``count`` best hits of a query, ungrouped; errors as for ``nearest``."""

    def nearest(
        self, query: Query | Vectors, k: int, *, where: Filter | None = None, group_duplicates: bool = False
    ) -> list[Hit]:
        """Return the ``k`` photos nearest to an encoded query, best first.

        Args:
            query: A result of ``query``, or for a ``Searcher`` a vector (dim,) of any length.
            k: As for ``search``, as are ``where`` and ``group_duplicates``.
            where: As ``k``.
            group_duplicates: As ``k``.

        Raises:
            QueryError: k is below 1, the vector has another length than the bundle's or is not finite, or the filter
                is invalid.
        """
        check_k(k)
        count = k
        while True:
            found = self.candidates(query, count, where)
            hits = group_near_duplicates(found.hits, found.vectors) if group_duplicates else found.hits
            if len(hits) >= k or found.complete:
                return hits[:k]
            count *= 2  # some were grouped


def check_k(k: object) -> None:
    """Raise unless a number of hits is valid.

    Raises:
        QueryError: It is not an integer of at least 1.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise QueryError(f"k must be a whole number of at least 1: {k!r}")
