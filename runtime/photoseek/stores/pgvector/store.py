"""PostgreSQL with pgvector: a table of a gallery's photos, with an HNSW graph over their vectors.

What is asked of pgvector: ``hnsw.ef_search`` candidates, and ``hnsw.iterative_scan``, which goes on where a filter left
too few of them (https://github.com/pgvector/pgvector, "HNSW" and "Iterative Index Scans").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from photoseek.errors import StoreError, StoreIncompatible
from photoseek.gallery.filters import Filter, filter_clauses
from photoseek.stores.base import METADATA_TABLE, StoreMetadata
from photoseek.stores.pgvector import sql as statements
from photoseek.stores.pgvector.pool import ConnectionPool
from photoseek.stores.rows import Digests, StoreRow
from photoseek.stores.uri import StoreUri
from photoseek.vectors import Rows, Vectors

if TYPE_CHECKING:
    import psycopg

_OLDEST = (0, 8)  # of pgvector: iterative scans
_MOST_DIM = 2_000  # that its HNSW takes
_KB = 1024


class PgvectorStore:
    """A gallery's vectors in a table of PostgreSQL."""

    most_neighbors = 100_000
    most_effort = 1_000
    """``hnsw.ef_search`` goes no further."""
    few = 10_000
    """Photos that meet a filter, below which all of them are scored."""

    def __init__(self, address: StoreUri, name: str) -> None:
        """Connect when first used."""
        self.place = f"{address.shown}, table {name}"
        self._name = name
        self._sql = statements.Sql(name)
        self._connections = ConnectionPool(address, self._index_is_valid)

    def __repr__(self) -> str:
        return f"PgvectorStore({self.place!r})"

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def metadata(self) -> StoreMetadata | None:
        """See ``Store``, as for all below."""

        def read(connection: psycopg.Connection) -> str | None:
            if not _exists(connection, METADATA_TABLE):
                return None
            found = connection.execute(self._sql.state, (self._name,)).fetchone()
            return None if found is None else str(found[0])

        text = self._connections.run(read)
        return None if text is None else StoreMetadata.from_json(text, self.place)

    def set_metadata(self, metadata: StoreMetadata) -> None:
        """Note it, in a transaction of its own."""
        values = (self._name, metadata.to_json())
        self._connections.run(lambda connection: connection.execute(self._sql.set_metadata, values))

    def prepare(self, dim: int) -> None:
        """Create extension, tables and the indexes of filters."""

        def create(connection: psycopg.Connection) -> None:
            self._check_owner(connection)
            if _exists(connection, self._name) and _exists(connection, METADATA_TABLE):
                return  # to create once more would lock searches out, and ask for rights that only the first push needs
            if connection.execute(statements.VERSION).fetchone()[1] is None:  # type: ignore[index]
                _create_extension(connection, self.place)
            with connection.transaction():
                for statement in self._sql.create(dim):
                    connection.execute(statement)

        self._connections.run(create)
        self._connections.close()  # those that were made before the extension don't know its type

    def digests(self) -> Digests:
        """Ids and digests, 16 bytes a row."""

        def read(connection: psycopg.Connection) -> Digests:
            if not _exists(connection, self._name):
                return Digests.of(iter(()))
            with connection.transaction(), connection.cursor(name="digests") as cursor:  # read as it is asked for
                cursor.itersize = 10_000
                return Digests.of((photo, digest) for photo, digest in cursor.execute(self._sql.digests))

        return self._connections.run(read)

    def put(self, rows: Sequence[StoreRow]) -> None:
        """Rows of the same ids are deleted, and all copied in, in one transaction."""

        def write(connection: psycopg.Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(self._sql.delete, ([row.id for row in rows],))
                with cursor.copy(self._sql.copy) as copy:
                    copy.set_types(statements.TYPES)
                    for row in rows:
                        copy.write_row([getattr(row, field) for field in statements.FIELDS])

        self._connections.run(write)

    def delete(self, ids: Sequence[int]) -> None:
        """By primary key."""
        self._connections.run(lambda connection: connection.execute(self._sql.delete, (list(ids),)))

    def finalize(self, count: int, *, indexed: bool) -> None:
        """Build the graph where there is none, in as much memory as it needs, or drop it."""

        def index(connection: psycopg.Connection) -> None:
            dim = int(connection.execute(self._sql.dim).fetchone()[0])  # type: ignore[index]
            if not indexed or dim > _MOST_DIM:
                connection.execute(self._sql.drop_index)
            elif not _exists(connection, self._sql.index_name):
                with connection.transaction():
                    connection.execute(statements.MEMORY, (statements.graph_bytes(count, dim) // _KB,))
                    connection.execute(self._sql.create_index)
            connection.execute(self._sql.analyze)

        self._connections.run(index)

    def search(self, query: Vectors, k: int, effort: int, where: Filter | None = None) -> tuple[Rows, Vectors]:
        """By the graph; where few photos meet a filter, or the graph leads to fewer than k, all of them are scored."""
        conditions = filter_clauses(where)
        asked = self._sql.search(conditions), [query, *(each.value for each in conditions), query, k]

        def ask(connection: psycopg.Connection) -> list[Any]:
            exact = not effort
            if conditions and not exact:
                counted = connection.execute(
                    self._sql.count(conditions), [*(each.value for each in conditions), self.few]
                )
                exact = int(counted.fetchone()[0]) < self.few  # type: ignore[index]
            found = _ask(connection, *asked, statements.EXACT if exact else statements.GRAPH, max(effort, k))
            if not exact and len(found) < k:
                found = _ask(connection, *asked, statements.EXACT, effort)
            return found

        found = self._connections.run(ask)
        ids = np.array([photo for photo, _ in found], dtype=np.int64)
        return ids, np.array([-distance for _, distance in found], dtype=np.float32)

    def drop(self) -> None:
        """Drop the table, and what is noted of it."""

        def drop(connection: psycopg.Connection) -> None:
            self._check_owner(connection)
            with connection.transaction():
                connection.execute(self._sql.drop)
                if _exists(connection, METADATA_TABLE):
                    connection.execute(self._sql.forget, (self._name,))

        self._connections.run(drop)

    def _check_owner(self, connection: psycopg.Connection) -> None:
        """A table of that name is one that photoseek made, if there is one."""
        found = {name for (name,) in connection.execute(self._sql.columns)}
        if found and found != set(statements.FIELDS):
            raise StoreIncompatible(
                f"{self.place}: expected a table that photoseek made, found one of other columns "
                f"({', '.join(sorted(found))}); name another one with --collection"
            )

    def _index_is_valid(self, connection: psycopg.Connection) -> None:
        """Teach a connection pgvector's type, where the extension is there."""
        from pgvector.psycopg import register_vector

        found = connection.execute(statements.VERSION).fetchone()
        if found is None or found[0] is None:
            raise StoreIncompatible(
                f"{self.place}: this PostgreSQL has no pgvector; install it on the server "
                "(Debian and Ubuntu: apt install postgresql-18-pgvector)"
            )
        available, created = found
        version = str(created or available)
        if tuple(map(int, version.split(".")[:2])) < _OLDEST:
            raise StoreIncompatible(
                f"{self.place}: expected pgvector 0.8 or newer, found {version}; upgrade it on the server, then: "
                "ALTER EXTENSION vector UPDATE"
            )
        if created is not None:
            register_vector(connection)


def _ask(connection: psycopg.Connection, query: Any, values: list[Any], settings: Any, effort: int) -> list[Any]:
    """The rows of a query under settings of its own, sent in one go."""
    most = min(effort, PgvectorStore.most_effort)
    with connection.pipeline(), connection.transaction():
        connection.execute(settings, {"effort": str(most)})
        return connection.execute(query, values).fetchall()


def _create_extension(connection: psycopg.Connection, place: str) -> None:
    import psycopg

    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.errors.InsufficientPrivilege:
        raise StoreError(
            f"{place}: this user may not create pgvector's extension; have an administrator of the database run: "
            "CREATE EXTENSION vector"
        ) from None


def _exists(connection: psycopg.Connection, name: str) -> bool:
    found = connection.execute("SELECT to_regclass(quote_ident(%s))", (name,)).fetchone()
    return found is not None and found[0] is not None
