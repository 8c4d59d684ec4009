"""The captions of a gallery: sentences that photos are described with. All their SQL is here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from photoseek.captions import Caption
from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.database import Database
from photoseek.vectors import Vectors


@dataclass(frozen=True)
class StoredSentences:
    """Sentences with their vectors.

    Attributes:
        texts: Each once.
        vectors: Unit vectors, (n, dim).
    """

    texts: tuple[str, ...]
    vectors: Vectors


class Sentences:
    """The tables of captions in a gallery's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, captions: Iterable[Caption]) -> int:
        """Keep captions that are not there yet; tells how many were new."""
        with self._database.writing() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO captions (text, image) VALUES (?, ?)",
                ((caption.text, caption.image) for caption in captions),
            )
            added = connection.total_changes - before
            self._database.note_change("captions_revision")
        return added

    def clear(self) -> int:
        """Forget all; tells how many there were."""
        with self._database.writing() as connection:
            gone = connection.execute("DELETE FROM captions").rowcount
            connection.execute("DELETE FROM caption_vectors")
            self._database.note_change("captions_revision")
        return gone

    def count(self) -> int:
        """Captions, also those that differ in nothing but their photo."""
        return int(self._database.query("SELECT count(*) FROM captions")[0][0])

    def revision(self) -> int:
        """A number that grows with every change of the sentences that could be found."""
        return int(self._database.meta().get("captions_revision", "0"))

    def of_photo(self, path: str) -> list[str]:
        """The captions of the photo at a path, in the order of the files."""
        rows = self._database.query("SELECT text FROM captions WHERE image = ? ORDER BY id", path)
        return [text for (text,) in rows]

    def without_vectors(self, fingerprint: str) -> list[str]:
        """Texts that have no vector of this bundle yet."""
        rows = self._database.query(
            "SELECT DISTINCT text FROM captions WHERE text NOT IN "
            "(SELECT text FROM caption_vectors WHERE fingerprint = ?)",
            fingerprint,
        )
        return [text for (text,) in rows]

    def save_vectors(self, fingerprint: str, texts: Sequence[str], vectors: Vectors) -> None:
        """Keep the unit vectors (n, dim) of texts."""
        rows = [
            (text, fingerprint, vector.astype("<f4").tobytes()) for text, vector in zip(texts, vectors, strict=True)
        ]
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO caption_vectors VALUES (?, ?, ?)", rows)
            self._database.note_change("captions_revision")

    def load(self, fingerprint: str, dim: int) -> StoredSentences:
        """Every sentence that has a vector of this bundle.

        Raises:
            GalleryDamaged: A vector has not the size of ``dim`` numbers.
        """
        rows = self._database.query(
            "SELECT text, vector FROM caption_vectors WHERE fingerprint = ? "
            "AND text IN (SELECT text FROM captions) ORDER BY text",
            fingerprint,
        )
        for text, blob in rows:
            if len(blob) != 4 * dim:
                raise GalleryDamaged(f"{self._database.path}: {text!r}: expected {4 * dim} bytes, found {len(blob)}")
        vectors = np.frombuffer(b"".join(blob for _, blob in rows), dtype="<f4").reshape(len(rows), dim)
        return StoredSentences(tuple(text for text, _ in rows), vectors)
