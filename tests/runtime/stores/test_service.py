"""The service searches in a store, and is degraded while the gallery replaces it."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Gallery, Searcher
from photoseek.search import store_index
from photoseek.service import launch, server
from photoseek.service.app import make_app
from photoseek.service.limits import Limits
from photoseek.stores.base import StoreChoice
from photoseek.stores.push import push
from running_service import running


def test_the_service_answers_from_the_store_and_without_it(
    gallery: Gallery,
    postgres,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store_index, "RETRY_INTERVAL_S", 0.0)
    push(gallery, postgres.uri)
    searcher = Searcher(gallery, mode="service", store=postgres.uri, fallback=True)
    with running(make_app(searcher, limits=Limits(readiness_seconds=0.0))) as client:
        expected = client.post("/v1/search", json={"text": "red", "k": 5}).json()["hits"]
        assert [hit["path"].split("/")[0] for hit in expected[:4]] == ["red"] * 4
        assert client.get("/readyz").json()["status"] == "ready"
        postgres.stop()
        try:
            assert client.post("/v1/search", json={"text": "red", "k": 5}).json()["hits"] == expected
            assert client.get("/readyz").json()["status"] == "degraded"
        finally:
            postgres.start()
        assert client.post("/v1/search", json={"text": "red", "k": 5}).json()["hits"] == expected
        assert client.get("/readyz").json()["status"] == "ready"


def test_without_fallback_an_unavailable_store_returns_503_without_its_host(gallery: Gallery) -> None:
    pytest.importorskip("psycopg")
    pytest.importorskip("pgvector")
    searcher = Searcher(gallery, mode="service", store="postgresql://me@127.0.0.1:1/photos")
    with running(make_app(searcher)) as client:
        answer = client.post("/v1/search", json={"text": "red"})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "unavailable"
        assert "127.0.0.1" not in answer.text
        assert client.get("/readyz").status_code == 503


def test_the_options_reach_the_searcher(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    pytest.importorskip("pgvector")
    served: list[Searcher] = []
    monkeypatch.setattr("photoseek.service.app.make_app", lambda searcher, **_: served.append(searcher))
    monkeypatch.setattr(server, "run_server", lambda _: 0)
    choice = StoreChoice("postgresql://127.0.0.1:1/photos", "mine", fallback=True)
    assert launch.run_service(photos, store=choice, port=0) == 0
    assert gallery.path == served[0].gallery.path
    assert "table mine" in repr(served[0].index)
