"""Photos and their encoded batches, pickled into Arrow tables, which Ray Data sends between machines."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from photoseek.gallery.indexing.pipeline import Batch
from photoseek.sources.base import PhotoEntry

_COLUMN = "pickle"


@dataclass(frozen=True)
class BatchResult:
    """The result of a worker for its photos.

    Attributes:
        host: The machine.
        paths: Paths of the photos.
        batch: What was read and encoded.
        error: Why the machine could not process them; None if it could.
    """

    host: str
    paths: frozenset[str]
    batch: Batch
    error: str | None = None

    @property
    def missing(self) -> frozenset[str]:
        """The paths at which the worker found no photo."""
        read = {record.found.path for record in self.batch.records}
        return self.paths - read - {path for path, _ in self.batch.skipped}

    def restrict_to(self, awaited: AbstractSet[str]) -> Batch:
        """Return the batch without photos that are not awaited."""
        records = [record for record in self.batch.records if record.found.path in awaited]
        hashes = {record.sha256 for record in records}
        contents = [content for content in self.batch.contents if content.sha256 in hashes]
        skipped = [(path, reason) for path, reason in self.batch.skipped if path in awaited]
        return Batch(len(self.paths & awaited), records, contents, skipped)


def to_rows(photos: Sequence[PhotoEntry]) -> list[dict[str, Any]]:
    """Return a row for each photo."""
    return [{_COLUMN: pickle.dumps(photo)} for photo in photos]


def parse_photos(table: Any) -> list[PhotoEntry]:
    """Return the photos of a table of such rows."""
    return [pickle.loads(row[_COLUMN]) for row in table.to_pylist()]


def from_batch(photos: Sequence[PhotoEntry], batch: Batch, host: str) -> Any:
    """Return a table with an encoded batch."""
    return _table(BatchResult(host, _paths(photos), batch))


def error_table(photos: Sequence[PhotoEntry], reason: str, host: str) -> Any:
    """Return a table with the reason why a machine cannot process photos."""
    return _table(BatchResult(host, _paths(photos), Batch(0, [], []), reason))


def parse_result(table: Any) -> list[BatchResult]:
    """Return the results in a table; Ray Data may concatenate several tables."""
    return [pickle.loads(row[_COLUMN]) for row in table.to_pylist()]


def _paths(photos: Sequence[PhotoEntry]) -> frozenset[str]:
    return frozenset(photo.path for photo in photos)


def _table(result: BatchResult) -> Any:
    import pyarrow

    return pyarrow.table({_COLUMN: [pickle.dumps(result)]})
