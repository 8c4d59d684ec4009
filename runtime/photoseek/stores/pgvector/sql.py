"""SQL of the store in PostgreSQL. Names are quoted as identifiers; values are parameters."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from photoseek.gallery.filters import Clause
from photoseek.stores.base import METADATA_TABLE

FIELDS = ("id", "digest", "path", "taken", "pixels", "orientation", "type", "camera", "vector")
TYPES = ("int8", "int8", "text", "text", "int8", "text", "text", "text", "vector")

VERSION = sql.SQL(
    "SELECT available.default_version, created.extversion FROM pg_available_extensions AS available "
    "LEFT JOIN pg_extension AS created ON created.extname = available.name WHERE available.name = 'vector'"
)
_LIMIT = "set_config('statement_timeout', '30s', true)"
GRAPH = sql.SQL(
    "SELECT set_config('hnsw.ef_search', %(effort)s, true), set_config('hnsw.iterative_scan', 'strict_order', true), "
    f"{_LIMIT}"
)
EXACT = sql.SQL(
    "SELECT set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'on', true), "
    f"set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), {_LIMIT}"
)
MEMORY = sql.SQL(
    "SELECT set_config('maintenance_work_mem', greatest(%s, setting::bigint)::text || 'kB', true) "
    "FROM pg_settings WHERE name = 'maintenance_work_mem'"
)

_LINKS, _EF_CONSTRUCTION = 16, 100
_MAX_BYTES = 4 << 30
_MAX_PLAIN_DIM = 1_500  # vectors of 6 KB fit into their row's page of 8 KB


def graph_bytes(count: int, dim: int) -> int:
    """Estimate the memory of an index build, which is slow with less."""
    return min(count * (4 * dim + 24 * _LINKS + 200), _MAX_BYTES)


class Sql:
    """The statements of one table.

    Attributes:
        metadata: Select the metadata of a name.
        set_metadata: Insert or replace the metadata of a name.
        delete_metadata: Delete the metadata of a name.
        digests: Select the id and the digest of every row.
        delete: Delete the rows of a list of ids.
        copy: Insert rows of ``FIELDS``.
        columns: Select the column names; none if the table does not exist.
        dim: Select the dimension of the vectors.
        create_index: Build the index unless it exists.
        drop_index: Drop the index if it exists.
        analyze: Update the statistics of the planner.
        drop: Drop the table.
    """

    def __init__(self, name: str) -> None:
        self.index_name = f"{name}_hnsw"
        self._name = name
        self._parts = {
            "table": sql.Identifier(name),
            "index": sql.Identifier(self.index_name),
            "states": sql.Identifier(METADATA_TABLE),
            "attributes": sql.SQL(
                "FROM pg_attribute WHERE attrelid = to_regclass(quote_ident({})) AND attnum > 0 AND NOT attisdropped"
            ).format(sql.Literal(name)),
        }
        self.metadata = self._compose("SELECT facts FROM {states} WHERE name = %s")
        self.set_metadata = self._compose(
            "INSERT INTO {states} VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET facts = excluded.facts"
        )
        self.delete_metadata = self._compose("DELETE FROM {states} WHERE name = %s")
        self.digests = self._compose("SELECT id, digest FROM {table}")
        self.delete = self._compose("DELETE FROM {table} WHERE id = ANY(%s)")
        self.copy = self._compose(f"COPY {{table}} ({', '.join(FIELDS)}) FROM STDIN (FORMAT BINARY)")
        self.columns = self._compose("SELECT attname {attributes}")
        self.dim = self._compose("SELECT atttypmod {attributes} AND attname = 'vector'")
        self.create_index = self._compose(
            "CREATE INDEX IF NOT EXISTS {index} ON {table} USING hnsw (vector vector_ip_ops) "
            f"WITH (m = {_LINKS}, ef_construction = {_EF_CONSTRUCTION})"
        )
        self.drop_index = self._compose("DROP INDEX IF EXISTS {index}")
        self.analyze = self._compose("ANALYZE {table}")
        self.drop = self._compose("DROP TABLE IF EXISTS {table}")

    def create(self, dim: int) -> list[sql.Composed]:
        """Return statements that create the tables, and indexes for selective filters. Texts compare by code points."""
        texts = 'text COLLATE "C" NOT NULL'
        created = [self._compose("CREATE TABLE IF NOT EXISTS {states} (name text PRIMARY KEY, facts text NOT NULL)")]
        created.append(
            self._compose(
                "CREATE TABLE IF NOT EXISTS {table} (id bigint PRIMARY KEY, digest bigint NOT NULL, "
                f"path {texts}, taken {texts}, pixels bigint NOT NULL, orientation {texts}, type {texts}, "
                f"camera {texts}, "
                f"vector vector({int(dim)}) NOT NULL)"
            )
        )
        if dim <= _MAX_PLAIN_DIM:
            created.append(self._compose("ALTER TABLE {table} ALTER COLUMN vector SET STORAGE PLAIN"))
        for fields in ("path", "taken", "pixels", "type, orientation", "camera"):
            index = sql.Identifier(f"{self._name}_{fields.split(',')[0]}")
            created.append(
                sql.SQL(f"CREATE INDEX IF NOT EXISTS {{}} ON {{}} ({fields})").format(index, self._parts["table"])
            )
        return created

    def search(self, clauses: Sequence[Clause]) -> sql.Composed:
        """Select the nearest rows. Parameters: the vector, the values of the clauses, the vector again, and a limit."""
        return self._compose(
            f"SELECT id, vector <#> %b FROM {{table}}{_where(clauses)} ORDER BY vector <#> %b LIMIT %s"
        )

    def count(self, clauses: Sequence[Clause]) -> sql.Composed:
        """Count the rows that match the clauses, up to a limit."""
        return self._compose(f"SELECT count(*) FROM (SELECT FROM {{table}}{_where(clauses)} LIMIT %s) AS met")

    def _compose(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(**self._parts)


def _where(clauses: Sequence[Clause]) -> str:
    """Return the WHERE clause; fields and operators are constants of photoseek."""
    return " AND ".join([" WHERE true", *(f"{each.field} {each.operator} %s" for each in clauses)])
