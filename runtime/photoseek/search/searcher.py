"""Search of a gallery by text, photo or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import QueryError
from photoseek.gallery.database.typed_names import photo_path
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.photos.decode import PhotoInput
from photoseek.search.backend import Candidates, SearchBackend
from photoseek.search.hits import Hit
from photoseek.search.index import Neighbors, PhotoIndex
from photoseek.search.name_query import Names
from photoseek.search.name_search import NameSearch
from photoseek.search.query import Query, QueryEncoder
from photoseek.search.snapshot_index import SnapshotIndex
from photoseek.system.filenames import normalize_user_path
from photoseek.vector_index.registry import Engine
from photoseek.vectors import Vectors, as_query_vector

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode


class Searcher(SearchBackend):
    """Searches one gallery. May be shared between threads and used in a forked child.

    Each tower is loaded by the first query that needs it. After the gallery is re-indexed, the next query uses the new
    index.
    """

    def __init__(
        self,
        gallery: Gallery,
        *,
        bundle: Bundle | None = None,
        precision: str | None = None,
        engine: Engine = "auto",
        threads: int | None = None,
        mode: Mode = "latency",
        store: str | None = None,
        collection: str | None = None,
        fallback: bool = False,
    ) -> None:
        """Open a gallery for searching.

        Args:
            gallery: The gallery to search.
            bundle: One of the gallery's bundles. Defaults to the primary one.
            precision: Precision of the towers. By default, the fastest on this CPU for text, and for images the one
                that the gallery was indexed with.
            engine: Engine that finds the nearest vectors; see ``Engine``.
            threads: Threads of one run of a tower. Depends on ``mode`` by default.
            mode: ``latency`` for one caller at a time, ``service`` for many; see ``Mode``.
            store: URI of the vector database that the gallery was pushed to, to be used instead of the engine. Leave
                passwords to the environment.
            collection: Collection name in the store. Derived from the gallery's id by default.
            fallback: Whether the engine answers while the server of the store is unavailable.

        Raises:
            BundleError: The bundle is missing or damaged, or lacks the precision.
            GalleryIncompatible: The gallery does not contain the bundle.
            GalleryUntrusted: The gallery names a photo folder or a bundle that the user has not confirmed.
            QueryError: Unknown engine, or invalid store URI.
            MissingExtra: A package that the store needs is not installed.
        """
        self.gallery = gallery
        self.bundle = bundle or gallery.bundles.load()
        self.engine = engine
        _ = gallery.photos.source  # if it is untrusted, raises here and not in the first query
        snapshots = SnapshotIndex(gallery, self.bundle, engine)
        self.index: PhotoIndex = snapshots
        if store is not None:
            from photoseek.search.store_index import StoreIndex

            self.index = StoreIndex(gallery, self.bundle, snapshots, store, collection, fallback=fallback)
        image_precision = gallery.bundles.image_precision(self.bundle, precision)
        self.names = NameSearch(gallery.database, self.index, self._hits)
        self.encoder = QueryEncoder(self.bundle, precision, image_precision, threads, mode)

    def __repr__(self) -> str:
        return f"Searcher({self.gallery!r}, {self.bundle!r}, engine={self.engine!r})"

    def close(self) -> None:
        """Close the connections to the store, if there is one; the next query reconnects. The gallery stays open."""
        self.index.close()

    @property
    def text_encoder(self) -> TextEncoder:
        """Encoder of texts."""
        return self.encoder.texts

    @property
    def image_encoder(self) -> ImageEncoder:
        """Encoder of photos."""
        return self.encoder.images

    @property
    def snapshot(self) -> Snapshot:
        """The gallery's current snapshot; the errors are those of ``search``."""
        return self.index.snapshot

    @property
    def damage(self) -> str | None:
        """Why the store or the engine is replaced by a slower search, or None."""
        return self.index.damage

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
        return self.encoder.encode(text, photo, similar_to, language, self.resolve_photo, names)

    def cache_texts(self, texts: Sequence[tuple[str, str | None]]) -> None:
        """Encode texts, each with its language or None, together, so that ``query`` finds their vectors cached."""
        self.encoder.cache_texts(texts)

    def is_loaded_for(self, text: str | None, photo: PhotoInput | None) -> bool:
        """Return whether the towers that a query needs are in memory."""
        return self.encoder.is_loaded_for(text, photo)

    def candidates(self, query: Query | Vectors, count: int, where: Filter | None = None) -> Candidates:
        """Return the ``count`` best photos or more, ungrouped; the errors are those of ``nearest``."""
        if where is not None and not isinstance(where, Filter):
            raise QueryError(f"where: expected a photoseek.gallery.filters.Filter, found {type(where).__name__}")
        query = query if isinstance(query, Query) else Query(query)
        return self.names.candidates(query, count, where, self.nearest_by_vector)

    def nearest_by_vector(self, query: Query, count: int, where: Filter | None = None) -> Candidates:
        """Return the ``count`` nearest photos by the vector of an encoded query; names do not count."""
        vector = as_query_vector(query.vector, self.bundle.dim)
        k = count + (query.exclude_id is not None)
        while True:
            neighbors = self.index.search(vector, k, where)
            hits, vectors = self._hits(neighbors, query)
            if len(hits) >= count or not neighbors.truncated:
                complete = not neighbors.truncated and len(hits) <= count
                return Candidates(hits[:count], vectors[:count], complete)
            k *= 2  # some were removed since the index was written

    def is_searchable(self, path: str) -> bool:
        """Return whether ``similar_to`` accepts a path."""
        try:
            self.resolve_photo(path)
        except QueryError:
            return False
        return True

    def resolve_photo(self, path: str) -> tuple[int, Vectors]:
        """Return the id and the unit vector (dim,) of the photo of the gallery at a path.

        Raises:
            QueryError: There is no searchable photo at this path.
        """
        name = normalize_user_path(path)
        encodable = name.encode("utf-8", "replace") == name.encode("utf-8", "surrogatepass")  # as all in a gallery
        found = self.index.find_photo(photo_path(self.gallery.database, name)) if encodable else None
        if found is None:
            raise QueryError(f"no photo {path!r} in this gallery, or it is not searchable; see: photoseek info")
        return found

    def _hits(self, neighbors: Neighbors, query: Query) -> tuple[list[Hit], Vectors]:
        """Return the hits among neighbors that are still in the gallery, and their vectors."""
        ids = neighbors.ids.tolist()
        rows = [row for row, photo in enumerate(ids) if photo in neighbors.photos and photo != query.exclude_id]
        vectors, folder = neighbors.vectors[rows], self.gallery.photos.source_of(neighbors.folder)
        hits = []
        for rank, (row, confidence) in enumerate(zip(rows, query.confidences(vectors), strict=True), start=1):
            photo = neighbors.photos[ids[row]]
            facts = (rank, photo.path, float(neighbors.scores[row]), photo.width, photo.height, folder)
            taken, taken_from = photo.dated
            dated = (taken or None, taken_from)
            hit = Hit(*facts, ids[row], *dated, *confidence, incomplete=photo.incomplete, camera=photo.camera or None)
            hits.append(hit)
        return hits, vectors
