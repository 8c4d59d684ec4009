"""Queries as vectors of one bundle, and the confidence that a photo shows what a query says."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.calibration import Calibration
from photoseek.encoders.encoders import MAX_CHARACTERS, ImageEncoder, TextEncoder
from photoseek.encoders.query_syntax import parse_query, require_text
from photoseek.errors import QueryError
from photoseek.languages import detect_language, words_in
from photoseek.photos.decode import PhotoInput
from photoseek.search.name_query import NameQuery, Names
from photoseek.system.fork_safety import ForkAware
from photoseek.vectors import Vectors, normalize

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode

MAX_UNREAD = 0.5
"""Share of a text that a bundle may leave unread; the vector of a text with more says little about it."""

_MIN_NORM = 1e-6  # a shorter sum of unit vectors has no direction
_RECENT_QUERIES = 512  # cached text vectors, a few KB each

PhotoLookup = Callable[[str], tuple[int, Vectors]]
"""Returns id and unit vector of the photo at a path of the gallery; raises QueryError if there is none."""


@dataclass(frozen=True)
class WeightedVector:
    """A term of a query: a unit vector (dim,), its weight, and the calibration of its cosines.

    ``unread`` is set if the bundle does not read most of the text.
    """

    vector: Vectors
    weight: float = 1.0
    calibration: Calibration | None = None
    unread: bool = False


@dataclass(frozen=True)
class Query:
    """An encoded query.

    Attributes:
        vector: Unit vector, (dim,).
        terms: The weighted vectors whose sum it is.
        exclude_id: Id of a photo that is not a hit.
        names: What names are searched for; None if they are not.
        rerank: The same query in the space of a second bundle, for a ``Reranker``.
    """

    vector: Vectors
    terms: tuple[WeightedVector, ...] = ()
    exclude_id: int | None = None
    names: NameQuery | None = None
    rerank: Query | None = None

    def confidences(self, photos: Vectors) -> list[tuple[float | None, bool]]:
        """Return the confidence that each photo matches every added text, and whether it is low.

        Args:
            photos: Unit vectors, (n, dim).

        Returns:
            ``Hit.confidence`` and ``Hit.low_confidence`` of each photo. The confidence is None if the query has a
            photo, or a text that the bundle is not calibrated for. It is None and low if the bundle does not read
            most of a text.
        """
        added = [term for term in self.terms if term.weight > 0]
        if any(term.unread for term in added):
            return [(None, True)] * len(photos)
        calibrated = [(photos @ term.vector, term.calibration) for term in added if term.calibration is not None]
        if not calibrated or len(calibrated) < len(added):
            return [(None, False)] * len(photos)
        probabilities = [calibration.probability(cosines) for cosines, calibration in calibrated]
        low = [cosines < calibration.min_similarity for cosines, calibration in calibrated]
        return list(zip(np.min(probabilities, axis=0).tolist(), np.any(low, axis=0).tolist(), strict=True))


class QueryEncoder(ForkAware):
    """Encodes texts and photos as a ``Query`` in the space of one bundle. May be shared between threads.

    Each tower is loaded by the first query that needs it. Vectors of recent texts are cached.
    """

    def __init__(
        self,
        bundle: Bundle,
        text_precision: str | None = None,
        image_precision: str | None = None,
        threads: int | None = None,
        mode: Mode = "latency",
    ) -> None:
        """Select the towers without loading them.

        Raises:
            BundleIncompatible: The bundle lacks a precision.
        """
        self.bundle = bundle
        self.texts = TextEncoder(bundle, text_precision, threads, mode)
        self.images = ImageEncoder(bundle, image_precision, threads, mode)
        self._recent: OrderedDict[tuple[str, str | None], WeightedVector] = OrderedDict()
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread of the parent may have acquired."""
        self._lock = threading.Lock()

    def is_loaded_for(self, text: str | None, photo: PhotoInput | None) -> bool:
        """Return whether the towers that a query needs are in memory."""
        return (not text or self.texts.is_loaded_for(text)) and (photo is None or self.images.is_loaded)

    def encode(
        self,
        text: str | None,
        photo: PhotoInput | None,
        similar_to: str | None,
        language: str | None,
        resolve_photo: PhotoLookup,
        names: Names = "also",
    ) -> Query:
        """Encode a query; the arguments and errors are those of ``SearchBackend.search``."""
        for name, value in (("text", text), ("similar_to", similar_to), ("language", language)):
            if value is not None:
                require_text(value, name)
        parsed = parse_query((text or "")[:MAX_CHARACTERS])
        encoded = self._encode_terms([term.text for term in parsed], language)
        terms = [replace(vector, weight=term.weight) for term, vector in zip(parsed, encoded, strict=True)]
        exclude_id = None
        if photo is not None:
            terms.append(WeightedVector(self.images.encode([photo])[0]))
        if similar_to is not None:
            exclude_id, vector = resolve_photo(similar_to)
            terms.append(WeightedVector(vector))
        if not terms:
            raise QueryError("an empty query: expected a text, a photo, or both")
        total = np.sum([term.weight * term.vector for term in terms], axis=0, keepdims=True)
        if not np.abs(total).max() > _MIN_NORM:
            raise QueryError("the terms of the query cancel out; change a term or a weight")
        by_text = photo is None and similar_to is None
        searched = NameQuery.of(parsed, names) if by_text or names != "also" else None
        return Query(normalize(total)[0], tuple(terms), exclude_id, searched)

    def cache_texts(self, texts: Sequence[tuple[str, str | None]]) -> None:
        """Encode several texts, each with its language, in one run of a tower, so that ``encode`` finds them cached.

        Texts that ``encode`` refuses are left out.
        """
        by_language: dict[str | None, list[str]] = {}
        for text, language in texts:
            with suppress(QueryError):
                self.texts.require_text_tower(language)
                terms = [term.text for term in parse_query(text[:MAX_CHARACTERS])]
                by_language.setdefault(language, []).extend(terms)
        for language, terms in by_language.items():
            self._encode_terms(terms, language)

    def _encode_terms(self, texts: Sequence[str], language: str | None) -> list[WeightedVector]:
        """Return the vectors of texts; those that are not cached are encoded together."""
        with self._lock:
            found = {text: self._recent.get((text, language)) for text in texts}
        missing = [text for text, vector in found.items() if vector is None]
        new = dict(zip(missing, self._encode_uncached(missing, language), strict=True)) if missing else {}
        vectors = {text: new[text] if vector is None else vector for text, vector in found.items()}
        with self._lock:
            for text, vector in vectors.items():
                self._recent[text, language] = vector
                self._recent.move_to_end((text, language))
            while len(self._recent) > _RECENT_QUERIES:
                self._recent.popitem(last=False)
        return [vectors[text] for text in texts]

    def _encode_uncached(self, texts: Sequence[str], language: str | None) -> list[WeightedVector]:
        vectors = self.texts.encode(texts, language=language)
        vectors.flags.writeable = False  # cached
        return [
            WeightedVector(
                vector,
                calibration=self._calibration(text, language),
                unread=self.texts.unread_share(text, language) > MAX_UNREAD,
            )
            for text, vector in zip(texts, vectors, strict=True)
        ]

    def _calibration(self, text: str, language: str | None) -> Calibration | None:
        """Return the calibration of the tower that encodes most of a text, for texts of this length."""
        towers = self.bundle.manifest.text_towers
        tower = language or (detect_language(text) if towers else "")
        facts = towers[tower].precisions if tower in towers else self.bundle.manifest.precisions
        calibration = Calibration.from_json(facts.get(self.texts.precision, {}).get("confidence"))
        return None if calibration is None else calibration.curve_for(words_in(text))
