"""Invalid requests: their status, and the one format of errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from photoseek import Gallery, Searcher
from photoseek.errors import GalleryDamaged
from photoseek.photos import formats
from photoseek.service.app import make_app
from photoseek.service.limits import Limits
from running_service import SlowUpload, form, running

BIG = 300_000


def problem(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, code and message of an error response, which contains nothing else."""
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    assert set(answer.json()["error"]) == {"code", "message"}
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": "red", "k": 0}, "k: Input should be greater than or equal to 1"),
        ({"text": "red", "k": 101}, "k: Input should be less than or equal to 100"),
        ({"text": "red", "k": "5"}, "k: Input should be a valid integer"),
        ({"text": "red", "k": True}, "k: Input should be a valid integer"),
        ({"text": "x" * 1001}, "text: String should have at most 1000 characters"),
        ({"text": 7}, "text: Input should be a valid string"),
        ({"text": "red", "colour": "a"}, "colour: Extra inputs are not permitted"),
        ({"text": " "}, "an empty query: expected a text, a photo, or both"),
        ({}, "an empty query: expected a text, a photo, or both"),
        ({"text": "red", "language": "fr"}, "bundle 'tiny' has no text tower for 'fr'; it reads en, zh"),
        ([], "Input should be an object"),
    ],
)
def test_an_invalid_search_is_refused(client: httpx.Client, body: Any, message: str) -> None:
    status, code, message_sent = problem(client.post("/v1/search", json=body))
    assert (status, code.startswith("invalid_")) == (422, True)
    assert message in message_sent


@pytest.mark.parametrize("texts", [[], ["red"] * 33, ["x" * 1001], "red", [None], None])
def test_invalid_texts_to_embed_are_refused(client: httpx.Client, texts: Any) -> None:
    assert problem(client.post("/v1/embed", json={"texts": texts}))[:2] == (422, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"text": "\\ud800"}', b"[" * 100_000, b'{"k": 1e999}'])
def test_invalid_json_is_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer)[:2] == (422, "invalid_request")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/embed"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_another_media_type_is_refused(client: httpx.Client, path: str, kind: str | None) -> None:
    answer = client.post(path, content=b'{"text": "red"}', headers={"Content-Type": kind} if kind else {})
    assert problem(answer)[:2] == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/embed"])
@pytest.mark.parametrize(
    ("cut", "reason"),
    [(0.0, "the file is empty"), (0.001, "not a photo of a known format (JPEG, PNG"), (0.5, "damaged: ")],
)
def test_a_damaged_photo_is_refused_with_its_reason(
    client: httpx.Client, still_photos: Path, path: str, cut: float, reason: str
) -> None:
    photo = (still_photos / "red" / "red-0.png").read_bytes()
    status, code, message_sent = problem(client.post(path, files={"photo": photo[: int(len(photo) * cut)]}))
    assert (status, code) == (422, "unreadable_photo")
    assert message_sent.startswith(reason)


@pytest.mark.parametrize("path", ["/v1/search", "/v1/embed"])
def test_a_format_whose_extra_is_not_installed_is_refused_without_advice_for_operators(
    client: httpx.Client, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "can_decode_heif", lambda: False)
    monkeypatch.setattr(formats, "has_extra", lambda _: False)
    heic, jpeg_xl = b"\0\0\0\x18ftypheic" + bytes(100), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100)
    for photo, kind in ((heic, "a HEIC photo"), (jpeg_xl, "a JPEG XL photo")):
        found = problem(client.post(path, files={"photo": photo}))
        assert found == (422, "unreadable_photo", f"{kind}: this server does not read this format")


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        ({"text": "red"}, {"other": b""}),
        ({"photo": "red"}, {}),
        ({"k": "many"}, {"photo": b"x"}),
        ({"k": ["1", "2"]}, {"photo": b"x"}),
        ({"colour": "a"}, {"photo": b"x"}),
        ({"text": "x" * 1001}, {"photo": b"x"}),
        ({"text": "x" * 5001}, {"photo": b"x"}),
        ({}, {"photo": b"x", "text": b"red"}),
    ],
)
def test_a_form_with_invalid_fields_is_refused(client: httpx.Client, fields: Any, files: Any) -> None:
    files = files or [("photo", (None, fields.pop("photo")))]
    assert problem(client.post("/v1/search", data=fields, files=files))[:2] == (422, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"--x", b"--y--", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--\r\n"])
def test_an_invalid_form_is_refused(client: httpx.Client, body: bytes) -> None:
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        answer = client.post("/v1/search", content=body, headers={"Content-Type": kind})
        assert problem(answer)[:2] == (422, "invalid_request")


def test_an_unknown_address_or_method_is_refused(client: httpx.Client) -> None:
    assert problem(client.get("/nothing"))[:2] == (404, "not_found")
    assert problem(client.get("/v1/embed"))[:2] == (405, "method_not_allowed")
    assert client.get("/docs").status_code == 404  # it would load scripts from elsewhere


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize(
    ("kind", "most"), [("application/json", 134_336), ("multipart/form-data; boundary=x", 100_000), ("", 134_336)]
)
def test_a_too_large_body_is_refused_with_and_without_its_length(
    still_searcher: Searcher, kind: str, most: int, stated: bool
) -> None:
    body = form(bytes(BIG)) if "form" in kind else b'"' + b"x" * BIG + b'"'
    with running(make_app(still_searcher, limits=Limits(json_bytes=1_000, upload_bytes=100_000))) as client:
        sent = body if stated else iter([body[:most], body[most:]])  # an iterator is sent in chunks
        answer = client.post("/v1/search", content=sent, headers={"Content-Type": kind})
        if not kind and not stated:
            assert problem(answer)[0] == 415  # nothing of it was read
        else:
            assert problem(answer) == (413, "too_large", f"expected a request body of at most {most:,} bytes")


@contextmanager
def crowded(gallery: Gallery, monkeypatch: pytest.MonkeyPatch, limits: Limits) -> Iterator[httpx.Client]:
    """Yield a client of a service that processes two requests during the block."""
    searcher, entered, proceed = Searcher(gallery, mode="service"), threading.Semaphore(0), threading.Event()
    with running(make_app(searcher, limits=limits)) as client, ThreadPoolExecutor(2) as callers:
        assert client.get("/readyz").status_code == 200
        nearest = searcher.nearest

        def wait(*query: Any, **rest: Any) -> object:
            entered.release()
            return proceed.wait(60) and nearest(*query, **rest)

        monkeypatch.setattr(searcher, "nearest", wait)
        slow = []
        try:
            for _ in range(2):  # one after the other, so that each has a worker
                slow.append(callers.submit(client.post, "/v1/search", json={"text": "red"}))
                assert entered.acquire(timeout=60)
            yield client
        finally:
            proceed.set()
        assert [each.result().status_code for each in slow] == [200, 200]
        assert client.post("/v1/search", json={"text": "red"}).status_code == 200


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(in_flight=2, readiness_seconds=3600.0), (503, "overloaded")),
        (Limits(per_client=2, readiness_seconds=3600.0), (429, "too_many_requests")),
    ],
)
def test_too_many_concurrent_requests_are_refused(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, limits: Limits, expected: tuple[int, str]
) -> None:
    with crowded(gallery, monkeypatch, limits) as client:
        answers = [
            client.post("/v1/search", json={"text": "red"}),
            client.post("/v1/search", files={"photo": b"x"}),
            client.get("/v1/photos/1"),
            client.request("GET", "/v1/photos/1", content=b"x"),
        ]
        assert [problem(answer)[:2] for answer in answers] == [expected] * 4
        assert {answer.headers["retry-after"] for answer in answers} == {"1"}
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200


