"""Milvus: a collection of a gallery's photos, on a cluster, or in a folder that Milvus Lite searches here."""

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

_METRIC = "IP"  # of unit vectors: the cosine
_GRAPH = {"index_type": "HNSW", "params": {"M": 16, "efConstruction": 100}}
_FLAT = {"index_type": "FLAT", "params": {}}
_TEXT, _LONGEST = 64, 65_535  # bytes of short fields; the most that Milvus takes
_BATCH = 10_000  # rows of one answer; Milvus gives at most 16,384
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})
_BUILD_S = 24 * 3_600.0  # for the index of a billion rows


class MilvusStore:
    """A gallery's vectors in a collection of Milvus."""

    most_neighbors = 16_384
    most_effort = 32_768
    """``ef`` goes no further."""

    def __init__(self, address: StoreUri, name: str) -> None:
        """Connect when first used."""
        self.place = f"{address.shown}, collection {name}"
        self._name = name
        self._client = Client(address)
        self._consistency = "Bounded"  # as it was some seconds ago: to wait for the last write would cost each query

    def __repr__(self) -> str:
        return f"MilvusStore({self.place!r})"

    def close(self) -> None:
        """Let go of the server."""
        self._client.close()

    def metadata(self) -> StoreMetadata | None:
        """See ``Store``, as for all below."""

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
        """Note it; the vector beside it is there because each collection needs one."""
        row = {"name": self._name, "facts": metadata.to_json(), "vector": [1.0, 0.0]}

        def write(client: MilvusClient) -> None:
            client.upsert(METADATA_TABLE, [row], timeout=ANSWER_S)
            client.flush(METADATA_TABLE, timeout=ANSWER_S)  # on the disk before more is done

        self._client.run(write, METADATA_TABLE)

    def prepare(self, dim: int) -> None:
        """Create both collections where they are not there."""

        def create(client: MilvusClient) -> None:
            self._check_owner(client)
            if not client.has_collection(METADATA_TABLE, timeout=ANSWER_S):
                _create(client, METADATA_TABLE, _metadata_schema(client), _FLAT)
            if not client.has_collection(self._name, timeout=ANSWER_S):
                _create(client, self._name, _rows_schema(client, dim), _FLAT)

        self._client.run(create)

    def digests(self) -> Digests:
        """Ids and digests, in batches."""

        def read(client: MilvusClient) -> Digests:
            if not client.has_collection(self._name, timeout=ANSWER_S):
                return Digests.of(iter(()))
            return Digests.of(_digests(client, self._name))

        return self._client.run(read, self._name)

    def put(self, rows: Sequence[StoreRow]) -> None:
        """By primary key; one call, which Milvus takes as a whole."""
        data = [vars(row) for row in rows]
        self._client.run(lambda client: client.upsert(self._name, data, timeout=ANSWER_S))

    def delete(self, ids: Sequence[int]) -> None:
        """By primary key."""
        self._client.run(lambda client: client.delete(self._name, ids=list(ids), timeout=ANSWER_S), self._name)

    def finalize(self, count: int, *, indexed: bool) -> None:  # noqa: ARG002
        """Write segments, and build the index that is wanted in place of another one; searches see all from now on."""
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
        """By the index; what an expression leaves out is passed over inside it.

        A server finds its way around those by itself; the graphs of Milvus Lite have to be followed as far as they go.
        """
        expression = _expression(filter_clauses(where))

        def ask(client: MilvusClient) -> Any:
            if not effort:
                return self._ask(client, query, k, 0, expression)
            further = self.most_effort if expression and _is_lite(client) else effort
            found = self._ask(client, query, k, further, expression)
            if len(found) < k and further < self.most_effort:
                found = self._ask(client, query, k, self.most_effort, expression)
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
            output_fields=["digest"],  # none named: all of them, with their vectors
            search_params={"metric_type": _METRIC, "params": {"ef": max(effort, k)} if effort else {}},
            consistency_level=self._consistency,
            timeout=ANSWER_S,
        )[0]

    def drop(self) -> None:
        """Drop the collection, and what is noted of it."""

        def drop(client: MilvusClient) -> None:
            self._check_owner(client)
            client.drop_collection(self._name, timeout=ANSWER_S)
            if client.has_collection(METADATA_TABLE, timeout=ANSWER_S):
                client.delete(METADATA_TABLE, ids=[self._name], timeout=ANSWER_S)

        self._client.run(drop, METADATA_TABLE)

    def _check_owner(self, client: MilvusClient) -> None:
        """A collection of that name is one that photoseek made, if there is one."""
        if not client.has_collection(self._name, timeout=ANSWER_S):
            return
        found = {each["name"] for each in client.describe_collection(self._name, timeout=ANSWER_S)["fields"]}
        if found != {each.name for each in fields(StoreRow)}:
            raise StoreIncompatible(
                f"{self.place}: expected a collection that photoseek made, found one of other fields "
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
    schema.add_field("name", DataType.VARCHAR, is_primary=True, max_length=_TEXT)
    schema.add_field("facts", DataType.VARCHAR, max_length=_LONGEST)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    return schema


def _rows_schema(client: MilvusClient, dim: int) -> Any:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("digest", DataType.INT64)
    schema.add_field("path", DataType.VARCHAR, max_length=_LONGEST)
    for name in ("taken", "orientation", "type"):
        schema.add_field(name, DataType.VARCHAR, max_length=_TEXT)
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
