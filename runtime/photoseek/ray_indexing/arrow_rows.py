"""Photos and what was encoded of them, pickled into Arrow tables: Ray Data sends tables between machines."""

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
    """What a machine made of the photos that it was given.

    Attributes:
        host: The machine.
        paths: Those of the photos.
        batch: What was read and encoded of them.
        trouble: Why the machine could not work on them; None where it could.
    """

    host: str
    paths: frozenset[str]
    batch: Batch
    error: str | None = None

    @property
    def gone(self) -> frozenset[str]:
        """The paths at which there was no photo any more."""
        read = {record.found.path for record in self.batch.records}
        return self.paths - read - {path for path, _ in self.batch.skipped}

    def of(self, awaited: AbstractSet[str]) -> Batch:
        """Return the part of the batch that is awaited."""
        records = [record for record in self.batch.records if record.found.path in awaited]
        hashes = {record.sha256 for record in records}
        contents = [content for content in self.batch.contents if content.sha256 in hashes]
        unseen = [(path, reason) for path, reason in self.batch.skipped if path in awaited]
        return Batch(len(self.paths & awaited), records, contents, unseen)


def to_rows(photos: Sequence[PhotoEntry]) -> list[dict[str, Any]]:
    """Return a row for each photo."""
    return [{_COLUMN: pickle.dumps(photo)} for photo in photos]


def parse_photos(part: Any) -> list[PhotoEntry]:
    """Return the photos of a table of such rows."""
    return [pickle.loads(row[_COLUMN]) for row in part.to_pylist()]


def from_batch(photos: Sequence[PhotoEntry], batch: Batch, host: str) -> Any:
    """Return a table of what a machine made of photos."""
    return _table(BatchResult(host, _paths(photos), batch))


def error_table(photos: Sequence[PhotoEntry], reason: str, host: str) -> Any:
    """Return a table that says why a machine cannot work on photos."""
    return _table(BatchResult(host, _paths(photos), Batch(0, [], []), reason))


def parse_result(table: Any) -> list[BatchResult]:
    """Return what a table of those says; Ray Data may put several of them into one."""
    return [pickle.loads(row[_COLUMN]) for row in table.to_pylist()]


def _paths(photos: Sequence[PhotoEntry]) -> frozenset[str]:
    return frozenset(photo.path for photo in photos)


def _table(found: BatchResult) -> Any:
    import pyarrow

    return pyarrow.table({_COLUMN: [pickle.dumps(found)]})
