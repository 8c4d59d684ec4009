"""Health, readiness and metrics, also while the gallery is indexed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from installed import needs_annoy
from photoseek import Bundle, Gallery, Searcher
from photoseek.service.app import make_app
from photoseek.service.limits import Limits
from running_service import running
from tiny_bundle import COLORS
from tiny_photos import write_color

ALWAYS_CHECK = Limits(readiness_seconds=0.0)


@pytest.fixture
def fresh(gallery: Gallery) -> Iterator[httpx.Client]:
    """A client of a service of one test, which checks readiness for every request."""
    with running(make_app(Searcher(gallery, mode="service"), limits=ALWAYS_CHECK)) as client:
        yield client


def value(client: httpx.Client, line: str) -> float:
    """Return the value of one metric."""
    found = [each for each in client.get("/metrics").text.splitlines() if each.startswith(f"{line} ")]
    assert len(found) == 1, f"{line}: {found}"
    return float(found[0].rpartition(" ")[2])


def test_the_text_towers_are_warm_once_the_service_is_ready(gallery: Gallery) -> None:
    searcher = Searcher(gallery, mode="service")
    with running(make_app(searcher)) as client:
        assert client.get("/readyz").json() == {"status": "ready", "generation": "000001", "photos": 24}
        assert searcher.text_encoder.is_loaded
        assert not searcher.image_encoder.is_loaded


def test_the_text_towers_are_loaded_before_the_first_request(gallery: Gallery) -> None:
    searcher = Searcher(gallery, mode="service")
    with running(make_app(searcher)):
        deadline = time.monotonic() + 30
        while not searcher.text_encoder.is_loaded:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_service_is_ready_after_the_first_indexing(photos: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(photos, tiny_bundle)
    with running(make_app(Searcher(gallery, mode="service"), limits=ALWAYS_CHECK)) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
        assert "nothing is indexed yet" in answer.text
        answer = client.post("/v1/search", json={"text": "red"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "gallery_empty")
        assert value(client, "photoseek_ready") == 0
        gallery.index()
        assert client.get("/readyz").status_code == 200
        assert value(client, "photoseek_ready") == 1


@needs_annoy
def test_a_service_is_degraded_while_its_index_is_damaged(gallery: Gallery) -> None:
    (gallery.generation().path / "index.ann").write_bytes(b"torn")
    with running(make_app(Searcher(gallery, engine="annoy", mode="service"), limits=ALWAYS_CHECK)) as client:
        assert client.get("/readyz").json()["status"] == "degraded"
        assert len(client.post("/v1/search", json={"text": "red"}).json()["hits"]) == 5
        gallery.index()
        assert client.get("/readyz").json()["status"] == "ready"


def test_a_service_with_a_damaged_gallery_is_not_ready(fresh: httpx.Client, gallery: Gallery) -> None:
    assert fresh.get("/readyz").status_code == 200
    (gallery.path / "CURRENT").write_text("nonsense")
    answer = fresh.get("/readyz")
    assert (answer.status_code, str(gallery.path) in answer.text) == (503, False)
    assert fresh.get("/healthz").status_code == 200


def test_the_result_of_a_readiness_check_is_reused(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = Searcher(gallery, mode="service")
    searched: list[int] = []
    nearest = searcher.nearest
    monkeypatch.setattr(searcher, "nearest", lambda query, k, **rest: searched.append(k) or nearest(query, k, **rest))
    with (
        running(make_app(searcher, limits=Limits(readiness_seconds=3600.0))) as client,
        ThreadPoolExecutor(8) as callers,
    ):
        answers = list(callers.map(lambda _: client.get("/readyz").status_code, range(24)))
    assert (answers, searched) == ([200] * 24, [1])


def test_metrics_count_requests_by_route_and_status_and_time_the_steps(fresh: httpx.Client, photos: Path) -> None:
    photo = (photos / "red" / "red-0.png").read_bytes()
    for number in range(3):
        fresh.post("/v1/search", json={"text": f"red {number}"})
    fresh.post("/v1/search", files={"photo": photo})
    fresh.post("/v1/search", files={"photo": photo}, data={"text": "blue"})
    fresh.post("/v1/search", json={"text": ""})
    fresh.post("/v1/embed", json={"texts": ["red"]})
    fresh.get("/v1/photos/1")
    fresh.get("/v1/photos/2")
    fresh.get("/one")
    fresh.get("/two")
    requests = "photoseek_requests_total"
    assert value(fresh, f'{requests}{{method="POST",route="/v1/search",status="200"}}') == 5
    assert value(fresh, f'{requests}{{method="POST",route="/v1/search",status="422"}}') == 1
    assert value(fresh, f'{requests}{{method="GET",route="/v1/photos/{{id}}",status="200"}}') == 2
    assert value(fresh, f'{requests}{{method="GET",route="none",status="404"}}') == 2
    assert value(fresh, 'photoseek_request_seconds_count{route="/v1/search"}') == 6
    assert value(fresh, 'photoseek_encode_seconds_count{kind="text"}') == 4
    assert value(fresh, 'photoseek_encode_seconds_count{kind="photo"}') == 1
    assert value(fresh, 'photoseek_encode_seconds_count{kind="both"}') == 1
    assert value(fresh, "photoseek_search_seconds_count") == 5
    assert value(fresh, 'photoseek_encode_seconds_sum{kind="text"}') > 0
    assert value(fresh, "photoseek_wait_seconds_count") >= 10
    assert value(fresh, "photoseek_requests_in_flight") == 1  # this one
    assert value(fresh, "photoseek_gallery_photos") == 24
    assert value(fresh, "photoseek_gallery_generation") == 1


def test_metrics_show_a_new_generation_without_a_search(fresh: httpx.Client, gallery: Gallery, photos: Path) -> None:
    assert value(fresh, "photoseek_gallery_photos") == 24
    write_color(photos / "new.png", COLORS["red"], seed=999)
    gallery.index()
    assert value(fresh, "photoseek_gallery_photos") == 25
    assert value(fresh, "photoseek_gallery_generation") == 2


def test_two_services_have_separate_metrics(fresh: httpx.Client, gallery: Gallery) -> None:
    fresh.post("/v1/search", json={"text": "red"})
    with running(make_app(Searcher(gallery, mode="service"))) as other:
        other.get("/v1/photos/1")
        assert 'route="/v1/search"' not in other.get("/metrics").text
    assert 'route="/v1/photos/{id}"' not in fresh.get("/metrics").text


def test_indexing_under_load_loses_no_request(fresh: httpx.Client, gallery: Gallery, photos: Path) -> None:
    """Every response has the hits of its generation, and new generations appear."""
    texts = [f"{color} picture" for color in COLORS]
    answers: list[tuple[str, int, Any]] = []
    ended = threading.Event()

    def ask(number: int) -> None:
        while not ended.is_set():
            text = texts[number % len(texts)]
            answer = fresh.post("/v1/search", json={"text": text, "k": 60})
            answers.append((text, answer.status_code, answer.json()))
            number += 1

    def expected() -> dict[str, list[tuple[int, float]]]:
        fresh = Searcher(Gallery.open(gallery.path))
        return {text: [(hit.id, round(hit.score, 4)) for hit in fresh.search(text, k=60)] for text in texts}

    right = {"000001": expected()}
    writer = Gallery.open(gallery.path)  # as another process would
    with ThreadPoolExecutor(8) as callers:
        clients = [callers.submit(ask, number) for number in range(8)]
        for number in range(2, 5):
            write_color(photos / f"new-{number}.png", list(COLORS.values())[number], seed=900 + number)
            writer.index()
            right[f"{number:06d}"] = expected()
            seen = len(answers)
            while len(answers) < seen + 50:
                time.sleep(0.01)
        ended.set()
        for client in clients:
            client.result()
    assert {status for _, status, _ in answers} == {200}
    for text, _, answer in answers:
        found = [(hit["id"], hit["score"]) for hit in answer["hits"]]
        assert found == right[answer["generation"]][text]
    assert {answer["generation"] for _, _, answer in answers} == set(right)
