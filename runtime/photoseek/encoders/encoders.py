"""Sentences or photos in, unit vectors of one space out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from photoseek.bundle.bundle import Bundle
from photoseek.encoders.query_syntax import require_text
from photoseek.encoders.towers import TextTower, Tower
from photoseek.errors import PhotoError, QueryError
from photoseek.languages import LanguageSpan, split_by_language
from photoseek.photos.decode import PhotoInput, decode_photo
from photoseek.vectors import Vectors, normalize

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode

MAX_CHARACTERS = 10_000
"""Text beyond this is cut off before it is tokenized: far more than any tower reads."""


class TextEncoder:
    """Sentences -> unit vectors, each through the tower of its language. May be shared between threads.

    Where a bundle has a tower for each of two languages, the script of a text decides (see
    ``photoseek.languages``). Of a mixed text each tower reads its own words, since it makes nothing of words that it
    never met, and the unit vectors are added, weighted by the square root of the share of words: it is most often a
    word that counts which stands in another language, among articles and prepositions. (On captions with one or two
    nouns translated this found more photos than one tower for all of the text, than both towers for all of it, and
    than the plain share.) A tower is loaded by the first text that needs it. A bundle with one text tower sends it
    every text as it is.
    """

    def __init__(
        self,
        bundle: Bundle,
        precision: str | None = None,
        threads: int | None = None,
        mode: Mode = "latency",
    ) -> None:
        """Choose the towers; none is loaded yet.

        Args:
            bundle: Whose towers.
            precision: Of the towers. None: the one that this CPU runs fastest.
            threads: Of one run. None: as the mode has it.
            mode: Whom it serves; see ``Mode``.

        Raises:
            BundleIncompatible: The bundle lacks the precision.
        """
        self.bundle = bundle
        self._main = TextTower(bundle, precision, threads, mode)
        self.precision = self._main.precision
        further = {
            language: TextTower(bundle, precision, threads, mode, language=language)
            for language in bundle.manifest.text_towers
        }
        self._towers = {**dict.fromkeys(bundle.manifest.languages, self._main), **further}

    def __repr__(self) -> str:
        return f"TextEncoder({self.bundle.name!r}, {self.precision}, languages={list(self._towers)})"

    @property
    def is_loaded(self) -> bool:
        """Whether a text tower is in memory."""
        return any(tower.is_loaded for tower in (self._main, *self._towers.values()))

    def is_loaded_for(self, text: str) -> bool:
        """Whether each tower that a text needs is in memory."""
        return all(tower.is_loaded for tower, _ in self._encode_with(_prepare_text(text), None))

    def count_tokens(self, text: str) -> int:
        """How many tokens the towers read of a text."""
        return sum(
            len(tower.tokenize([share.text])[0]) for tower, share in self._encode_with(_prepare_text(text), None)
        )

    def encode(self, texts: Sequence[str], *, batch_size: int = 32, language: str | None = None) -> Vectors:
        """Encode sentences.

        Args:
            texts: Any Unicode; what the tower cannot read to the end is cut off.
            batch_size: Sentences in one run. Sentences of like length share a run, so little is padded.
            language: Whose tower reads all of them, one of ``bundle.languages``. None: told by their script.

        Returns:
            Unit vectors (n, dim), in the order of ``texts``.

        Raises:
            QueryError: One of ``texts`` is no text, or the bundle has no tower for the language.
        """
        if isinstance(texts, str):
            raise QueryError("expected a list of texts, found one text; put it in brackets")
        self.require_text_tower(language)
        asked: dict[TextTower, list[tuple[int, LanguageSpan]]] = {}
        for row, text in enumerate(map(_prepare_text, texts)):
            for tower, share in self._encode_with(text, language):
                asked.setdefault(tower, []).append((row, share))
        vectors = np.zeros((len(texts), self.bundle.dim), dtype=np.float32)
        mixed = np.zeros(len(texts), dtype=np.bool_)
        for tower, read in asked.items():
            rows = [row for row, _ in read]
            weights = np.sqrt(np.array([[share.weight] for _, share in read], dtype=np.float32))
            vectors[rows] += weights * tower.encode([share.text for _, share in read], batch_size)
            mixed[rows] |= weights[:, 0] < 1
        vectors[mixed] = normalize(vectors[mixed])
        return vectors

    def _encode_with(self, text: str, language: str | None) -> list[tuple[TextTower, LanguageSpan]]:
        """Which towers read what of a text; a language without a tower is the main one's."""
        if language is not None:
            return [(self._towers[language], LanguageSpan(language, text, 1.0))]
        parts = split_by_language(text) if self.bundle.manifest.text_towers else []
        found = [(self._towers.get(share.language, self._main), share) for share in parts]
        if len({tower for tower, _ in found}) > 1:
            return found
        return [(found[0][0] if found else self._main, LanguageSpan("", text, 1.0))]

    def require_text_tower(self, language: str | None) -> None:
        """Make sure that a language has a text tower; None is told by the script of each text.

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
        """Encode photos, decoding each as ``decode_photo`` does, as large as the tower
        needs it.

        Raises:
            PhotoError: One of them cannot be decoded; a path stands in the message.
        """
        pixels = [self._pixels(photo) for photo in photos]
        if not pixels:
            return np.empty((0, self.bundle.dim), dtype=np.float32)
        batches = range(0, len(pixels), batch_size)
        return np.concatenate([self.encode_pixels(np.stack(pixels[i : i + batch_size])) for i in batches])

    def _pixels(self, photo: PhotoInput) -> npt.NDArray[np.float32]:
        try:
            return self.bundle.preprocessing(decode_photo(photo, self.bundle.preprocessing.edge).image)
        except PhotoError as error:
            if isinstance(photo, str | Path):
                raise PhotoError(f"{photo}: {error}") from error
            raise

    def encode_pixels(self, pixel_values: npt.NDArray[np.float32]) -> Vectors:
        """Encode preprocessed pictures, float32 (n, 3, height, width), in one run, or one by one."""
        tower = self.bundle.vision_graph(self.precision)
        graph = self._open(tower)
        rows = len(pixel_values)
        parts = (
            [pixel_values[row : row + 1] for row in range(rows)] if tower.batch_size_one and rows else [pixel_values]
        )
        return self._unit(np.concatenate([graph.run({"pixel_values": part}) for part in parts]), rows, graph)


def _prepare_text(text: str) -> str:
    """Text that the tokenizer takes: of bounded length, lone surrogates replaced."""
    require_text(text, "each query")
    return text[:MAX_CHARACTERS].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
