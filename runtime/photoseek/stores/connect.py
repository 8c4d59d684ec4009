"""Opens a store by its URI."""

from __future__ import annotations

from importlib.util import find_spec

from photoseek.errors import MissingExtra
from photoseek.stores.base import Store
from photoseek.stores.uri import StoreUri

_REQUIRED_EXTRA = {"milvus": ("pymilvus",), "pgvector": ("psycopg", "pgvector")}


def open_store(uri: str, name: str) -> Store:
    """Open a collection in a store; the server is contacted by the first call.

    Args:
        uri: See ``StoreUri``. Leave passwords to the environment: ``PGPASSWORD`` or ``~/.pgpass`` for PostgreSQL,
            ``PHOTOSEEK_MILVUS_TOKEN`` for Milvus.
        name: Collection name; see ``default_collection_name``.

    Raises:
        QueryError: Invalid URI.
        MissingExtra: A package that the store needs is not installed.
    """
    address = StoreUri.parse(uri)
    for package in _REQUIRED_EXTRA[address.kind]:
        if find_spec(package) is None:
            raise MissingExtra(
                f"{address.redacted} needs {package}; install it with: pip install 'photoseek[{address.kind}]'"
            )
    if address.local and find_spec("milvus_lite") is None:
        raise MissingExtra(f"{address.redacted} needs milvus-lite; install it with: pip install 'photoseek[milvus]'")
    if address.kind == "pgvector":
        from photoseek.stores.pgvector.store import PgvectorStore

        return PgvectorStore(address, name)
    from photoseek.stores.milvus.store import MilvusStore

    return MilvusStore(address, name)
