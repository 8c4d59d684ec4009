"""A service with a second bundle that reranks, and one without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from photoseek import Bundle, Gallery, Hit, Reranker, Searcher
from photoseek.service.app import make_app
from running_service import running
from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def reranker(still_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    folder = tmp_path_factory.mktemp("reranked")
    gallery = Gallery.create(still_photos, Bundle.load(write_tiny_bundle(folder / "first")), folder / "gallery")
    gallery.index()
    second = Bundle.load(write_tiny_bundle(folder / "second", name="second", seed=3, dim=24))
    return Reranker(Searcher(gallery, mode="service"), second, depth=10, mode="service")


@pytest.fixture(scope="module")
def reranking(reranker: Reranker) -> Iterator[httpx.Client]:
    with running(make_app(reranker.searcher, reranker=reranker)) as client:
        yield client


def as_sent(hits: list[Hit]) -> list[dict[str, Any]]:
    sent = [{**hit.to_json(), "duplicates": [it.to_json() for it in hit.duplicates]} for hit in hits]
    return [{key: value for key, value in hit.items() if key != "file"} for hit in sent]


def found(client: httpx.Client, **fields: Any) -> list[dict[str, Any]]:
    answer = client.post("/v1/search", json=fields)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["hits"])


def test_hits_are_reranked_by_default(reranking: httpx.Client, reranker: Reranker) -> None:
    text = "red and white"
    expected = as_sent(reranker.search(text, k=24))
    assert found(reranking, text=text, k=24) == found(reranking, text=text, k=24, rerank=True) == expected
    assert [hit["scores"][1]["bundle"] for hit in expected[:10]] == ["second"] * 10
    plain = as_sent(reranker.searcher.search(text, k=24))
    assert found(reranking, text=text, k=24, rerank=False) == plain != expected


def test_a_request_can_set_the_depth_and_send_a_photo(
    reranking: httpx.Client, reranker: Reranker, still_photos: Path
) -> None:
    query = reranker.query("red and white")
    assert found(reranking, text="red and white", depth=3, k=5) == as_sent(reranker.with_depth(3).nearest(query, 5))
    photo = (still_photos / "red" / "red-0.png").read_bytes()
    answer = reranking.post("/v1/search", files={"photo": photo}, data={"k": "3", "depth": "7", "rerank": "true"})
    assert answer.json()["hits"] == as_sent(reranker.with_depth(7).nearest(reranker.query(photo=photo), 3))


@pytest.mark.parametrize("fields", [{"rerank": True}, {"depth": 5}])
def test_a_service_without_a_second_bundle_refuses_to_rerank(client: httpx.Client, fields: dict[str, Any]) -> None:
    answer = client.post("/v1/search", json={"text": "red", **fields})
    assert answer.status_code == 422
    assert "start it with: photoseek serve --rerank BUNDLE" in answer.text
    assert found(client, text="red", rerank=False)


@pytest.mark.parametrize("depth", [0, 1001, "5"])
def test_an_invalid_depth_is_refused(reranking: httpx.Client, depth: Any) -> None:
    assert reranking.post("/v1/search", json={"text": "red", "depth": depth}).status_code == 422
