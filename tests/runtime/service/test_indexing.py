"""Indexing over HTTP: who may, progress, one run at a time, and what it leaves."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from photoseek import Gallery, Searcher
from photoseek.errors import GalleryBusy
from photoseek.gallery.indexing.report import IndexReport, Progress
from photoseek.gallery.lock import exclusive_writer, is_writing
from photoseek.service.app import make_app
from running_service import process, running
from tiny_photos import write_color
from typed_commands import environment

TOKEN, INDEX_TOKEN = "0123456789abcdef", "fedcba9876543210"
SECONDS = 60
NEW = 60
INDEXES = {"Authorization": f"Bearer {INDEX_TOKEN}"}


@pytest.fixture
def searcher(gallery: Gallery) -> Searcher:
    gallery.index()  # the photos are copies, which are read once
    return Searcher(gallery, mode="service")


@pytest.fixture
def client(searcher: Searcher) -> Iterator[httpx.Client]:
    """A client that may index, of a service that requires no token for searches."""
    with running(make_app(searcher, index_token=INDEX_TOKEN), **INDEXES) as client:
        yield client


def add(photos: Path) -> None:
    """Add photos."""
    for number in range(NEW):
        write_color(photos / f"new-{number}.png", (255, 0, 0), seed=100 + number)


def end(client: httpx.Client) -> dict[str, Any]:
    """Return the status after the run has ended."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        status: dict[str, Any] = client.get("/v1/index").json()
        if status["state"] not in ("running", "stopping"):
            return status
        time.sleep(0.02)
    raise AssertionError("the run does not end")


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Each run waits after its first batch; the function waits until it does, and the end lets it continue."""
    reached, proceed = threading.Event(), threading.Event()
    index = Gallery.index

    def slow_index(gallery: Gallery, *, progress: Any, **options: Any) -> IndexReport:
        def wait(step: Progress) -> None:
            progress(step)
            if step.done:
                reached.set()
                proceed.wait(SECONDS)
                progress(step)

        return index(gallery, progress=wait, **options)

    monkeypatch.setattr(Gallery, "index", slow_index)

    def wait_until_paused(*, go_on: bool = False) -> None:
        assert reached.wait(SECONDS)
        if go_on:
            proceed.set()

    yield wait_until_paused
    proceed.set()


def test_new_photos_are_found_after_indexing(client: httpx.Client, photos: Path) -> None:
    assert client.get("/v1/index").json()["state"] == "idle"
    write_color(photos / "new.png", (255, 0, 0), seed=99)
    started = client.post("/v1/index")
    assert (started.status_code, started.json()["state"]) == (202, "running")
    status = end(client)
    assert (status["state"], status["error"], status["phase"]) == ("completed", None, "build")
    counts = {key: status["report"][key] for key in ("photos", "encoded", "unchanged", "removed", "unreadable")}
    assert counts == {"photos": 25, "encoded": 1, "unchanged": 24, "removed": 0, "unreadable": 0}
    assert status["started"] <= status["finished"]
    found = client.post("/v1/search", json={"similar_to": "new.png", "k": 25})
    assert found.status_code == 200
    assert len(found.json()["hits"]) == 24


def test_a_run_is_watched_and_locks_the_gallery(client: httpx.Client, photos: Path, pause: Any) -> None:
    add(photos)
    client.post("/v1/index")
    pause()
    status = client.get("/v1/index").json()
    assert (status["state"], status["phase"], status["total"], status["other_process"]) == (
        "running",
        "encode",
        NEW,
        False,
    )
    assert 0 < status["done"] < NEW
    refused = client.post("/v1/index")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_indexing")
    command = [sys.executable, "-m", "photoseek", "index", str(photos)]
    other = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert other.returncode == 1
    assert "another process is indexing it" in other.stderr
    assert client.post("/v1/search", json={"text": "red"}).status_code == 200
    pause(go_on=True)
    assert end(client)["report"]["encoded"] == NEW
    assert not is_writing(photos / ".photoseek")


def test_a_stopped_run_keeps_encoded_photos(client: httpx.Client, photos: Path, pause: Any) -> None:
    add(photos)
    client.post("/v1/index")
    pause()
    assert client.delete("/v1/index").json()["state"] == "stopping"
    pause(go_on=True)
    status = end(client)
    assert (status["state"], status["report"], status["error"]) == ("stopped", None, None)
    client.post("/v1/index")
    report = end(client)["report"]
    assert 0 < report["encoded"] < NEW
    assert report["photos"] == 24 + NEW


def test_the_service_ends_a_run_when_it_ends(searcher: Searcher, photos: Path, pause: Any) -> None:
    add(photos)
    with running(make_app(searcher, index_token=INDEX_TOKEN), **INDEXES) as client:
        client.post("/v1/index")
        pause()
        threading.Timer(0.5, pause, kwargs={"go_on": True}).start()
    assert not is_writing(photos / ".photoseek")


def test_another_process_is_reported(client: httpx.Client, photos: Path) -> None:
    with exclusive_writer(photos / ".photoseek"):
        assert (
            client.get("/v1/index").json() | {"state": "idle", "other_process": True} == client.get("/v1/index").json()
        )
        refused = client.post("/v1/index")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "gallery_busy")
    assert client.get("/v1/index").json()["other_process"] is False


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GalleryBusy("/home/me/secret: another process is indexing it"), "gallery_busy"),
        (OSError(28, "No space left on device", "/home/me/secret"), "indexing_failed"),
        (RuntimeError("/home/me/secret"), "indexing_failed"),
    ],
)
def test_a_failed_run_has_a_reason_without_folders(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Gallery, "index", fail)
    client.post("/v1/index")
    status = end(client)
    assert (status["state"], status["error"]["code"]) == ("failed", code)
    assert "secret" not in str(status)


def test_a_body_is_refused(client: httpx.Client) -> None:
    assert client.post("/v1/index", json={"rehash": True}).status_code == 422
    assert client.get("/v1/index").json()["state"] == "idle"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
@pytest.mark.parametrize(
    ("tokens", "sent", "expected"),
    [
        ((None, None), None, (403, "indexing_disabled")),
        ((TOKEN, None), TOKEN, (403, "indexing_disabled")),
        ((TOKEN, None), None, (401, "unauthorized")),
        ((None, INDEX_TOKEN), None, (401, "unauthorized")),
        ((None, INDEX_TOKEN), "another token!!!", (401, "unauthorized")),
        ((TOKEN, INDEX_TOKEN), None, (401, "unauthorized")),
        ((TOKEN, INDEX_TOKEN), TOKEN, (403, "forbidden")),
    ],
)
def test_only_the_token_for_indexing_permits_it(
    still_searcher: Searcher,
    tokens: tuple[str | None, str | None],
    sent: str | None,
    expected: tuple[int, str],
    method: str,
) -> None:
    headers = {} if sent is None else {"Authorization": f"Bearer {sent}"}
    with running(make_app(still_searcher, token=tokens[0], index_token=tokens[1]), root_path="/v") as client:
        for address in ("/v1/index", "/v1/%69ndex"):
            answer = client.request(method, address, headers=headers)
            assert answer.status_code == expected[0]
            if method != "HEAD":
                assert answer.json()["error"]["code"] == expected[1]


def test_the_token_for_indexing_permits_searches(still_searcher: Searcher) -> None:
    with running(make_app(still_searcher, token=TOKEN, index_token=INDEX_TOKEN)) as client:
        assert client.post("/v1/search", json={"text": "red"}).status_code == 401
        assert client.post("/v1/search", json={"text": "red"}, headers=INDEXES).status_code == 200


def test_a_web_page_of_another_origin_cannot_index(searcher: Searcher) -> None:
    with running(make_app(searcher, index_token=INDEX_TOKEN)) as client:
        cross_site = {"Sec-Fetch-Site": "cross-site", "Origin": "https://other.example"}
        assert client.post("/v1/index", headers=cross_site).json()["error"]["code"] == "cross_site"


def test_the_command_line_names_the_token_and_the_limit_of_uploads(home: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(INDEX_TOKEN)
    options = ("--index-token-file", tmp_path / "token", "--max-upload", 1)
    with process("--gallery", home / "Photos", *options) as (_, client):
        assert client.post("/v1/index", headers=INDEXES).status_code == 202
        assert client.get("/v1/index").status_code == 401
        too_large = client.post("/v1/search", files={"photo": bytes(1_100_000)})
        assert too_large.json()["error"]["message"] == "expected a request body of at most 1,000,000 bytes"
