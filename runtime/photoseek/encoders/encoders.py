"""Texts or photos -> unit vectors of one space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.query_syntax import require_text
from photoseek.encoders.towers import TextTower, Tower
from photoseek.errors import PhotoError, QueryError
from photoseek.languages import LanguageSpan, split_by_language, unread_share
from photoseek.photos.decode import PhotoInput, decode_photo
from photoseek.vectors import Vectors, normalize

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode

MAX_CHARACTERS = 10_000
"""Maximum number of characters to tokenize, far more than any tower reads; longer text is truncated."""


class TextEncoder:
    """Sentences -> unit vectors, each by the tower of its language. May be shared between threads.

    If a bundle has towers for two languages, the script of a text selects the tower (see ``photoseek.languages``). For
    a text in both languages, each tower encodes the words of its language, since it learned no others, and the unit
    vectors are added, weighted by the square root of the share of words: the words in the other language are most often
    content words among articles and prepositions. (On captions with one or two nouns translated, this finds more photos
    than one tower for the entire text, both towers for the entire text, or the plain share.) A tower is loaded by the
    first text that requires it. A bundle with one text tower encodes every text with it.
    """

    def __init__(
        self,
        bundle: Bundle,
        precision: str | None = None,
        threads: int | None = None,
        mode: Mode = "latency",
    ) -> None:
        """Select the towers; none is loaded yet.

        Args:
            bundle: The bundle with the towers.
            precision: Of the towers. None: the fastest on this CPU, see ``Bundle.select_precision``.
            threads: Threads of one run. None: as many as the mode uses.
            mode: See ``Mode``.

        Raises:
            BundleIncompatible: The bundle lacks the precision.
        """
        self.bundle = bundle
        self._main = TextTower(bundle, precision, threads, mode)
        self.precision = self._main.precision
        others = {code: TextTower(bundle, precision, threads, mode, code) for code in bundle.manifest.text_towers}
        self._towers = {**dict.fromkeys(bundle.manifest.languages, self._main), **others}

    def __repr__(self) -> str:
        return f"TextEncoder({self.bundle.name!r}, {self.precision}, languages={list(self._towers)})"

    @property
    def is_loaded(self) -> bool:
        """Whether a text tower is in memory."""
        return any(tower.is_loaded for tower in (self._main, *self._towers.values()))

    def is_loaded_for(self, text: str) -> bool:
        """Return whether every tower that a text requires is in memory."""
        return all(tower.is_loaded for tower, _ in self._spans(_prepare_text(text), None))

    def count_tokens(self, text: str) -> int:
        """Return how many tokens of a text the towers read."""
        return sum(len(tower.tokenize([span.text])[0]) for tower, span in self._spans(_prepare_text(text), None))

    def unread_share(self, text: str, language: str | None = None) -> float:
        """Return the share of a text that the towers do not read, in [0, 1].

        Its words are unknown to the vocabulary, or in a script of none of the bundle's languages. ``language`` is that
        of ``encode``.
        """
        text = _prepare_text(text)
        spans = self._spans(text, language)
        unknown = sum(span.weight * tower.unknown_share(span.text) for tower, span in spans)
        return max(unknown, unread_share(text, self.bundle.languages))

    def encode(self, texts: Sequence[str], *, batch_size: int = 32, language: str | None = None) -> Vectors:
        """Encode sentences.

        Args:
            texts: Any Unicode; texts longer than a tower reads are truncated.
            batch_size: Sentences in one run.
            language: The language of the tower for all texts, one of ``bundle.languages``. None: detected from the
                script of each text.

        Returns:
            Unit vectors (n, dim), in the order of ``texts``.

        Raises:
            QueryError: One of ``texts`` is not a str, or the bundle has no tower for the language.
        """
        if isinstance(texts, str):
            raise QueryError("expected a list of texts, found one text; put it in brackets")
        self.require_text_tower(language)
        by_tower: dict[TextTower, list[tuple[int, LanguageSpan]]] = {}
        for row, text in enumerate(map(_prepare_text, texts)):
            for tower, span in self._spans(text, language):
                by_tower.setdefault(tower, []).append((row, span))
        vectors = np.zeros((len(texts), self.bundle.dim), dtype=np.float32)
        mixed = np.zeros(len(texts), dtype=np.bool_)
        for tower, spans in by_tower.items():
            rows = [row for row, _ in spans]
            weights = np.sqrt(np.array([[span.weight] for _, span in spans], dtype=np.float32))
            vectors[rows] += weights * tower.encode([span.text for _, span in spans], batch_size)
            mixed[rows] |= weights[:, 0] < 1
        vectors[mixed] = normalize(vectors[mixed])
        return vectors

    def _spans(self, text: str, language: str | None) -> list[tuple[TextTower, LanguageSpan]]:
        """Return the tower for each span of a text; a language without a tower is encoded by the main one."""
        if language is not None:
            return [(self._towers[language], LanguageSpan(language, text, 1.0))]
        spans = split_by_language(text) if self.bundle.manifest.text_towers else []
        found = [(self._towers.get(span.language, self._main), span) for span in spans]
        if len({tower for tower, _ in found}) > 1:
            return found
        return [(found[0][0] if found else self._main, LanguageSpan("", text, 1.0))]

    def require_text_tower(self, language: str | None) -> None:
        """Check that the bundle has a text tower for a language; None always passes.

        Raises:
            QueryError: It has none.
        """
        if language is not None and (not isinstance(language, str) or language not in self._towers):
            raise QueryError(
                f"bundle {self.bundle.name!r} has no text tower for {language!r}; it reads {', '.join(self._towers)}"
            )


class ImageEncoder(Tower):
    """Photos -> unit vectors. May be shared between threads."""

    def encode(self, photos: Iterable[PhotoInput], *, batch_size: int = 16) -> Vectors:
        """Return unit vectors (n, dim) of photos.

        Raises:
            PhotoError: One of them cannot be decoded; the message names its path.
        """
        pixels = [self._pixels(photo) for photo in photos]
        if not pixels:
            return np.empty((0, self.bundle.dim), dtype=np.float32)
        batches = range(0, len(pixels), batch_size)
        return np.concatenate([self.encode_pixels(np.stack(pixels[i : i + batch_size])) for i in batches])

    def _pixels(self, photo: PhotoInput) -> npt.NDArray[np.float32]:
        try:
            return self.bundle.preprocessing(decode_photo(photo, self.bundle.preprocessing.min_edge).image)
        except PhotoError as error:
            if isinstance(photo, str | Path):
                raise PhotoError(f"{photo}: {error}") from error
            raise

    def encode_pixels(self, pixel_values: npt.NDArray[np.float32]) -> Vectors:
        """Return unit vectors of preprocessed pictures, float32 (n, 3, height, width), encoded as one batch."""
        spec = self.bundle.vision_graph(self.precision)
        graph = self._open(spec)
        rows = len(pixel_values)
        batches = np.split(pixel_values, rows) if spec.batch_size_one and rows else [pixel_values]
        return self._normalize(np.concatenate([graph.run({"pixel_values": each}) for each in batches]), rows, graph)


def verify_bundle(bundle: Bundle) -> None:
    """Verify every file of a bundle; without checksums, also encode a text and a photo in each precision.

    Raises:
        BundleError: A file is missing, damaged, or cannot be run.
    """
    bundle.verify()
    if bundle.has_checksums:
        return
    for precision in bundle.precisions:
        TextEncoder(bundle, precision).encode(["a photo", ""])
        ImageEncoder(bundle, precision).encode([Image.new("RGB", (40, 30))])


def _prepare_text(text: str) -> str:
    """Return text that the tokenizer accepts: of bounded length, lone surrogates replaced."""
    require_text(text, "each query")
    return text[:MAX_CHARACTERS].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
