"""Text and photos in, the best photos of a gallery out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, get_args

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import GalleryDamaged, GalleryIncompatible, QueryError
from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.database.database import StoredPhoto
from photoseek.gallery.database.filter_query import matching_ids
from photoseek.gallery.database.sentences import StoredSentences
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.snapshot.build import ROWS_REPAIR_HINT, rows_for, verify_rows
from photoseek.gallery.snapshot.current import REPAIR_HINT, current_id
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.photos.decode import PhotoInput
from photoseek.search.hits import Hit, Sentence
from photoseek.search.near_duplicates import group_near_duplicates as group_near_duplicates
from photoseek.search.query import Query as Query
from photoseek.search.query import QueryEncoder
from photoseek.stores.searcher import Neighbors, StoreSearcher
from photoseek.system.filenames import normalize_user_path
from photoseek.system.fork_safety import ForkAware
from photoseek.vector_index.base import Index
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.registry import Engine
from photoseek.vectors import Rows, Vectors, as_query_vector

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode

Photos: TypeAlias = Mapping[int, StoredPhoto]
"""What the database says of photos, by their ids."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidates:
    """The photos nearest to a query.

    Attributes:
        hits: Best first.
        vectors: Theirs, (n, dim).
        complete: Whether there are no others.
    """

    hits: list[Hit]
    vectors: Vectors
    complete: bool


@dataclass(frozen=True)
class _SnapshotView:
    """A generation and the engine over it; replaced as a whole, so that a query sees one or the other."""

    generation: Snapshot
    engine: Index
    damage: str | None = None