def test_incomplete_requests_do_not_count(still_searcher: Searcher, still_photos: Path) -> None:
    photo = (still_photos / "red" / "red-0.png").read_bytes()
    with running(make_app(still_searcher, limits=Limits(in_flight=1, per_client=1))) as client:
        assert client.base_url.port is not None
        slow = [SlowUpload(client.base_url.port, photo) for _ in range(3)]
        while "photoseek_requests_in_flight 4.0" not in client.get("/metrics").text:  # this one is the fourth
            pass
        assert client.post("/v1/search", json={"text": "red"}).status_code == 200
        assert all(upload.finish().startswith(b"HTTP/1.1 200") for upload in slow)


@pytest.mark.parametrize(
    ("limits", "bodies", "expected"),
    [
        (Limits(arriving_bytes=500_000), 3, (429, "too_many_requests")),  # half of it is for one client
        (Limits(arriving_bytes=100_000), 1, (503, "overloaded")),
    ],
)
def test_the_total_size_of_concurrent_bodies_is_limited(
    still_searcher: Searcher, limits: Limits, bodies: int, expected: tuple[int, str]
) -> None:
    with running(make_app(still_searcher, limits=limits)) as client:
        assert client.base_url.port is not None
        slow = [SlowUpload(client.base_url.port, bytes(120_000)) for _ in range(bodies)]
        refused = next(upload for upload in slow if upload.is_answered())
        answer = refused.answer()
        assert all(upload.finish() for upload in slow if upload is not refused)
        body = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert (int(answer[9:12]), body["error"]["code"]) == expected


def test_an_incomplete_body_times_out(still_searcher: Searcher) -> None:
    with running(make_app(still_searcher, limits=Limits(wait_seconds=0.2))) as client:
        assert client.base_url.port is not None
        answer = SlowUpload(client.base_url.port, b"x").answer()
        assert answer.startswith(b"HTTP/1.1 408")
        assert b'"code":"request_timeout"' in answer


def test_the_reason_of_a_damaged_gallery_is_only_logged(gallery: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    with running(make_app(Searcher(gallery, mode="service"))) as client:
        assert client.post("/v1/search", json={"text": "red"}).status_code == 200
        (gallery.path / "CURRENT").write_text("nonsense")
        status, code, message_sent = problem(client.post("/v1/search", json={"text": "blue"}))
    assert (status, code) == (503, "unavailable")
    assert str(gallery.path) not in message_sent
    assert str(gallery.path) in caplog.text


def test_an_unexpected_error_has_the_same_format(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = Searcher(gallery, mode="service")
    monkeypatch.setattr(searcher, "query", lambda *_, **__: 1 / 0)
    with running(make_app(searcher)) as client:
        assert problem(client.post("/v1/search", json={"text": "red"}))[:2] == (500, "internal")
    monkeypatch.setattr(searcher, "query", lambda *_, **__: (_ for _ in ()).throw(GalleryDamaged("/secret")))
    with running(make_app(searcher)) as client:
        answer = client.post("/v1/search", json={"text": "red"})
        assert problem(answer)[:2] == (503, "unavailable")
        assert "/secret" not in answer.text
