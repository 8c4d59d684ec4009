"""The store in Milvus: a collection on a server, or in a Milvus Lite folder that is searched in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from photoseek.errors import StoreIncompatible
from photoseek.gallery.filters import Clause, Filter, filter_clauses
from photoseek.stores.base import METADATA_TABLE, StoreMetadata
from photoseek.stores.milvus.client import ANSWER_S, Client
from photoseek.stores.rows import Digests, StoreRow
from photoseek.stores.uri import StoreUri
from photoseek.vectors import Rows, Vectors

if TYPE_CHECKING:
    from pymilvus import MilvusClient

_METRIC = "IP"  # inner product, the cosine of unit vectors
_GRAPH = {"index_type": "HNSW", "params": {"M": 16, "efConstruction": 100}}
_FLAT = {"index_type": "FLAT", "params": {}}
_SHORT, _MEDIUM, _LONG = 64, 1_024, 65_535  # bytes of a field; the limit of Milvus
_BATCH = 10_000  # rows of one response; Milvus allows 16,384
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})
_BUILD_S = 24 * 3_600.0  # timeout of an index build


class MilvusStore:
    """A gallery's vectors in a collection of Milvus."""

    max_neighbors = 16_384
    max_effort = 32_768
    """Maximum of ``ef``."""

    def __init__(self, address: StoreUri, name: str) -> None:
        """Select a collection; the first call connects."""
        self.place = f"{address.redacted}, collection {name}"
        self._name = name
        self._client = Client(address)
        self._consistency = "Bounded"  # seconds old: waiting for the last write would slow down each query

    def __repr__(self) -> str:
        return f"MilvusStore({self.place!r})"

    def close(self) -> None:
        """Disconnect from the server."""
        self._client.close()

    def metadata(self) -> StoreMetadata | None:
        """Return the metadata; see ``Store`` for all methods."""

        def read(client: MilvusClient) -> str | None:
            if not client.has_collection(METADATA_TABLE, timeout=ANSWER_S):
                return None
            found = client.get(
                METADATA_TABLE, ids=[self._name], output_fields=["facts"], timeout=ANSWER_S, consistency_level="Strong"
            )
            return str(found[0]["facts"]) if found else None

        text = self._client.run(read, METADATA_TABLE)
        return None if text is None else StoreMetadata.from_json(text, self.place)

    def set_metadata(self, metadata: StoreMetadata) -> None:
        """Save the metadata, with the vector that each collection requires."""
        row = {"name": self._name, "facts": metadata.to_json(), "vector": [1.0, 0.0]}

        def write(client: MilvusClient) -> None:
            client.upsert(METADATA_TABLE, [row], timeout=ANSWER_S)
            client.flush(METADATA_TABLE, timeout=ANSWER_S)  # durable before the push continues

        self._client.run(write, METADATA_TABLE)

    def prepare(self, dim: int) -> None:
        """Create both collections unless they exist."""

        def create(client: MilvusClient) -> None:
            self._check_owner(client)
            if not client.has_collection(METADATA_TABLE, timeout=ANSWER_S):
                _create(client, METADATA_TABLE, _metadata_schema(client), _FLAT)
            if not client.has_collection(self._name, timeout=ANSWER_S):
                _create(client, self._name, _rows_schema(client, dim), _FLAT)

        self._client.run(create)

    def digests(self) -> Digests:
        """Return ids and digests, read in batches."""

        def read(client: MilvusClient) -> Digests:
            if not client.has_collection(self._name, timeout=ANSWER_S):
                return Digests.of(iter(()))
            return Digests.of(_digests(client, self._name))

        return self._client.run(read, self._name)

    def put(self, rows: Sequence[StoreRow]) -> None:
        """Insert or replace rows in one atomic call."""
        data = [vars(row) for row in rows]
        self._client.run(lambda client: client.upsert(self._name, data, timeout=ANSWER_S))

    def delete(self, ids: Sequence[int]) -> None:
        """Delete rows by id."""
        self._client.run(lambda client: client.delete(self._name, ids=list(ids), timeout=ANSWER_S), self._name)

    def finalize(self, count: int, *, indexed: bool) -> None:  # noqa: ARG002
        """Flush all rows, and replace an index of another type."""
        wanted = _GRAPH if indexed else _FLAT

        def index(client: MilvusClient) -> None:
            client.flush(self._name, timeout=_BUILD_S)
            if _index_type(client, self._name) != wanted["index_type"]:
                client.release_collection(self._name, timeout=ANSWER_S)
                client.drop_index(self._name, "vector", timeout=ANSWER_S)
                _index(client, self._name, wanted)

        self._client.run(index, self._name)
        self._consistency = "Strong"

    def search(self, query: Vectors, k: int, effort: int, where: Filter | None = None) -> tuple[Rows, Vectors]:
        """Search the index with the filter applied inside it.

        Servers adapt the search to the filter; Milvus Lite needs the maximum effort.
        """
        expression = _expression(filter_clauses(where))

        def ask(client: MilvusClient) -> Any:
            if not effort:
                return self._ask(client, query, k, 0, expression)
            effort_used = self.max_effort if expression and _is_lite(client) else effort
            found = self._ask(client, query, k, effort_used, expression)
            if len(found) < k and effort_used < self.max_effort:
                found = self._ask(client, query, k, self.max_effort, expression)
            return found

        found = self._client.run(ask, self._name)
        ids = np.array([hit["id"] for hit in found], dtype=np.int64)
        return ids, np.array([hit["distance"] for hit in found], dtype=np.float32)

    def _ask(self, client: MilvusClient, query: Vectors, k: int, effort: int, expression: str) -> Any:
        return client.search(
            self._name,
            data=[query],
            anns_field="vector",
            filter=expression,
            limit=k,
            output_fields=["digest"],  # by default, all fields with the vectors are returned
            search_params={"metric_type": _METRIC, "params": {"ef": max(effort, k)} if effort else {}},
            consistency_level=self._consistency,
            timeout=ANSWER_S,
        )[0]

    def drop(self) -> None:
        """Drop the collection and its metadata."""

        def drop(client: MilvusClient) -> None:
            self._check_owner(client)
            client.drop_collection(self._name, timeout=ANSWER_S)
            if client.has_collection(METADATA_TABLE, timeout=ANSWER_S):
                client.delete(METADATA_TABLE, ids=[self._name], timeout=ANSWER_S)

        self._client.run(drop, METADATA_TABLE)

    def _check_owner(self, client: MilvusClient) -> None:
        """Raise if the collection exists and was not created by photoseek."""
        if not client.has_collection(self._name, timeout=ANSWER_S):
            return
        found = {each["name"] for each in client.describe_collection(self._name, timeout=ANSWER_S)["fields"]}
        if found | {"camera"} != {each.name for each in fields(StoreRow)}:  # format 1 lacks it, and may be replaced
            raise StoreIncompatible(
                f"{self.place}: expected a collection created by photoseek, found one with other fields "
                f"({', '.join(sorted(found))}); name another one with --collection"
            )


