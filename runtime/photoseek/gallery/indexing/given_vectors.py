"""Vectors of photos that were encoded elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photoseek.bundle.bundle import Bundle
from photoseek.errors import QueryError
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.excluded import excluded_patterns
from photoseek.gallery.database.records import ContentRecord
from photoseek.gallery.indexing.pipeline import Batch, Content, PhotoEncoder
from photoseek.gallery.indexing.thread_pool import ThreadBackend
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps
from photoseek.vectors import Vectors, not_unit


@dataclass(frozen=True)
class GivenVectors:
    """An ``EncodingBackend`` that adds photos with given vectors; other photos wait for the next indexing.

    Attributes:
        vectors: Unit vectors (dim,) by path.
        fingerprint: Fingerprint of the bundle that they come from; photos are not encoded with other bundles.
    """

    vectors: Mapping[str, Vectors]
    fingerprint: str

    def encode(
        self, work: Sequence[PhotoEntry], photo_encoder: PhotoEncoder, on_batch: Callable[[Batch], None]
    ) -> Generator[Batch]:
        """See ``EncodingBackend.encode``."""
        if photo_encoder.encoder.bundle.fingerprint != self.fingerprint:
            return
        chosen = [photo for photo in work if photo.path in self.vectors]
        given = _GivenEncoder(**vars(photo_encoder), vectors=self.vectors)
        yield from ThreadBackend().encode(chosen, given, on_batch)


@dataclass(frozen=True, kw_only=True)
class _GivenEncoder(PhotoEncoder):
    vectors: Mapping[str, Vectors]

    def encode(self, contents: Sequence[tuple[str, Content]]) -> list[ContentRecord]:
        """Return contents with the vectors of their paths; no tower is loaded."""
        return [
            ContentRecord(content.sha256, *content.size, self.vectors[path], content.taken, content.incomplete)
            for path, content in contents
        ]


def given_vectors(
    source: PhotoSource, database: Database, bundle: Bundle, paths: Sequence[str], vectors: npt.ArrayLike
) -> GivenVectors:
    """Return the backend of vectors that a bundle made elsewhere.

    Raises:
        QueryError: Wrong shape, type or length of the vectors, a path is repeated, or there is no photo at it.
    """
    given = dict(zip(paths, _checked(vectors, len(paths), bundle.dim), strict=True))
    if len(given) < len(paths):
        repeated = next(path for path, times in Counter(paths).items() if times > 1)
        raise QueryError(f"paths: expected each path once, found {repeated!r} more often")
    unknown = given.keys() - {photo.path for photo in source.scan(ScanGaps(), excluded_patterns(database))}
    if unknown:
        raise QueryError(f"paths: expected photos of {source.address}, found {min(unknown)!r}, where there is none")
    return GivenVectors(given, bundle.fingerprint)


def _checked(vectors: npt.ArrayLike, count: int, dim: int) -> Vectors:
    """Return unit vectors (count, dim), or raise."""
    array = np.asarray(vectors)
    if array.shape != (count, dim) or array.dtype.kind != "f":
        expected = f"vectors: expected floats of shape ({count}, {dim}), one vector for each path"
        raise QueryError(f"{expected}, found {array.dtype} of shape {array.shape}")
    rows = np.ascontiguousarray(array, dtype=np.float32)
    if (bad := not_unit(rows)).size:
        length = np.linalg.norm(rows[bad[0]].astype(np.float64))
        raise QueryError(f"vectors: expected unit vectors, found length {length:.4g} in row {bad[0]}; normalize them")
    return rows