class Searcher(ForkAware):
    """Answers queries over one gallery. May be shared between threads, and used in a forked child.

    Each tower is loaded by the first query that needs it. When the gallery has been indexed again, the next query
    sees it.
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
            gallery: What to search.
            bundle: One that the gallery holds, whose vectors answer. None: the gallery's own, from where it lay.
            precision: Of the towers. None: of the text towers the one that this CPU runs fastest, of the image tower
                that of the gallery.
            engine: How neighbours are found; see ``Engine``.
            threads: Of one run of a tower. None: as the mode has it.
            mode: ``latency`` for one caller at a time, ``service`` for many; see
                ``Mode``.
            store: The URI of a store that ``push`` has brought the gallery to, and
                that finds neighbours in place of the engine; passwords are best left to the environment. None: none.
            collection: The name of the gallery's place there. None: it follows from the gallery's id.
            fallback: Whether the engine answers while the server of the store is away.

        Raises:
            BundleError: The bundle is not there, is damaged, or lacks the precision.
            GalleryIncompatible: The gallery does not hold the bundle.
            GalleryUntrusted: The gallery records a photo folder or a bundle that this user has not named.
            QueryError: No such engine, or a URI that names no store.
            MissingExtra: What the store needs is not installed.
        """
        if engine not in get_args(Engine):
            raise QueryError(f"expected an engine among {', '.join(get_args(Engine))}, found {engine!r}")
        self.gallery = gallery
        self.engine = engine
        self.bundle = bundle or gallery.load_bundle()
        _ = gallery.photo_folder  # an untrusted one is refused here, not by the first query
        self._folder = gallery.check_bundle(self.bundle).folder(gallery.path)
        self.encoder = QueryEncoder(
            self.bundle, precision, gallery.image_precision(self.bundle, precision), threads, mode
        )
        database, facts = gallery.database, (self.bundle.fingerprint, self.bundle.dim)
        self.store = None if store is None else StoreSearcher(database, *facts, store, collection, fallback=fallback)
        self._opened: _SnapshotView | None = None
        self._sure_of: Snapshot | None = None  # whose rows of the database were all looked at
        self._stored: tuple[object, StoredSentences] | None = None
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Searcher({self.gallery!r}, {self.bundle!r}, engine={self.engine!r})"

    @property
    def text_encoder(self) -> TextEncoder:
        """What reads texts."""
        return self.encoder.texts

    @property
    def image_encoder(self) -> ImageEncoder:
        """What looks at photos."""
        return self.encoder.images

    @property
    def generation(self) -> Snapshot:
        """What answers queries now; the errors are those of ``search``."""
        return self._current().generation

    @property
    def damage(self) -> str | None:
        """Why something else answers than the store or the engine that was asked for; None where all is well."""
        if self.store is not None:
            return self.store.damage
        return self._current().damage

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
        """The k photos most like the query, best first.

        What is given counts the same: a text, a photo, a photo of the gallery, or several of them.

        Args:
            text: What they should show, in any of the bundle's languages; see ``photoseek.encoders.query_syntax``
                for parts that are added and subtracted, and ``TextEncoder`` for mixed text.
            photo: A photo that they should be like.
            similar_to: Path of a photo of the gallery, relative to the photo folder. The photo itself is no hit.
            k: How many, at least 1; fewer are returned where the gallery has fewer.
            language: Whose text tower reads the text, one of ``bundle.languages``. None: told by its script.
            where: What the photos must be besides. None: anything.
            group_duplicates: Whether near-duplicates count as one hit, in ``Hit.duplicates``.

        Raises:
            QueryError: Nothing given, a text against the grammar, k below 1, a language that the bundle has no tower
                for, or no such photo in the gallery.
            PhotoError: The photo cannot be decoded.
            GalleryEmpty: Nothing is indexed yet.
            GalleryDamaged: A derived file is not what it should be; that of an approximate engine is done without, see
                ``damage``.
            StoreError: The store does not answer, without ``fallback``, or does not show this gallery.
        """
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
    ) -> Query:
        """Encode a query; parameters and errors are those of ``search``."""
        return self.encoder.encode(text, photo, similar_to, language, self.photo_at)

    def encode(self, text: str | None = None, photo: PhotoInput | None = None, language: str | None = None) -> Vectors:
        """The unit vector of a query, (dim,); the errors are those of ``search``."""
        return self.query(text, photo=photo, language=language).vector

    def nearest(
        self, query: Query | Vectors, k: int, *, where: Filter | None = None, group_duplicates: bool = False
    ) -> list[Hit]:
        """The k photos nearest to an encoded query, or to a vector (dim,) of any length, best first.

        Raises:
            QueryError: k below 1, a vector of another length or with NaN or infinity, or an invalid condition.
        """
        check_k(k)
        wanted = k
        while True:
            found = self.candidates(query, wanted, where)
            hits = group_near_duplicates(found.hits, found.vectors) if group_duplicates else found.hits
            if len(hits) >= k or found.complete:
                return hits[:k]
            wanted *= 2  # some were folded

    def candidates(self, query: Query | Vectors, count: int, where: Filter | None = None) -> Candidates:
        """The ``count`` photos nearest to a query, none folded; parameters and errors are those of ``nearest``."""
        if where is not None and not isinstance(where, Filter):
            raise QueryError(f"where: expected a photoseek.gallery.filters.Filter, found {type(where).__name__}")
        query = query if isinstance(query, Query) else Query(query)
        query = replace(query, vector=as_query_vector(query.vector, self.bundle.dim))
        wanted = count + (query.exclude_id is not None)
        while True:
            found, photos = self._neighbors(query.vector, wanted, where)
            hits, vectors = self._hits(found, photos, query)
            if len(hits) >= count or not found.more:
                return Candidates(hits[:count], vectors[:count], not found.more and len(hits) <= count)
            wanted *= 2  # some have gone since the generation was made

    def is_searchable(self, path: str) -> bool:
        """Whether a photo of the gallery can be searched with, by its path."""
        try:
            self.photo_at(path)
        except QueryError:
            return False
        return True

    def describe(self, photo: PhotoInput | None = None, *, similar_to: str | None = None, k: int = 5) -> list[Sentence]:
        """The k captions of the gallery that describe a photo best, best first.

        Args:
            photo: Any photo.
            similar_to: Path of a photo of the gallery, relative to the photo folder.
            k: How many, at least 1; fewer are returned where the gallery has fewer.

        Raises:
            QueryError: No photo, no such photo, no captions in the gallery, or k below 1.
            PhotoError: The photo cannot be decoded.
        """
        check_k(k)
        stored = self._sentences()
        if not stored.texts:
            raise QueryError("this gallery has no captions; add some with: photoseek captions add FILE --gallery DIR")
        rows, scores = ExactIndex(stored.vectors).search(self.query(photo=photo, similar_to=similar_to).vector, k)
        found = zip(rows.tolist(), scores.tolist(), strict=True)
        return [Sentence(rank, stored.texts[row], score) for rank, (row, score) in enumerate(found, start=1)]

    def photo_at(self, path: str) -> tuple[int, Vectors]:
        """Id and vector of a photo of the gallery, by its path.

        Raises:
            QueryError: There is none that could be searched with.
        """
        name = normalize_user_path(path)
        known = name.encode("utf-8", "replace") == name.encode("utf-8", "surrogatepass")  # others are in no gallery
        found = self.gallery.database.photo_at(name, self.bundle.fingerprint, self.bundle.dim) if known else None
        if found is None:
            raise QueryError(f"no photo {path!r} in this gallery that could be searched with; see: photoseek info")
        photo, vector = found
        if self.store is not None:
            return photo, vector
        generation = self._current().generation
        row = int(np.searchsorted(generation.ids, photo))
        if row == len(generation.ids) or generation.ids[row] != photo:  # it came since
            return photo, vector
        stored = rows_for(generation, self.gallery.database, np.array([row])).get(photo)
        if stored is not None and stored.path != name:
            raise GalleryDamaged(f"{self.gallery.database.path}: photo {photo} stands at two paths; {ROWS_REPAIR_HINT}")
        return photo, np.asarray(generation.vectors[row])

    def _sentences(self) -> StoredSentences:
        """The gallery's captions, read again when they have changed."""
        with self._lock:
            kept, now = self._stored, (self.gallery.sentences.revision(), self.bundle.fingerprint)
            if kept is None or kept[0] != now:
                kept = self._stored = (now, self.gallery.sentences.load(self.bundle.fingerprint, self.bundle.dim))
            return kept[1]

    def _neighbors(self, query: Vectors, k: int, where: Filter | None) -> tuple[Neighbors, Photos]:
        """The k best, of the store, or else of the current generation; and those of them that are still there."""
        if self.store is not None and (found := self.store.search(query, k, where)) is not None:
            return found, self.gallery.database.photos(found.ids.tolist(), self.bundle.fingerprint)
        opened = self._current()
        rows, scores = self._rows(opened, query, k, where)
        generation = opened.generation
        more = len(rows) == k and k < len(generation.ids)
        found = Neighbors(generation.ids[rows], scores, np.asarray(generation.vectors[rows]), more)
        return found, rows_for(generation, self.gallery.database, rows)

    def _rows(self, opened: _SnapshotView, query: Vectors, k: int, where: Filter | None) -> tuple[Rows, Vectors]:
        """Rows and scores of the k best; where there is a condition, all that meet it are scored."""
        if where is None or where.empty:
            return opened.engine.search(query, k)
        if self._sure_of is not opened.generation:  # a photo whose row is damaged may meet no condition
            verify_rows(opened.generation, self.gallery.database)
            self._sure_of = opened.generation
        ids = matching_ids(self.gallery.database, where, opened.generation.manifest.fingerprint)
        rows = np.flatnonzero(np.isin(opened.generation.ids, ids, assume_unique=True))
        found, scores = ExactIndex(opened.generation.vectors[rows]).search(query, k)
        return rows[found], scores

    def _hits(self, found: Neighbors, photos: Photos, query: Query) -> tuple[list[Hit], Vectors]:
        """Those that are still there, and their vectors."""
        ids = found.ids.tolist()
        shown = [place for place, photo in enumerate(ids) if photo in photos and photo != query.exclude_id]
        vectors = found.vectors[shown]
        folder = self.gallery.photo_folder
        hits = []
        for rank, (place, trust) in enumerate(zip(shown, query.trust(vectors), strict=True), start=1):
            photo = photos[ids[place]]
            score, file = float(found.scores[place]), folder.photo_file(photo.path)
            facts = (rank, photo.path, score, photo.width, photo.height, file)
            hits.append(Hit(*facts, ids[place], photo.taken or None, *trust))
        return hits, vectors

    def _current(self) -> _SnapshotView:
        """The generation that ``CURRENT`` names, opened once."""
        with self._lock:
            if self._opened is None or self._opened.generation.path.name != current_id(self._folder):
                self._opened = self._open()
            return self._opened

    def _open(self) -> _SnapshotView:
        """Open the current generation; again where it was replaced meanwhile, twice: what is no longer kept is gone."""
        while True:
            held = self.gallery.check_bundle(self.bundle)
            self._folder = held.folder(self.gallery.path)
            name = current_id(self._folder)
            try:
                return self._open_snapshot(held)
            except GalleryDamaged:
                if current_id(self._folder) == name:
                    raise

    def _open_snapshot(self, held: GalleryBundle) -> _SnapshotView:
        generation = self.gallery.generation(held)
        if generation.manifest.fingerprint != self.bundle.fingerprint:
            raise GalleryIncompatible(
                f"{self.gallery.path}: has begun to go over to bundle {self.bundle.name!r}; finish it with: "
                f"{self.gallery.reindex_command} --bundle {self.bundle.reference}"
            )
        if generation.manifest.dim != self.bundle.dim:
            found = f"found {generation.manifest.dim}-d ones"
            raise GalleryDamaged(f"{generation.path}: expected {self.bundle.dim}-d vectors, {found}; {REPAIR_HINT}")
        try:
            return _SnapshotView(generation, generation.engine(self.engine))
        except GalleryDamaged as error:  # the vectors are whole, and enough
            _log.warning("every photo is scored, without an index: %s", error)
            return _SnapshotView(generation, ExactIndex(generation.vectors), str(error))


def check_k(k: object) -> None:
    """Make sure that a number of hits is one.

    Raises:
        QueryError: It is not a whole number of at least 1.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise QueryError(f"k must be a whole number of at least 1: {k!r}")
