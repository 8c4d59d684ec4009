"""Queries as vectors of one bundle, and the confidence that a photo shows what a query says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.calibration import Calibration
from photoseek.encoders.encoders import MAX_CHARACTERS, ImageEncoder, TextEncoder
from photoseek.encoders.query_syntax import parse_query, require_text
from photoseek.errors import QueryError
from photoseek.languages import detect_language, words_in
from photoseek.photos.decode import PhotoInput
from photoseek.vectors import Vectors, normalize

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode

_MIN_NORM = 1e-6  # a shorter sum of unit vectors has no direction
_MAX_UNREAD = 0.5  # of a text; its vector says little about the rest
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
        rerank: The same query in the space of a second bundle, for a ``Reranker``.
    """

    vector: Vectors
    terms: tuple[WeightedVector, ...] = ()
    exclude_id: int | None = None
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


class QueryEncoder:
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
        self._encode_text = lru_cache(maxsize=_RECENT_QUERIES)(self._encode_uncached)

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
    ) -> Query:
        """Encode a query; the arguments and errors are those of ``SearchBackend.search``."""
        for name, value in (("text", text), ("similar_to", similar_to), ("language", language)):
            if value is not None:
                require_text(value, name)
        terms = [
            replace(self._encode_text(term.text, language), weight=term.weight)
            for term in parse_query((text or "")[:MAX_CHARACTERS])
        ]
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
        return Query(normalize(total)[0], tuple(terms), exclude_id)

    def _encode_uncached(self, text: str, language: str | None) -> WeightedVector:
        vector: Vectors = self.texts.encode([text], language=language)[0]
        vector.flags.writeable = False  # cached
        unread = self.texts.unread_share(text, language) > _MAX_UNREAD
        return WeightedVector(vector, calibration=self._calibration(text, language), unread=unread)

    def _calibration(self, text: str, language: str | None) -> Calibration | None:
        """Return the calibration of the tower that encodes most of a text, for texts of this length."""
        towers = self.bundle.manifest.text_towers
        tower = language or (detect_language(text) if towers else "")
        facts = towers[tower].precisions if tower in towers else self.bundle.manifest.precisions
        calibration = Calibration.from_json(facts.get(self.texts.precision, {}).get("confidence"))
        return None if calibration is None else calibration.curve_for(words_in(text))
