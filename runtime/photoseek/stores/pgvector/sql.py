"""The SQL of a store in PostgreSQL. Names are quoted as identifiers, values never stand in it."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from photoseek.gallery.filters import Clause
from photoseek.stores.base import METADATA_TABLE  # the table of all galleries' states

FIELDS = ("id", "digest", "path", "taken", "pixels", "orientation", "type", "vector")
TYPES = ("int8", "int8", "text", "text", "int8", "text", "text", "vector")

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
_MOST_BYTES = 4 << 30
_PLAIN_DIM = 1_500  # vectors of 6 KB stay in their row's page of 8 KB


def graph_bytes(count: int, dim: int) -> int:
    """About the memory in which the graph of so many vectors is built at once: what does not fit is built slowly."""
    return min(count * (4 * dim + 24 * _LINKS + 200), _MOST_BYTES)


class Sql:
    """The statements about one table.

    Attributes:
        state: The notes of a name.
        set_metadata: Write a name and its notes.
        forget: Delete the notes of a name.
        digests: Id and digest of every row.
        delete: Delete the rows of a list of ids.
        copy: Copy rows of ``FIELDS`` in.
        columns: The names of the table's columns; none if there is no such table.
        dim: The dimension of the table's vectors.
        create_index: Build the graph, where there is none.
        drop_index: Drop the graph, where there is one.
        analyze: Have the planner read the table.
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
        self.state = self._filled("SELECT facts FROM {states} WHERE name = %s")
        self.set_metadata = self._filled(
            "INSERT INTO {states} VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET facts = excluded.facts"
        )
        self.forget = self._filled("DELETE FROM {states} WHERE name = %s")
        self.digests = self._filled("SELECT id, digest FROM {table}")
        self.delete = self._filled("DELETE FROM {table} WHERE id = ANY(%s)")
        self.copy = self._filled(f"COPY {{table}} ({', '.join(FIELDS)}) FROM STDIN (FORMAT BINARY)")
        self.columns = self._filled("SELECT attname {attributes}")
        self.dim = self._filled("SELECT atttypmod {attributes} AND attname = 'vector'")
        self.create_index = self._filled(
            "CREATE INDEX IF NOT EXISTS {index} ON {table} USING hnsw (vector vector_ip_ops) "
            f"WITH (m = {_LINKS}, ef_construction = {_EF_CONSTRUCTION})"
        )
        self.drop_index = self._filled("DROP INDEX IF EXISTS {index}")
        self.analyze = self._filled("ANALYZE {table}")
        self.drop = self._filled("DROP TABLE IF EXISTS {table}")

    def create(self, dim: int) -> list[sql.Composed]:
        """Tables, and an index for each filter that may leave few photos; texts compare by code points."""
        texts = 'text COLLATE "C" NOT NULL'
        named = [self._filled("CREATE TABLE IF NOT EXISTS {states} (name text PRIMARY KEY, facts text NOT NULL)")]
        named.append(
            self._filled(
                "CREATE TABLE IF NOT EXISTS {table} (id bigint PRIMARY KEY, digest bigint NOT NULL, "
                f"path {texts}, taken {texts}, pixels bigint NOT NULL, orientation {texts}, type {texts}, "
                f"vector vector({int(dim)}) NOT NULL)"
            )
        )
        if dim <= _PLAIN_DIM:
            named.append(self._filled("ALTER TABLE {table} ALTER COLUMN vector SET STORAGE PLAIN"))
        for fields in ("path", "taken", "pixels", "type, orientation"):
            index = sql.Identifier(f"{self._name}_{fields.split(',')[0]}")
            named.append(
                sql.SQL(f"CREATE INDEX IF NOT EXISTS {{}} ON {{}} ({fields})").format(index, self._parts["table"])
            )
        return named

    def search(self, conditions: Sequence[Clause]) -> sql.Composed:
        """The nearest first; its values: the vector, those of the conditions, the vector again, and how many."""
        return self._filled(
            f"SELECT id, vector <#> %b FROM {{table}}{_where(conditions)} ORDER BY vector <#> %b LIMIT %s"
        )

    def count(self, conditions: Sequence[Clause]) -> sql.Composed:
        """How many meet the conditions, counted up to a number."""
        return self._filled(f"SELECT count(*) FROM (SELECT FROM {{table}}{_where(conditions)} LIMIT %s) AS met")

    def _filled(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(**self._parts)


def _where(conditions: Sequence[Clause]) -> str:
    """Fields and operators are this program's own words."""
    return " AND ".join([" WHERE true", *(f"{each.field} {each.operator} %s" for each in conditions)])
