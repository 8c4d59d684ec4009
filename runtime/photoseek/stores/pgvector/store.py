"""The store in PostgreSQL with pgvector: a table of photos, with an HNSW index over their vectors.

Searches set ``hnsw.ef_search`` candidates, and ``hnsw.iterative_scan``, which continues if a filter leaves too few of
them (https://github.com/pgvector/pgvector, "HNSW" and "Iterative Index Scans").
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

_MIN_VERSION = (0, 8)  # of pgvector, for iterative scans
_MAX_DIM = 2_000  # of HNSW in pgvector
_KB = 1024


class PgvectorStore:
    """A gallery's vectors in a table of PostgreSQL."""

    max_neighbors = 100_000
    max_effort = 1_000
    """Maximum of ``hnsw.ef_search``."""
    min_rows_for_index = 10_000
    """If fewer photos match a filter, all of them are scored."""

    def __init__(self, address: StoreUri, name: str) -> None:
        """Select a table; the first call connects."""
        self.place = f"{address.redacted}, table {name}"
        self._name = name
        self._sql = statements.Sql(name)
        self._connections = ConnectionPool(address, self._configure)

    def __repr__(self) -> str:
        return f"PgvectorStore({self.place!r})"

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def metadata(self) -> StoreMetadata | None:
        """Return the metadata; see ``Store`` for all methods."""

        def read(connection: psycopg.Connection) -> str | None:
            if not _exists(connection, METADATA_TABLE):
                return None
            found = connection.execute(self._sql.metadata, (self._name,)).fetchone()
            return None if found is None else str(found[0])

        text = self._connections.run(read)
        return None if text is None else StoreMetadata.from_json(text, self.place)

    def set_metadata(self, metadata: StoreMetadata) -> None:
        """Save the metadata in a separate transaction."""
        values = (self._name, metadata.to_json())
        self._connections.run(lambda connection: connection.execute(self._sql.set_metadata, values))

    def prepare(self, dim: int) -> None:
        """Create the extension, the tables and the indexes for filters."""

        def create(connection: psycopg.Connection) -> None:
            self._check_owner(connection)
            if _exists(connection, self._name) and _exists(connection, METADATA_TABLE):
                return  # CREATE IF NOT EXISTS would block searches, and require rights that only the first push needs
            if connection.execute(statements.VERSION).fetchone()[1] is None:  # type: ignore[index]
                _create_extension(connection, self.place)
            with connection.transaction():
                for statement in self._sql.create(dim):
                    connection.execute(statement)

        self._connections.run(create)
        self._connections.close()  # earlier connections do not know the extension's type

    def digests(self) -> Digests:
        """Return ids and digests, 16 bytes per row."""

        def read(connection: psycopg.Connection) -> Digests:
            if not _exists(connection, self._name):
                return Digests.of(iter(()))
            with connection.transaction(), connection.cursor(name="digests") as cursor:  # a server-side cursor
                cursor.itersize = 10_000
                return Digests.of((photo, digest) for photo, digest in cursor.execute(self._sql.digests))

        return self._connections.run(read)

    def put(self, rows: Sequence[StoreRow]) -> None:
        """Insert or replace rows in one transaction."""

        def write(connection: psycopg.Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(self._sql.delete, ([row.id for row in rows],))
                with cursor.copy(self._sql.copy) as copy:
                    copy.set_types(statements.TYPES)
                    for row in rows:
                        copy.write_row([getattr(row, field) for field in statements.FIELDS])

        self._connections.run(write)

    def delete(self, ids: Sequence[int]) -> None:
        """Delete rows by id."""
        self._connections.run(lambda connection: connection.execute(self._sql.delete, (list(ids),)))

    def finalize(self, count: int, *, indexed: bool) -> None:
        """Build the index, with as much memory as it needs, or drop it."""

        def index(connection: psycopg.Connection) -> None:
            dim = int(connection.execute(self._sql.dim).fetchone()[0])  # type: ignore[index]
            if not indexed or dim > _MAX_DIM:
                connection.execute(self._sql.drop_index)
            elif not _exists(connection, self._sql.index_name):
                with connection.transaction():
                    connection.execute(statements.MEMORY, (statements.graph_bytes(count, dim) // _KB,))
                    connection.execute(self._sql.create_index)
            connection.execute(self._sql.analyze)

        self._connections.run(index)

    def search(self, query: Vectors, k: int, effort: int, where: Filter | None = None) -> tuple[Rows, Vectors]:
        """Search the index. If few photos match the filter, or the index returns fewer than k, all are scored."""
        clauses = filter_clauses(where)
        values = [clause.value for clause in clauses]
        statement = self._sql.search(clauses), [query, *values, query, k]

        def search(connection: psycopg.Connection) -> list[Any]:
            exact = not effort
            if clauses and not exact:
                count = connection.execute(self._sql.count(clauses), [*values, self.min_rows_for_index]).fetchone()
                exact = int(count[0]) < self.min_rows_for_index  # type: ignore[index]
            found = _fetch(connection, *statement, statements.EXACT if exact else statements.GRAPH, max(effort, k))
            if not exact and len(found) < k:
                found = _fetch(connection, *statement, statements.EXACT, effort)
            return found

        found = self._connections.run(search)
        ids = np.array([photo for photo, _ in found], dtype=np.int64)
        return ids, np.array([-distance for _, distance in found], dtype=np.float32)

    def drop(self) -> None:
        """Drop the table and its metadata."""

        def drop(connection: psycopg.Connection) -> None:
            self._check_owner(connection)
            with connection.transaction():
                connection.execute(self._sql.drop)
                if _exists(connection, METADATA_TABLE):
                    connection.execute(self._sql.delete_metadata, (self._name,))

        self._connections.run(drop)

    def _check_owner(self, connection: psycopg.Connection) -> None:
        """Raise if the table exists and was not created by photoseek."""
        found = {name for (name,) in connection.execute(self._sql.columns)}
        if found and found | {"camera"} != set(statements.FIELDS):  # format 1 lacks it, and may be replaced
            raise StoreIncompatible(
                f"{self.place}: expected a table created by photoseek, found one with other columns "
                f"({', '.join(sorted(found))}); name another one with --collection"
            )

    def _configure(self, connection: psycopg.Connection) -> None:
        """Register pgvector's type, if the extension exists, and check its version."""
        from pgvector.psycopg import register_vector

        found = connection.execute(statements.VERSION).fetchone()
        if found is None or found[0] is None:
            raise StoreIncompatible(
                f"{self.place}: this PostgreSQL has no pgvector; install it on the server "
                "(Debian and Ubuntu: apt install postgresql-18-pgvector)"
            )
        available, created = found
        version = str(created or available)
        if tuple(map(int, version.split(".")[:2])) < _MIN_VERSION:
            raise StoreIncompatible(
                f"{self.place}: expected pgvector 0.8 or newer, found {version}; upgrade it on the server, then: "
                "ALTER EXTENSION vector UPDATE"
            )
        if created is not None:
            register_vector(connection)


def _fetch(connection: psycopg.Connection, query: Any, values: list[Any], settings: Any, effort: int) -> list[Any]:
    """Return the rows of a query with transaction-local settings, in one round trip."""
    limited = min(effort, PgvectorStore.max_effort)
    with connection.pipeline(), connection.transaction():
        connection.execute(settings, {"effort": str(limited)})
        return connection.execute(query, values).fetchall()


def _create_extension(connection: psycopg.Connection, place: str) -> None:
    import psycopg

    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.errors.InsufficientPrivilege:
        raise StoreError(
            f"{place}: this user may not create pgvector's extension; ask a database administrator to run: "
            "CREATE EXTENSION vector"
        ) from None


def _exists(connection: psycopg.Connection, name: str) -> bool:
    found = connection.execute("SELECT to_regclass(quote_ident(%s))", (name,)).fetchone()
    return found is not None and found[0] is not None
