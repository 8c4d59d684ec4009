"""A store by its URI."""

from __future__ import annotations

from importlib.util import find_spec

from photoseek.errors import MissingExtra
from photoseek.stores.base import Store
from photoseek.stores.uri import StoreUri

_REQUIRED_EXTRA = {"milvus": ("pymilvus",), "pgvector": ("psycopg", "pgvector")}


def open_store(uri: str, name: str) -> Store:
    """Open a place in a store; nothing is asked of its server yet.

    Args:
        uri: See ``StoreUri``. Passwords are better left to the environment: ``PGPASSWORD`` or ``~/.pgpass``
            for PostgreSQL, ``PHOTOSEEK_MILVUS_TOKEN`` for Milvus.
        name: Of the place; see ``default_collection_name``.

    Raises:
        QueryError: The URI names no kind of store.
        MissingExtra: What it needs is not installed.
    """
    address = StoreUri.parse(uri)
    for package in _REQUIRED_EXTRA[address.kind]:
        if find_spec(package) is None:
            raise MissingExtra(
                f"{address.shown} needs {package}; install it with: pip install 'photoseek[{address.kind}]'"
            )
    if address.local and find_spec("milvus_lite") is None:
        raise MissingExtra(f"{address.shown} needs milvus-lite; install it with: pip install 'photoseek[milvus]'")
    if address.kind == "pgvector":
        from photoseek.stores.pgvector.store import PgvectorStore

        return PgvectorStore(address, name)
    from photoseek.stores.milvus.store import MilvusStore

    return MilvusStore(address, name)
