"""Text and photos in, the best photos of a gallery out."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, get_args

import numpy as np

from photoseek.bundle import Bundle
from photoseek.confidence import Calibration
from photoseek.encoders import MAX_CHARACTERS, ImageEncoder, TextEncoder
from photoseek.errors import GalleryDamaged, GalleryIncompatible, QueryError
from photoseek.filters import Filter
from photoseek.folding import fold
from photoseek.forking import Inherited
from photoseek.gallery import Gallery
from photoseek.generations import CURE, Generation, current_name
from photoseek.hits import Hit, Sentence
from photoseek.languages import language_of, words_in
from photoseek.names import as_asked, as_name
from photoseek.nearest.engine import Search
from photoseek.nearest.engines import Engine
from photoseek.nearest.exact import ExactSearch
from photoseek.nearest.stores.asking import AskedStore, Neighbours
from photoseek.photos import PhotoSource
from photoseek.queries import expect_text, parse_query
from photoseek.selection import ids_where
from photoseek.sentences import StoredSentences
from photoseek.vectors import Rows, Vectors, normalise, query_vector

if TYPE_CHECKING:
    from photoseek.sessions import Mode

_log = logging.getLogger(__name__)

_NOTHING = 1e-6  # a sum of unit vectors below this has no direction
_RECENT_QUERIES = 512  # texts whose vectors are kept: some KB each


@dataclass(frozen=True)
class _Opened:
    """A generation and the engine over it; replaced as a whole, so that a query sees one or the other."""

    generation: Generation
    engine: Search
    damage: str | None = None


@dataclass(frozen=True)
class _Part:
    """A unit vector (dim,), how much it counts, and what its cosines are worth."""

    vector: Vectors
    weight: float = 1.0
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Query:
    """An encoded query.

    Attributes:
        vector: Unit vector, (dim,).
        parts: What it was added up from.
        left_out: The id of a photo that is not to be found.
    """

    vector: Vectors
    parts: tuple[_Part, ...] = ()
    left_out: int | None = None

    def trust(self, photos: Vectors) -> list[tuple[float | None, bool]]:
        """How surely each of n photos, (n, dim), shows every text that is asked for, and whether that is doubtful.

        The confidence is None where nothing is known of it.
        """
        wanted = [part for part in self.parts if part.weight > 0]
        known = [(part, part.calibration) for part in wanted if part.calibration is not None]
        if not known or len(known) < len(wanted):  # a photo counts, too, or a tower that was not calibrated
            return [(None, False)] * len(photos)
        cosines = [photos @ part.vector for part, _ in known]
        curves = [calibration for _, calibration in known]
        each = [curve.probability(found) for found, curve in zip(cosines, curves, strict=True)]
        below = [found < curve.floor for found, curve in zip(cosines, curves, strict=True)]
        return list(zip(np.min(each, axis=0).tolist(), np.any(below, axis=0).tolist(), strict=True))


class Searcher(Inherited):
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
            bundle: The bundle that indexed it. None: from where it lay then.
            precision: Of the towers. None: of the text towers the one that this CPU runs fastest, of the image tower
                that of the gallery.
            engine: How neighbours are found; see :data:`photoseek.nearest.engines.Engine`.
            threads: Of one run of a tower. None: as the mode has it.
            mode: ``latency`` for one caller at a time, ``service`` for many; see :data:`photoseek.sessions.Mode`.
            store: The URI of a store that :func:`photoseek.nearest.stores.push.push` has brought the gallery to, and
                that finds neighbours in place of the engine; passwords are best left to the environment. None: none.
            collection: The name of the gallery's place there. None: it follows from the gallery's id.
            fallback: Whether the engine answers while the server of the store is away.

        Raises:
            BundleError: The bundle is not there, is damaged, or lacks the precision.
            GalleryIncompatible: The bundle is not the gallery's.
            QueryError: No such engine, or a URI that names no store.
            MissingExtra: What the store needs is not installed.
        """
        if engine not in get_args(Engine):
            raise QueryError(f"expected an engine among {', '.join(get_args(Engine))}, found {engine!r}")
        self.gallery = gallery
        self.engine = engine
        self.bundle = bundle or gallery.load_bundle()
        gallery.check_bundle(self.bundle)
        self.text_encoder = TextEncoder(self.bundle, precision, threads, mode)
        self.image_encoder = ImageEncoder(self.bundle, gallery.image_precision(self.bundle, precision), threads, mode)
        self._encode_text = lru_cache(maxsize=_RECENT_QUERIES)(self._encode_text_anew)
        database, facts = gallery.database, (self.bundle.fingerprint, self.bundle.dim)
        self.store = None if store is None else AskedStore(database, *facts, store, collection, fallback=fallback)
        self._opened: _Opened | None = None
        self._stored: tuple[object, StoredSentences] | None = None
        self._lock = threading.Lock()
        self.tell_of_forks()

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Searcher({self.gallery!r}, {self.bundle!r}, engine={self.engine!r})"

    @property
    def generation(self) -> Generation:
        """What answers queries now; the errors are those of :meth:`search`."""
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
        photo: PhotoSource | None = None,
        like: str | None = None,
        k: int = 5,
        language: str | None = None,
        where: Filter | None = None,
        fold: bool = False,
    ) -> list[Hit]:
        """The k photos most like the query, best first.

        What is given counts the same: a text, a photo, a photo of the gallery, or several of them.

        Args:
            text: What they should show, in any of the bundle's languages; see :mod:`photoseek.queries` for parts that
                are added and subtracted, and :class:`TextEncoder` for mixed text.
            photo: A photo that they should be like.
            like: The path, inside the photo folder, of a photo of the gallery that they should be like; it is not
                among them.
            k: How many, at least 1; fewer are returned where the gallery has fewer.
            language: Whose text tower reads the text, one of ``bundle.languages``. None: told by its script.
            where: What the photos must be besides. None: anything.
            fold: Whether near-duplicates count as one hit, in :attr:`Hit.alike`.

        Raises:
            QueryError: Nothing given, a text against the grammar, k below 1, a language that the bundle has no tower
                for, or no such photo in the gallery.
            PhotoError: The photo cannot be decoded.
            GalleryEmpty: Nothing is indexed yet.
            GalleryDamaged: A derived file is not what it should be; that of an approximate engine is done without, see
                :attr:`damage`.
            StoreError: The store does not answer, without ``fallback``, or does not show this gallery.
        """
        return self.nearest(self.query(text, photo=photo, like=like, language=language), k, where=where, fold=fold)

    def query(
        self,
        text: str | None = None,
        *,
        photo: PhotoSource | None = None,
        like: str | None = None,
        language: str | None = None,
    ) -> Query:
        """Encode a query; parameters and errors are those of :meth:`search`."""
        for name, value in (("text", text), ("like", like), ("language", language)):
            if value is not None:
                expect_text(value, name)
        parts = [
            _Part(self._encode_text(part.text, language), part.weight, self._calibration_of(part.text, language))
            for part in parse_query((text or "")[:MAX_CHARACTERS])
        ]
        left_out = None
        if photo is not None:
            parts.append(_Part(self.image_encoder.encode([photo])[0]))
        if like is not None:
            left_out, vector = self._photo_at(like)
            parts.append(_Part(vector))
        if not parts:
            raise QueryError("an empty query: expected a text, a photo, or both")
        total = np.sum([part.weight * part.vector for part in parts], axis=0, keepdims=True)
        if not np.abs(total).max() > _NOTHING:
            raise QueryError("the parts of the query cancel out: expected something to look for")
        return Query(normalise(total)[0], tuple(parts), left_out)

    def encode(self, text: str | None = None, photo: PhotoSource | None = None, language: str | None = None) -> Vectors:
        """The unit vector of a query, (dim,); the errors are those of :meth:`search`."""
        return self.query(text, photo=photo, language=language).vector

    def nearest(self, query: Query | Vectors, k: int, *, where: Filter | None = None, fold: bool = False) -> list[Hit]:
        """The k photos nearest to an encoded query, or to a vector (dim,) of any length, best first.

        Raises:
            QueryError: k below 1, a vector of another length or with NaN or infinity, or a condition that is none.
        """
        _expect_count(k)
        if where is not None and not isinstance(where, Filter):
            raise QueryError(f"where: expected a photoseek.filters.Filter, found {type(where).__name__}")
        query = query if isinstance(query, Query) else Query(query)
        query = replace(query, vector=query_vector(query.vector, self.bundle.dim))
        wanted = k + (query.left_out is not None)
        while True:
            found = self._neighbours(query.vector, wanted, where)
            hits = self._hits(found, query, fold)
            if len(hits) >= k or not found.more:
                return hits[:k]
            wanted *= 2  # some have gone since the generation was made, or were folded

    def describe(self, photo: PhotoSource | None = None, *, like: str | None = None, k: int = 5) -> list[Sentence]:
        """The k captions of the gallery that describe a photo best, best first.

        Args:
            photo: Any photo.
            like: Or the path of one in the gallery, inside its photo folder.
            k: How many, at least 1; fewer are returned where the gallery has fewer.

        Raises:
            QueryError: No photo, no such photo, no captions in the gallery, or k below 1.
            PhotoError: The photo cannot be decoded.
        """
        _expect_count(k)
        stored = self._sentences()
        if not stored.texts:
            raise QueryError("this gallery has no captions; add some with: photoseek captions add FILE --gallery DIR")
        rows, scores = ExactSearch(stored.vectors).search(self.query(photo=photo, like=like).vector, k)
        found = zip(rows.tolist(), scores.tolist(), strict=True)
        return [Sentence(rank, stored.texts[row], score) for rank, (row, score) in enumerate(found, start=1)]

    def _encode_text_anew(self, text: str, language: str | None) -> Vectors:
        vector: Vectors = self.text_encoder.encode([text], language=language)[0]
        vector.flags.writeable = False  # handed out again when the text comes again
        return vector

    def _calibration_of(self, text: str, language: str | None) -> Calibration | None:
        """That of the tower that reads most of a text."""
        towers = self.bundle.manifest.text_towers
        tower = language or (language_of(text) if towers else "")
        facts = towers[tower].precisions if tower in towers else self.bundle.manifest.precisions
        found = Calibration.from_json(facts.get(self.text_encoder.precision, {}).get("confidence"))
        return None if found is None else found.of_length(words_in(text))

    def _photo_at(self, path: str) -> tuple[int, Vectors]:
        name = as_asked(path)
        known = name.encode("utf-8", "replace") == name.encode("utf-8", "surrogatepass")  # others are in no gallery
        found = self.gallery.database.photo_at(name, self.bundle.fingerprint) if known else None
        if found is None:
            raise QueryError(f"no photo {path!r} in this gallery that could be searched with; see: photoseek info")
        return found

    def _sentences(self) -> StoredSentences:
        """The gallery's captions, read again when they have changed."""
        with self._lock:
            kept, now = self._stored, (self.gallery.sentences.revision(), self.bundle.fingerprint)
            if kept is None or kept[0] != now:
                kept = self._stored = (now, self.gallery.sentences.load(self.bundle.fingerprint, self.bundle.dim))
            return kept[1]

    def _neighbours(self, query: Vectors, k: int, where: Filter | None) -> Neighbours:
        """The k best: of the store, or else of the current generation."""
        if self.store is not None and (found := self.store.search(query, k, where)) is not None:
            return found
        opened = self._current()
        rows, scores = self._rows(opened, query, k, where)
        generation = opened.generation
        more = len(rows) == k and k < len(generation.ids)
        return Neighbours(generation.ids[rows], scores, np.asarray(generation.vectors[rows]), more)

    def _rows(self, opened: _Opened, query: Vectors, k: int, where: Filter | None) -> tuple[Rows, Vectors]:
        """Rows and scores of the k best; where there is a condition, all that meet it are scored."""
        if where is None or where.empty:
            return opened.engine.search(query, k)
        ids = ids_where(self.gallery.database, where, opened.generation.manifest.fingerprint)
        rows = np.flatnonzero(np.isin(opened.generation.ids, ids, assume_unique=True))
        found, scores = ExactSearch(opened.generation.vectors[rows]).search(query, k)
        return rows[found], scores

    def _hits(self, found: Neighbours, query: Query, folded: bool) -> list[Hit]:
        ids = found.ids.tolist()
        photos = self.gallery.database.photos(ids, self.bundle.fingerprint)
        shown = [place for place, photo in enumerate(ids) if photo in photos and photo != query.left_out]
        vectors = found.vectors[shown]
        root = self.gallery.photos_root
        hits = []
        for rank, (place, trust) in enumerate(zip(shown, query.trust(vectors), strict=True), start=1):
            photo = photos[ids[place]]
            facts = (
                rank,
                photo.path,
                float(found.scores[place]),
                photo.width,
                photo.height,
                root / as_name(photo.path),
            )
            hits.append(Hit(*facts, ids[place], photo.taken, *trust))
        return fold(hits, vectors) if folded else hits

    def _current(self) -> _Opened:
        """The generation that ``CURRENT`` names, opened once."""
        with self._lock:
            if self._opened is None or self._opened.generation.path.name != current_name(self.gallery.path):
                self._opened = self._open()
            return self._opened

    def _open(self) -> _Opened:
        """Open the current generation; again where it was replaced meanwhile, twice: what is no longer kept is gone."""
        while True:
            name = current_name(self.gallery.path)
            try:
                return self._open_now()
            except GalleryDamaged:
                if current_name(self.gallery.path) == name:
                    raise

    def _open_now(self) -> _Opened:
        generation = self.gallery.generation()
        if generation.manifest.fingerprint != self.bundle.fingerprint:
            raise GalleryIncompatible(
                f"{self.gallery.path}: has begun to go over to bundle {self.bundle.name!r}; finish it with: "
                f"photoseek index {self.gallery.photos_root} --bundle {self.bundle.reference}"
            )
        if generation.manifest.dim != self.bundle.dim:
            found = f"found {generation.manifest.dim}-d ones"
            raise GalleryDamaged(f"{generation.path}: expected {self.bundle.dim}-d vectors, {found}; {CURE}")
        try:
            return _Opened(generation, generation.engine(self.engine))
        except GalleryDamaged as error:  # the vectors are whole, and enough
            _log.warning("every photo is scored, without an index: %s", error)
            return _Opened(generation, ExactSearch(generation.vectors), str(error))


def _expect_count(k: object) -> None:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise QueryError(f"k must be a whole number of at least 1: {k!r}")
