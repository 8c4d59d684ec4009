"""Several searches in one request, photos in JSON, and the limit of uploads."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from photoseek import Searcher
from photoseek.encoders.encoders import TextEncoder
from photoseek.service.app import make_app
from photoseek.service.limits import MAX_QUERIES, Limits
from running_service import running


def in_base64(photo: Path) -> str:
    return base64.b64encode(photo.read_bytes()).decode()


def batch(client: httpx.Client, *queries: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/search/batch", json={"queries": list(queries)})


def test_a_batch_has_the_answers_of_single_searches_in_order(client: httpx.Client, still_photos: Path) -> None:
    queries: list[dict[str, Any]] = [
        {"text": "red"},
        {"text": "blue", "k": 3, "offset": 1},
        {"text": "红", "language": "zh"},
        {"text": "green", "folder": "blue"},
        {"similar_to": "red/red-0.png", "k": 2},
        {"photo": in_base64(still_photos / "blue" / "blue-1.png"), "k": 1},
        {"photo": in_base64(still_photos / "blue" / "blue-1.png"), "text": "red", "group_duplicates": True},
    ]
    answers = batch(client, *queries).json()["answers"]
    assert len(answers) == len(queries)
    for query, answer in zip(queries, answers, strict=True):
        single = client.post("/v1/search", json=query).json()
        assert [hit["path"] for hit in answer["hits"]] == [hit["path"] for hit in single["hits"]]
        assert [hit["score"] for hit in answer["hits"]] == pytest.approx(
            [hit["score"] for hit in single["hits"]], abs=2e-4
        )
    assert answers[5]["hits"][0]["path"] == "blue/blue-1.png"


def test_the_texts_of_a_batch_are_encoded_together(still_searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    encode = TextEncoder.encode

    def count(encoder: TextEncoder, texts: Any, **options: Any) -> object:
        runs.append(list(texts))
        return encode(encoder, texts, **options)

    with running(make_app(still_searcher)) as client:
        assert client.get("/readyz").status_code == 200
        monkeypatch.setattr(TextEncoder, "encode", count)
        texts = [f"a new picture {number}" for number in range(8)]
        assert batch(client, *({"text": text} for text in texts)).status_code == 200
    assert runs == [texts]


@pytest.mark.parametrize(
    ("queries", "code", "message"),
    [
        ([{"text": "red"}, {"text": "red", "k": 0}], "invalid_request", "queries.1.k: "),
        ([{"text": "red"}, {"text": "red + "}], "invalid_query", "queries.1: expected words"),
        ([{"text": "red"}, {"photo": "AAAA"}], "unreadable_photo", "queries.1: not a photo"),
        ([{"text": "red"}, {"photo": "no base64!"}], "invalid_request", "queries.1: photo: expected a file in base64"),
        ([{"text": "red"}, {"similar_to": "none.png"}], "invalid_query", "queries.1: no photo 'none.png'"),
        ([], "invalid_request", "queries: "),
        ([{"text": "red"}] * (MAX_QUERIES + 1), "invalid_request", "queries: "),
    ],
)
def test_an_error_names_the_query(client: httpx.Client, queries: list[Any], code: str, message: str) -> None:
    answer = batch(client, *queries)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"][: len(message)]) == (422, code, message)


def test_a_batch_is_json(client: httpx.Client) -> None:
    assert client.post("/v1/search/batch", files={"photo": b""}).status_code == 415


def test_a_photo_in_json_has_the_answers_of_a_form(client: httpx.Client, still_photos: Path) -> None:
    photo = still_photos / "green" / "green-2.png"
    for address, fields in (("search", {"text": "red", "k": 3}), ("search", {}), ("embed", {})):
        form = client.post(f"/v1/{address}", files={"photo": photo.read_bytes()}, data=fields)
        json = client.post(f"/v1/{address}", json={**fields, "photo": in_base64(photo)})
        assert (form.status_code, json.status_code) == (200, 200)
        assert {**json.json(), "took_ms": None} == {**form.json(), "took_ms": None}


@pytest.mark.parametrize("body", [{}, {"texts": ["red"], "photo": "AAAA"}])
def test_texts_or_a_photo_are_embedded(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post("/v1/embed", json=body)
    assert answer.status_code == 422
    assert "expected either texts or a photo" in answer.json()["error"]["message"]


@pytest.fixture
def limited(still_searcher: Searcher) -> Iterator[httpx.Client]:
    """A client of a service that accepts photos of 2 MB."""
    with running(make_app(still_searcher, limits=Limits(upload_bytes=2_000_000))) as client:
        yield client


@pytest.mark.parametrize(("size", "status"), [(1_990_000, 422), (2_900_000, 413)])
def test_the_limit_of_uploads_is_that_of_the_file_in_both_forms(limited: httpx.Client, size: int, status: int) -> None:
    photo = bytes(size)  # small enough: refused because it is no photo
    assert limited.post("/v1/search", files={"photo": photo}).status_code == status
    assert limited.post("/v1/search", json={"photo": base64.b64encode(photo).decode()}).status_code == status


def test_the_largest_photos_of_phones_are_accepted_by_default() -> None:
    assert Limits().upload_bytes >= 90_000_000
    assert Limits().json_upload_bytes >= 4 / 3 * Limits().upload_bytes
    assert Limits().json_upload_bytes <= Limits().arriving_bytes // 2  # of one client
