"""Search of a gallery's captions by photo."""

from __future__ import annotations

import threading

from photoseek.errors import QueryError
from photoseek.gallery.database.sentences import StoredSentences
from photoseek.photos.decode import PhotoInput
from photoseek.search.backend import check_k
from photoseek.search.hits import Sentence
from photoseek.search.searcher import Searcher
from photoseek.system.fork_safety import ForkAware
from photoseek.vector_index.exact import ExactIndex


class CaptionSearcher(ForkAware):
    """Searches the captions of a gallery by photo. May be shared between threads and used after a fork."""

    def __init__(self, searcher: Searcher) -> None:
        """Use the gallery and the encoders of a searcher; captions are read by the first query."""
        self._searcher = searcher
        self._stored: tuple[object, StoredSentences] | None = None
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread of the parent may have locked."""
        self._lock = threading.Lock()

    def describe(self, photo: PhotoInput | None = None, *, similar_to: str | None = None, k: int = 5) -> list[Sentence]:
        """Return the ``k`` captions of the gallery that describe a photo best, best first.

        Args:
            photo: Any photo.
            similar_to: Path of a photo of the gallery, relative to the photo folder.
            k: At least 1; fewer are returned if the gallery has fewer captions.

        Raises:
            QueryError: No photo is given, the gallery has no such photo or no captions, or k is below 1.
            PhotoError: The photo cannot be decoded.
        """
        check_k(k)
        stored = self._sentences()
        if not stored.texts:
            raise QueryError("this gallery has no captions; add some with: photoseek captions add FILE --gallery DIR")
        query = self._searcher.query(photo=photo, similar_to=similar_to)
        rows, scores = ExactIndex(stored.vectors).search(query.vector, k)
        found = zip(rows.tolist(), scores.tolist(), strict=True)
        return [Sentence(rank, stored.texts[row], score) for rank, (row, score) in enumerate(found, start=1)]

    def _sentences(self) -> StoredSentences:
        """Return the gallery's captions, read again after a change."""
        bundle, sentences = self._searcher.bundle, self._searcher.gallery.sentences
        with self._lock:
            revision = (sentences.revision(), bundle.fingerprint)
            if self._stored is None or self._stored[0] != revision:
                self._stored = revision, sentences.load(bundle.fingerprint, bundle.dim)
            return self._stored[1]
