"""Tags of a photo: the words of a vocabulary that describe it best."""

from __future__ import annotations

import threading

import numpy as np

from photoseek.languages import ENGLISH
from photoseek.photos.decode import PhotoInput
from photoseek.search.backend import check_k
from photoseek.search.hits import Sentence
from photoseek.search.query import MAX_UNREAD
from photoseek.search.searcher import Searcher
from photoseek.search.vocabulary import vocabulary
from photoseek.system.fork_safety import ForkAware
from photoseek.vectors import Vectors


class Tagger(ForkAware):
    """Tags photos with the vocabulary, by a searcher's towers. May be shared between threads and used after a fork.

    The cosines compare a word with the photo as a query for this word does. They rank the words of one photo; they are
    no probabilities.
    """

    def __init__(self, searcher: Searcher) -> None:
        """Use the encoders of a searcher; the first call encodes the vocabulary."""
        self._searcher = searcher
        self._encoded: dict[str, tuple[list[str], Vectors]] = {}
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread of the parent may have locked."""
        self._lock = threading.Lock()

    def is_loaded_for(self, language: str, photo: PhotoInput | None = None) -> bool:
        """Return whether the vocabulary is encoded, and the tower that a photo needs is in memory."""
        return self._language(language) in self._encoded and self._searcher.is_loaded_for(None, photo)

    def tags(
        self,
        photo: PhotoInput | None = None,
        *,
        similar_to: str | None = None,
        language: str = ENGLISH,
        k: int = 10,
    ) -> list[Sentence]:
        """Return the ``k`` words that describe a photo best, best first; fewer if the bundle reads fewer words.

        Args:
            photo: Any photo.
            similar_to: Path of a photo of the gallery, relative to the photo folder.
            language: ``en`` or ``zh``; if the bundle does not support it, the words are English.
            k: At least 1.

        Raises:
            QueryError: No photo is given, the gallery has no such photo, or k is below 1.
            PhotoError: The photo cannot be decoded.
            BundleError: A tower is damaged.
        """
        check_k(k)
        query = self._searcher.query(photo=photo, similar_to=similar_to)
        words, vectors = self._words(self._language(language))
        scores = vectors @ query.vector
        best = np.argsort(-scores, kind="stable")[:k].tolist()
        return [Sentence(rank, words[row], float(scores[row])) for rank, row in enumerate(best, start=1)]

    def _language(self, language: str) -> str:
        return language if language in self._searcher.bundle.languages else ENGLISH

    def _words(self, language: str) -> tuple[list[str], Vectors]:
        """Return the words that the bundle reads, and their vectors, encoded once."""
        encoder = self._searcher.text_encoder
        with self._lock:
            if language not in self._encoded:
                words = [word for word in vocabulary(language) if encoder.unread_share(word) <= MAX_UNREAD]
                self._encoded[language] = words, encoder.encode(words)
            return self._encoded[language]
