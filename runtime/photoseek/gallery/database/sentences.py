"""The captions of a gallery: sentences to describe photos with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from photoseek.captions import Caption
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.records import vector_blob
from photoseek.gallery.database.typed_names import unicode_forms
from photoseek.vectors import Vectors


@dataclass(frozen=True)
class StoredSentences:
    """Distinct sentences, and their unit vectors (n, dim)."""

    texts: tuple[str, ...]
    vectors: Vectors


class Sentences:
    """The tables of captions in a gallery's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, captions: Iterable[Caption]) -> int:
        """Add captions, and return how many were new."""
        with self._database.writing() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO captions (text, image) VALUES (?, ?)",
                ((caption.text, caption.image) for caption in captions),
            )
            added = connection.total_changes - before
            self._database.mark_changed("captions_revision")
        return added

    def clear(self) -> int:
        """Delete all captions, and return how many there were."""
        with self._database.writing() as connection:
            deleted = connection.execute("DELETE FROM captions").rowcount
            connection.execute("DELETE FROM caption_vectors")
            self._database.mark_changed("captions_revision")
        return deleted

    def count(self) -> int:
        """Return the number of captions; the same text for two photos counts twice."""
        return int(self._database.query("SELECT count(*) FROM captions")[0][0])

    def revision(self) -> int:
        """Return a number that grows with every change of the captions."""
        return int(self._database.meta().get("captions_revision", "0"))

    def of_photo(self, path: str) -> list[str]:
        """Return the captions of the photo at a path, in the order in which they were added."""
        forms = unicode_forms(path)
        sql = f"SELECT text FROM captions WHERE image IN ({','.join('?' * len(forms))}) ORDER BY id"
        rows = self._database.query(sql, *forms)
        return [text for (text,) in rows]

    def without_vectors(self, fingerprint: str) -> list[str]:
        """Return the texts that have no vector of this bundle."""
        rows = self._database.query(
            "SELECT DISTINCT text FROM captions WHERE text NOT IN "
            "(SELECT text FROM caption_vectors WHERE fingerprint = ?)",
            fingerprint,
        )
        return [text for (text,) in rows]

    def save_vectors(self, fingerprint: str, texts: Sequence[str], vectors: Vectors) -> None:
        """Save the unit vectors (n, dim) of texts."""
        rows = [(text, fingerprint, vector_blob(vector)) for text, vector in zip(texts, vectors, strict=True)]
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO caption_vectors VALUES (?, ?, ?)", rows)
            self._database.mark_changed("captions_revision")

    def load(self, fingerprint: str, dim: int) -> StoredSentences:
        """Return every sentence that has a vector of this bundle.

        Raises:
            GalleryDamaged: A vector is not a unit vector of ``dim`` numbers.
        """
        rows = self._database.query(
            "SELECT text, vector FROM caption_vectors WHERE fingerprint = ? "
            "AND text IN (SELECT text FROM captions) ORDER BY text",
            fingerprint,
        )
        vectors = self._database.vectors_from([(repr(text), blob) for text, blob in rows], dim)
        return StoredSentences(tuple(text for text, _ in rows), vectors)
