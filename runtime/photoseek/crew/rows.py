"""Photos as rows of Arrow tables, in which they go to the machines of a crew and come back."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np

from photoseek.database import ContentRecord, PhotoRecord
from photoseek.embedding import Batch
from photoseek.scanning import FoundPhoto

_READ, _UNSEEN, _GONE, _TROUBLE = "read", "unseen", "gone", "trouble"


@dataclass(frozen=True)
class Handed:
    """What came back of a part.

    Attributes:
        host: The machine that it came from.
        rows: One for each photo.
    """

    host: str
    rows: Sequence[dict[str, Any]]

    @property
    def trouble(self) -> str | None:
        """Why the machine could not work on it; None where it could."""
        return next((row["reason"] for row in self.rows if row["state"] == _TROUBLE), None)

    @property
    def paths(self) -> frozenset[str]:
        """Of its photos."""
        return frozenset(row["path"] for row in self.rows)

    @property
    def gone(self) -> frozenset[str]:
        """Those that were not there any more."""
        return frozenset(row["path"] for row in self.rows if row["state"] == _GONE)

    def of(self, awaited: AbstractSet[str]) -> Batch:
        """Those that are awaited, as they are kept."""
        rows = [row for row in self.rows if row["path"] in awaited]
        read = [row for row in rows if row["state"] == _READ]
        return Batch(
            len(rows),
            [PhotoRecord(_photo(row), row["sha256"], row["reason"]) for row in read],
            [_content(row) for row in read if row["vector"] is not None],
            [(row["path"], row["reason"]) for row in rows if row["state"] == _UNSEEN],
        )


def to_rows(photos: Sequence[FoundPhoto]) -> list[dict[str, Any]]:
    """The rows in which photos are handed out."""
    return [{"path": photo.path, "bytes": photo.bytes, "mtime_ns": photo.mtime_ns} for photo in photos]


def wanted(part: Any) -> list[FoundPhoto]:
    """The photos of a table of such rows."""
    return [_photo(row) for row in part.to_pylist()]


def from_batch(photos: Sequence[FoundPhoto], batch: Batch, host: str) -> Any:
    """A table of what came of photos."""
    contents = {content.sha256: content for content in batch.contents}
    records = {record.found.path: record for record in batch.records}
    unseen = dict(batch.unseen)
    rows = []
    for photo in photos:
        if (record := records.get(photo.path)) is not None:
            content = contents.get(record.sha256 or "") if record.reason is None else None
            rows.append(_row(record.found, _READ, host, record.sha256, record.reason, content))
        elif photo.path in unseen:
            rows.append(_row(photo, _UNSEEN, host, reason=unseen[photo.path]))
        else:
            rows.append(_row(photo, _GONE, host))
    return _table(rows)


def troubled(photos: Sequence[FoundPhoto], reason: str, host: str) -> Any:
    """A table that says why a machine cannot work on photos."""
    return _table([_row(photo, _TROUBLE, host, reason=reason) for photo in photos])


def handed(table: Any) -> Handed:
    """What a table of those says."""
    rows = table.to_pylist()
    return Handed(rows[0]["host"] if rows else "", rows)


def _row(
    photo: FoundPhoto,
    state: str,
    host: str,
    sha256: str | None = None,
    reason: str | None = None,
    content: ContentRecord | None = None,
) -> dict[str, Any]:
    return {
        **to_rows([photo])[0],
        "state": state,
        "host": host,
        "sha256": sha256,
        "reason": reason,
        "width": content.width if content else 0,
        "height": content.height if content else 0,
        "taken": content.taken if content else "",
        "vector": content.vector.astype("<f4").tobytes() if content else None,
    }


def _photo(row: dict[str, Any]) -> FoundPhoto:
    return FoundPhoto(row["path"], row["bytes"], row["mtime_ns"])


def _content(row: dict[str, Any]) -> ContentRecord:
    vector = np.frombuffer(row["vector"], dtype="<f4")
    return ContentRecord(row["sha256"], row["width"], row["height"], vector, row["taken"])


def _table(rows: list[dict[str, Any]]) -> Any:
    import pyarrow

    texts = ("path", "state", "host", "sha256", "reason", "taken")
    types = dict.fromkeys(texts, pyarrow.string()) | {"vector": pyarrow.binary()}
    order = ("path", "bytes", "mtime_ns", "state", "host", "sha256", "reason", "width", "height", "taken", "vector")
    schema = pyarrow.schema([(name, types.get(name, pyarrow.int64())) for name in order])
    return pyarrow.Table.from_pylist(rows, schema=schema)
