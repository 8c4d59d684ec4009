"""Queries as the vectors of one bundle: their parts, and how surely a photo shows what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

_NO_TEXT = 1e-6  # a sum of unit vectors below this has no direction
_RECENT_QUERIES = 512  # texts whose vectors are kept: some KB each

PhotoLookup = Callable[[str], tuple[int, Vectors]]
"""Id and unit vector of the photo at a path of the gallery; raises QueryError where there is none."""


@dataclass(frozen=True)
class WeightedVector:
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
        exclude_id: The id of a photo that is not to be found.
    """

    vector: Vectors
    parts: tuple[WeightedVector, ...] = ()
    exclude_id: int | None = None

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
        below = [found < curve.min_similarity for found, curve in zip(cosines, curves, strict=True)]
        return list(zip(np.min(each, axis=0).tolist(), np.any(below, axis=0).tolist(), strict=True))


class QueryEncoder:
    """Texts and photos -> a ``Query`` in the space of one bundle. May be shared between threads.

    Each tower is loaded by the first query that needs it; the vectors of the last texts are remembered.
    """

    def __init__(
        self,
        bundle: Bundle,
        text_precision: str | None = None,
        image_precision: str | None = None,
        threads: int | None = None,
        mode: Mode = "latency",
    ) -> None:
        """Choose the towers; none is loaded yet.

        Raises:
            BundleIncompatible: The bundle lacks a precision.
        """
        self.bundle = bundle
        self.texts = TextEncoder(bundle, text_precision, threads, mode)
        self.images = ImageEncoder(bundle, image_precision, threads, mode)
        self._encode_text = lru_cache(maxsize=_RECENT_QUERIES)(self._encode_uncached)

    def encode(
        self,
        text: str | None,
        photo: PhotoInput | None,
        similar_to: str | None,
        language: str | None,
        photo_at: PhotoLookup,
    ) -> Query:
        """Encode a query; parameters and errors are those of ``Searcher.search``."""
        for name, value in (("text", text), ("similar_to", similar_to), ("language", language)):
            if value is not None:
                require_text(value, name)
        parts = [
            WeightedVector(
                self._encode_text(part.text, language), part.weight, self._calibration_of(part.text, language)
            )
            for part in parse_query((text or "")[:MAX_CHARACTERS])
        ]
        left_out = None
        if photo is not None:
            parts.append(WeightedVector(self.images.encode([photo])[0]))
        if similar_to is not None:
            left_out, vector = photo_at(similar_to)
            parts.append(WeightedVector(vector))
        if not parts:
            raise QueryError("an empty query: expected a text, a photo, or both")
        total = np.sum([part.weight * part.vector for part in parts], axis=0, keepdims=True)
        if not np.abs(total).max() > _NO_TEXT:
            raise QueryError("the parts of the query cancel out: expected something to look for")
        return Query(normalize(total)[0], tuple(parts), left_out)

    def _encode_uncached(self, text: str, language: str | None) -> Vectors:
        vector: Vectors = self.texts.encode([text], language=language)[0]
        vector.flags.writeable = False  # handed out again when the text comes again
        return vector

    def _calibration_of(self, text: str, language: str | None) -> Calibration | None:
        """That of the tower that reads most of a text."""
        towers = self.bundle.manifest.text_towers
        tower = language or (detect_language(text) if towers else "")
        facts = towers[tower].precisions if tower in towers else self.bundle.manifest.precisions
        found = Calibration.from_json(facts.get(self.texts.precision, {}).get("confidence"))
        return None if found is None else found.curve_for(words_in(text))
