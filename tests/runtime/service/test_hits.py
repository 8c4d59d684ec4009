"""Searches and vectors over HTTP are those of the library."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from photoseek import Hit, Searcher
from tiny_bundle import COLORS


def as_sent(hits: list[Hit]) -> list[dict[str, Any]]:
    """Return hits of the library as the service sends them."""
    sent = [{**hit.to_json(), "duplicates": []} for hit in hits]
    return [{key: value for key, value in hit.items() if key != "file"} for hit in sent]


def test_a_text_query_has_the_hits_of_the_library(client: httpx.Client, still_searcher: Searcher) -> None:
    answer = client.post("/v1/search", json={"text": "a red picture", "k": 4})
    assert answer.status_code == 200
    found = answer.json()
    assert found["hits"] == as_sent(still_searcher.search("a red picture", k=4))
    assert {hit["path"] for hit in found["hits"]} == {f"red/red-{index}.png" for index in range(4)}
    assert set(found) == {"hits", "took_ms", "generation"}
    assert found["generation"] == still_searcher.snapshot.path.name
    assert all(value > 0 for value in found["took_ms"].values())
    assert set(found["took_ms"]) == {"encode", "search"}


def test_five_hits_are_the_default(client: httpx.Client) -> None:
    assert len(client.post("/v1/search", json={"text": "red"}).json()["hits"]) == 5


def test_a_photo_finds_itself(client: httpx.Client, still_photos: Path) -> None:
    photo = (still_photos / "green" / "green-2.png").read_bytes()
    found = client.post("/v1/search", files={"photo": photo}, data={"k": "2"}).json()["hits"]
    assert [len(found), found[0]["path"]] == [2, "green/green-2.png"]


def test_text_and_photo_together_have_the_hits_of_the_library(
    client: httpx.Client, still_photos: Path, still_searcher: Searcher
) -> None:
    photo = (still_photos / "red" / "red-0.png").read_bytes()
    found = client.post("/v1/search", files={"photo": photo}, data={"text": "green", "k": "24"}).json()["hits"]
    assert found == as_sent(still_searcher.search("green", photo=photo, k=24))


def test_a_request_can_select_the_language(client: httpx.Client, still_searcher: Searcher) -> None:
    for text, language in (("红", "zh"), ("红", "en"), ("red", "en")):
        found = client.post("/v1/search", json={"text": text, "language": language}).json()["hits"]
        assert found == as_sent(still_searcher.search(text, language=language))
    first, second = (
        client.post("/v1/embed", json={"texts": ["红"], "language": language}).json()["vectors"][0]
        for language in ("zh", "en")
    )
    assert first != second


def test_sixteen_concurrent_clients_get_the_hits_of_the_library(
    client: httpx.Client, still_searcher: Searcher, still_photos: Path
) -> None:
    texts = [f"a {one} picture and {other}" for one in list(COLORS)[:3] for other in COLORS]
    expected = {text: as_sent(still_searcher.search(text, k=7)) for text in texts}
    photos = {name: (still_photos / name / f"{name}-1.png").read_bytes() for name in COLORS}
    alike = {name: as_sent(still_searcher.search(photo=photo, k=3)) for name, photo in photos.items()}

    def ask(number: int) -> list[str]:
        mine = texts[number:] + texts[:number]
        found = [client.post("/v1/search", json={"text": text, "k": 7}).json()["hits"] for text in mine]
        wrong = [text for text, hits in zip(mine, found, strict=True) if hits != expected[text]]
        name = list(COLORS)[number % len(COLORS)]
        like = client.post("/v1/search", files={"photo": photos[name]}, data={"k": "3"}).json()["hits"]
        return wrong if like == alike[name] else [*wrong, name]

    with ThreadPoolExecutor(16) as callers:
        assert [wrong for wrongs in callers.map(ask, range(16)) for wrong in wrongs] == []


def test_texts_have_the_vectors_of_the_library(client: httpx.Client, still_searcher: Searcher) -> None:
    texts = ["a red picture", "blue", "", "绿色"]
    found = client.post("/v1/embed", json={"texts": texts}).json()
    assert (found["dim"], found["fingerprint"]) == (16, still_searcher.bundle.fingerprint)
    np.testing.assert_array_equal(np.float32(found["vectors"]), still_searcher.text_encoder.encode(texts))


def test_a_photo_has_the_vector_of_the_library(
    client: httpx.Client, still_searcher: Searcher, still_photos: Path
) -> None:
    photo = still_photos / "blue" / "blue-3.png"
    found = client.post("/v1/embed", files={"photo": photo.read_bytes()}).json()
    np.testing.assert_array_equal(np.float32(found["vectors"]), still_searcher.image_encoder.encode([photo]))


@pytest.mark.parametrize("path", ["/v1/search", "/openapi.json", "/readyz", "/metrics"])
def test_no_response_contains_a_folder_of_the_server(client: httpx.Client, still_photos: Path, path: str) -> None:
    answer = client.post(path, json={"text": "red", "k": 24}) if path == "/v1/search" else client.get(path)
    assert answer.status_code == 200
    assert str(still_photos.parent) not in answer.text
