"""The interface of every store, and the metadata that it stores."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from photoseek.errors import QueryError, StoreIncompatible
from photoseek.gallery.filters import Filter
from photoseek.gallery.snapshot.snapshot import SourceState
from photoseek.stores.rows import Digests, StoreRow
from photoseek.vector_index.tuning import EngineStats
from photoseek.vectors import Rows, Vectors

FORMAT = 2
"""Version of the metadata and of the columns of a store."""

METADATA_TABLE = "photoseek_stores"
"""Table, or collection, with the metadata of all galleries' collections."""

INDEX_FROM = 10_000
"""Number of photos from which a store builds an index; with fewer, all are scored."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}", re.ASCII)


@dataclass(frozen=True)
class StoreMetadata:
    """Metadata of a collection, written at the start of a push and, complete, at its end.

    Attributes:
        gallery: Id of the gallery.
        fingerprint: Fingerprint of the bundle.
        dim: Dimension of the vectors.
        complete: Whether the rows match the gallery state below; if not, a push is running or was interrupted.
        revision: Revision of the gallery's database.
        state: Name of the gallery's state.
        count: Number of rows.
        target: Target recall.
        stats: Recall and speed measured with these rows; the parameter ``effort`` is used by searches.
    """

    gallery: str
    fingerprint: str
    dim: int
    complete: bool = False
    revision: int = 0
    state: str = ""
    count: int = 0
    target: float = 0.0
    stats: EngineStats = field(default_factory=lambda: EngineStats(0.0, {}, {}))

    @property
    def effort(self) -> int:
        """Search effort of a query, in the store's unit; 0 without an index."""
        return self.stats.parameters.get("effort", 0)

    def check_matches(self, expected: SourceState, place: str) -> None:
        """Raise unless the rows belong to a gallery and its bundle.

        Raises:
            StoreIncompatible: They belong to another gallery or bundle.
        """
        if self.gallery != expected.gallery:
            raise StoreIncompatible(
                f"{place}: expected photos of gallery {expected.gallery[:12]}, found gallery {self.gallery[:12]}; "
                "name another collection with --collection, or replace it with: photoseek push --rebuild"
            )
        if self.fingerprint != expected.fingerprint:
            raise StoreIncompatible(
                f"{place}: expected vectors of bundle {expected.fingerprint[:12]}, found {self.dim}-d vectors of "
                f"bundle {self.fingerprint[:12]}; replace them with: photoseek push --rebuild"
            )

    def to_json(self) -> str:
        """Return the form that the store saves."""
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str, place: str) -> StoreMetadata:
        """Parse the output of ``to_json``.

        Raises:
            StoreIncompatible: It was written by a newer photoseek, or is invalid.
        """
        try:
            facts: dict[str, Any] = json.loads(text)
            if facts.pop("format") != FORMAT:
                raise ValueError("another format")
            return cls(**{**facts, "stats": EngineStats(**facts["stats"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreIncompatible(
                f"{place}: expected store metadata in format {FORMAT}, found: {error}; upgrade photoseek, or replace "
                "the collection with: photoseek push --rebuild"
            ) from error


class Store(Protocol):
    """A collection on a server with the vectors of one gallery. May be shared between threads and used after a fork.

    Each method raises ``StoreUnavailable`` if the server does not answer in time, and ``StoreError`` if it reports an
    error.
    """

    place: str
    """Server and collection name, without secrets."""

    max_neighbors: int
    """Maximum number of results of a query."""

    max_effort: int
    """Maximum search effort of a query."""

    def metadata(self) -> StoreMetadata | None:
        """Return the metadata, or None if nothing was pushed."""

    def set_metadata(self, metadata: StoreMetadata) -> None:
        """Save the metadata."""

    def prepare(self, dim: int) -> None:
        """Create the collection for vectors (dim,) unless it exists."""

    def digests(self) -> Digests:
        """Return the digest of every row."""

    def put(self, rows: Sequence[StoreRow]) -> None:
        """Insert or replace a few thousand rows at most, all of them or none."""

    def delete(self, ids: Sequence[int]) -> None:
        """Delete rows; unknown ids are ignored."""

    def finalize(self, count: int, *, indexed: bool) -> None:
        """Make all rows searchable after the last one, with or without an index."""

    def search(self, query: Vectors, k: int, effort: int, where: Filter | None = None) -> tuple[Rows, Vectors]:
        """Return about ``k`` most similar rows, best first.

        Args:
            query: Unit vector, (dim,).
            k: At most ``max_neighbors``.
            effort: Search effort; 0 without an index.
            where: Only photos that match this filter.

        Returns:
            Ids and cosines, both (k,) or shorter.
        """

    def drop(self) -> None:
        """Remove the collection and its metadata."""

    def close(self) -> None:
        """Disconnect from the server."""


def default_collection_name(gallery: str, name: str | None = None) -> str:
    """Return the collection name of a gallery in a store.

    Args:
        gallery: Id of the gallery.
        name: Name chosen by the user. Derived from the id by default.

    Raises:
        QueryError: The name is not valid on every server.
    """
    name = name or f"photoseek_{gallery}"
    if not _NAME.fullmatch(name) or name == METADATA_TABLE:
        raise QueryError(
            f"--collection: expected a name of up to 50 letters, digits and underscores that begins with a letter, "
            f"found {name!r}"
        )
    return name


@dataclass(frozen=True)
class StoreChoice:
    """The store options of a command, as arguments of ``photoseek.Searcher``."""

    store: str | None = None
    collection: str | None = None
    fallback: bool = False
