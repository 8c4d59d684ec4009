"""What every store can do, and what it notes of itself."""

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

FORMAT = 1
"""Of what a store notes of itself, and of its fields."""

METADATA_TABLE = "photoseek_stores"
"""Where the states of all galleries' stores lie, beside their vectors."""

INDEX_FROM = 10_000
"""Photos from which on a store builds an index; fewer are all scored."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}", re.ASCII)


@dataclass(frozen=True)
class StoreMetadata:
    """What a store shows; noted before a push begins, and again, complete, when it has ended.

    Attributes:
        gallery: The id of the gallery that its rows are of.
        fingerprint: Of the bundle that made its vectors.
        dim: Of the vectors.
        complete: Whether it shows the state below; else a push is under way, or was interrupted.
        revision: Of the gallery's database, as ``state`` is.
        state: The name of the state of the gallery.
        count: Rows.
        target: The recall that was asked for.
        found: What was measured with these rows: its parameter ``effort`` is what searches ask with.
    """

    gallery: str
    fingerprint: str
    dim: int
    complete: bool = False
    revision: int = 0
    state: str = ""
    count: int = 0
    target: float = 0.0
    found: EngineStats = field(default_factory=lambda: EngineStats(0.0, {}, {}))

    @property
    def effort(self) -> int:
        """How much a query looks at, in the store's own unit; 0 where there is no index."""
        return self.found.parameters.get("effort", 0)

    def check_matches(self, shown: SourceState, place: str) -> None:
        """Make sure that the rows are of a gallery and its bundle.

        Raises:
            StoreIncompatible: They are of another.
        """
        if self.gallery != shown.gallery:
            raise StoreIncompatible(
                f"{place}: holds photos of another gallery ({self.gallery[:12]}) than this ({shown.gallery[:12]}); "
                "name another place with --collection, or replace it with: photoseek push --rebuild"
            )
        if self.fingerprint != shown.fingerprint:
            raise StoreIncompatible(
                f"{place}: holds {self.dim}-d vectors of another bundle ({self.fingerprint[:12]}) than the gallery's "
                f"({shown.fingerprint[:12]}); replace them with: photoseek push --rebuild"
            )

    def to_json(self) -> str:
        """What the store keeps."""
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str, place: str) -> StoreMetadata:
        """Read what ``to_json`` wrote.

        Raises:
            StoreIncompatible: A newer photoseek wrote it, or it is none.
        """
        try:
            facts: dict[str, Any] = json.loads(text)
            if facts.pop("format") != FORMAT:
                raise ValueError("another format")
            return cls(**{**facts, "found": EngineStats(**facts["found"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreIncompatible(
                f"{place}: expected the notes of a store in format {FORMAT}, found other ones ({error}); upgrade "
                "photoseek, or push it anew with: photoseek push --rebuild"
            ) from error


class Store(Protocol):
    """A place on a server that holds the vectors of one gallery. May be shared between threads, and used after a fork.

    Each method raises ``StoreUnavailable`` where the server does not answer in time, and
    ``StoreError`` where it refuses.
    """

    place: str
    """What may be printed of it: the server and the name."""

    most_neighbors: int
    """How many a query can ask for."""

    most_effort: int
    """The largest effort that a query can ask with."""

    def metadata(self) -> StoreMetadata | None:
        """What it shows; None: nothing was pushed here."""

    def set_metadata(self, metadata: StoreMetadata) -> None:
        """Note what it shows."""

    def prepare(self, dim: int) -> None:
        """Make the place for vectors (dim,), where it is not there."""

    def digests(self) -> Digests:
        """What is there."""

    def put(self, rows: Sequence[StoreRow]) -> None:
        """Keep rows, some thousands at most, all of them or none; those of the same ids are replaced."""

    def delete(self, ids: Sequence[int]) -> None:
        """Drop rows; ids that are not there are passed over."""

    def finalize(self, count: int, *, indexed: bool) -> None:
        """After the last row: have all of them searchable, with an index or without."""

    def search(self, query: Vectors, k: int, effort: int, where: Filter | None = None) -> tuple[Rows, Vectors]:
        """About the k most similar rows, best first.

        Args:
            query: Unit vector, (dim,).
            k: At most ``most_neighbors``.
            effort: How much of the index is looked at; 0: there is none.
            where: What the photos must be.

        Returns:
            Ids and cosines, both (k,) or shorter.
        """

    def drop(self) -> None:
        """Remove all of it, with what it notes of itself."""

    def close(self) -> None:
        """Let go of the server."""


def default_collection_name(gallery: str, name: str | None = None) -> str:
    """The name of a gallery's place in a store.

    Args:
        gallery: Its id.
        name: One that was asked for. None: it follows from the id.

    Raises:
        QueryError: The name is none that every server takes.
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
    """What the options name, as ``photoseek.Searcher`` takes it."""

    store: str | None = None
    collection: str | None = None
    fallback: bool = False