def _expression(clauses: Sequence[Clause]) -> str:
    """Return clauses in Milvus' language of boolean expressions; empty: any row."""
    return " and ".join(
        f"{each.field} {'==' if each.operator == '=' else each.operator} {_literal(each.value)}" for each in clauses
    )


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f'"{value.translate(_ESCAPES)}"'


def _is_lite(client: MilvusClient) -> bool:
    return str(client.get_server_version()).startswith("milvus_lite")


def _create(client: MilvusClient, name: str, schema: Any, index: dict[str, Any]) -> None:
    client.create_collection(name, schema=schema, consistency_level="Bounded", timeout=ANSWER_S)
    _index(client, name, index)


def _index(client: MilvusClient, name: str, index: dict[str, Any]) -> None:
    parameters = client.prepare_index_params()
    parameters.add_index("vector", metric_type=_METRIC, **index)
    client.create_index(name, parameters, timeout=_BUILD_S)
    client.load_collection(name, timeout=_BUILD_S)


def _index_type(client: MilvusClient, name: str) -> str:
    found = client.describe_index(name, "vector", timeout=ANSWER_S)
    return str(found["index_type"]) if found else ""


def _metadata_schema(client: MilvusClient) -> Any:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("name", DataType.VARCHAR, is_primary=True, max_length=_SHORT)
    schema.add_field("facts", DataType.VARCHAR, max_length=_LONG)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    return schema


def _rows_schema(client: MilvusClient, dim: int) -> Any:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("digest", DataType.INT64)
    schema.add_field("path", DataType.VARCHAR, max_length=_LONG)
    for name in ("taken", "orientation", "type"):
        schema.add_field(name, DataType.VARCHAR, max_length=_SHORT)
    schema.add_field("camera", DataType.VARCHAR, max_length=_MEDIUM)
    schema.add_field("pixels", DataType.INT64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    return schema


def _digests(client: MilvusClient, name: str) -> Iterator[tuple[int, int]]:
    batches = client.query_iterator(
        name, batch_size=_BATCH, output_fields=["id", "digest"], timeout=ANSWER_S, consistency_level="Strong"
    )
    try:
        while rows := batches.next():
            yield from ((row["id"], row["digest"]) for row in rows)
    finally:
        batches.close()
