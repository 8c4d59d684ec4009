"""Text and photos in, the best photos of a gallery out."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from photoseek.bundle import Bundle
from photoseek.encoders import MAX_CHARACTERS, ImageEncoder, TextEncoder
from photoseek.errors import GalleryIncompatible, QueryError
from photoseek.gallery import Gallery
from photoseek.generations import Generation, current_name
from photoseek.nearest.engine import Search
from photoseek.nearest.engines import Engine
from photoseek.photos import PhotoSource
from photoseek.vectors import Vectors, normalise

if TYPE_CHECKING:
    from photoseek.sessions import Mode

_RECENT_QUERIES = 512  # texts whose vectors are kept: some KB each


@dataclass(frozen=True)
class Hit:
    """A photo that was found.

    Attributes:
        rank: 1 is best.
        path: Relative to the photo folder, with forward slashes.
        score: Cosine of query and photo, in [-1, 1].
        width: Of the upright photo, in pixels.
        height: Of the upright photo, in pixels.
        file: Where the photo lies.
    """

    rank: int
    path: str
    score: float
    width: int
    height: int
    file: Path

    def to_json(self) -> dict[str, Any]:
        """The form that ``search --json`` prints."""
        return {
            "rank": self.rank,
            "path": self.path,
            "score": round(self.score, 4),
            "width": self.width,
            "height": self.height,
            "file": str(self.file),
        }


@dataclass(frozen=True)
class _Opened:
    """A generation and the engine over it; replaced as a whole, so that a query sees one or the other."""

    generation: Generation
    engine: Search


class Searcher:
    """Answers queries over one gallery. May be shared between threads.

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

        Raises:
            BundleError: The bundle is not there, is damaged, or lacks the precision.
            GalleryIncompatible: The bundle is not the gallery's.
            QueryError: No such engine.
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
        self._opened: _Opened | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Searcher({self.gallery!r}, {self.bundle!r}, engine={self.engine!r})"

    def search(
        self,
        text: str | None = None,
        *,
        photo: PhotoSource | None = None,
        k: int = 5,
        language: str | None = None,
    ) -> list[Hit]:
        """The k photos most like the query, best first.

        Args:
            text: What they should show, in any of the bundle's languages; see :class:`TextEncoder` for mixed text.
            photo: A photo that they should be like. With ``text``: both count the same.
            k: How many, at least 1; fewer are returned where the gallery has fewer.
            language: Whose text tower reads the text, one of ``bundle.languages``. None: told by its script.

        Raises:
            QueryError: Neither text nor photo, k below 1, or a language that the bundle has no tower for.
            PhotoError: The photo cannot be decoded.
            GalleryEmpty: Nothing is indexed yet.
            GalleryDamaged: A derived file is not what it should be.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise QueryError(f"k must be a whole number of at least 1: {k!r}")
        return self.nearest(self.encode(text, photo, language), k)

    def encode(self, text: str | None = None, photo: PhotoSource | None = None, language: str | None = None) -> Vectors:
        """The unit vector of a query, (dim,); the errors are those of :meth:`search`."""
        parts = []
        if text is not None and text[:MAX_CHARACTERS].strip():
            parts.append(self._encode_text(text[:MAX_CHARACTERS], language))
        if photo is not None:
            parts.append(self.image_encoder.encode([photo])[0])
        if not parts:
            raise QueryError("an empty query: expected a text, a photo, or both")
        query: Vectors = normalise(np.sum(parts, axis=0, keepdims=True))[0]
        return query

    def _encode_text_anew(self, text: str, language: str | None) -> Vectors:
        vector: Vectors = self.text_encoder.encode([text], language=language)[0]
        vector.flags.writeable = False  # handed out again when the text comes again
        return vector

    def nearest(self, query: Vectors, k: int) -> list[Hit]:
        """The k photos nearest to a unit vector (dim,), best first."""
        opened = self._current()
        wanted = k
        while True:
            rows, scores = opened.engine.search(query, wanted)
            hits = self._hits(opened.generation, rows.tolist(), scores.tolist())
            if len(hits) >= k or len(rows) < wanted or wanted >= len(opened.generation.ids):
                return hits[:k]
            wanted *= 2  # some of the photos have gone since the generation was made

    def _hits(self, generation: Generation, rows: list[int], scores: list[float]) -> list[Hit]:
        ids = generation.ids[rows].tolist()
        photos = self.gallery.database.photos(ids, generation.manifest.fingerprint)
        there = [(photos[photo], score) for photo, score in zip(ids, scores, strict=True) if photo in photos]
        root = self.gallery.photos_root
        return [
            Hit(rank, photo.path, float(score), photo.width, photo.height, root / photo.path)
            for rank, (photo, score) in enumerate(there, start=1)
        ]

    def _current(self) -> _Opened:
        """The generation that ``CURRENT`` names, opened once."""
        with self._lock:
            if self._opened is None or self._opened.generation.path.name != current_name(self.gallery.path):
                self._opened = self._open()
            return self._opened

    def _open(self) -> _Opened:
        generation = self.gallery.generation()
        if generation.manifest.fingerprint != self.bundle.fingerprint:
            raise GalleryIncompatible(
                f"{self.gallery.path}: has begun to go over to bundle {self.bundle.name!r}; finish it with: "
                f"photoseek index {self.gallery.photos_root} --bundle {self.bundle.reference}"
            )
        return _Opened(generation, generation.engine(self.engine))
