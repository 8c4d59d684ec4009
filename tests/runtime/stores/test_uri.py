"""Store URIs: their kind, and that passwords are never printed."""

from __future__ import annotations

import re

import pytest

from photoseek import Gallery, Searcher
from photoseek.errors import MissingExtra, QueryError
from photoseek.stores import connect
from photoseek.stores.uri import StoreUri

SHOWN = {
    "postgresql://me@db.example:5433/photos": ("pgvector", "postgresql://me@db.example:5433/photos"),
    "postgres://me:secret@db/photos?sslmode=require": ("pgvector", "postgres://me@db/photos"),
    "postgresql://me:p%40s@one:1,two:2/photos": ("pgvector", "postgresql://me@one:1,two:2/photos"),
    "postgresql:///photos?host=/run/postgresql&password=secret": ("pgvector", "postgresql:///run/postgresql/photos"),
    "http://localhost:19530": ("milvus", "http://localhost:19530"),
    "https://me:secret@milvus.example/default": ("milvus", "https://me@milvus.example/default"),
    "HTTPS://milvus.example?token=secret": ("milvus", "HTTPS://milvus.example"),
    "photos.db": ("milvus", "photos.db"),
    "/a b/it's.db": ("milvus", "/a b/it's.db"),
}


@pytest.mark.parametrize("uri", SHOWN)
def test_uris_have_a_kind_and_a_redacted_form(uri: str) -> None:
    address = StoreUri.parse(uri)
    assert (address.kind, address.redacted) == SHOWN[uri]
    assert "secret" not in repr(address)


def test_passwords_are_redacted_in_every_spelling() -> None:
    address = StoreUri.parse("postgresql://me:p%40ss%2Fword@db/photos?sslpassword=key")
    assert address.redact('no "p%40ss%2Fword"\n and no p@ss/word, key') == 'no "***" and no ***, ***'


@pytest.mark.parametrize("uri", ["", "photos", "mysql://me:secret@db/photos", "photos.db\0", "://x", "file:///x.db"])
def test_an_invalid_uri_is_rejected_without_its_password(uri: str) -> None:
    with pytest.raises(QueryError, match=r"expected postgresql://USER@HOST/DATABASE") as error:
        StoreUri.parse(uri)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("uri", "extra"), [("postgresql://db/x", "pgvector"), ("http://milvus:19530", "milvus"), ("photos.db", "milvus")]
)
def test_a_missing_package_is_reported(gallery: Gallery, uri: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=re.escape(f"pip install 'photoseek[{extra}]'")):
        Searcher(gallery, store=uri)
