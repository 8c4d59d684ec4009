"""Clients that send or read slowly, or not at all, do not affect others."""

from __future__ import annotations

import http.client
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

import slow_clients
from photoseek import Bundle, Gallery
from running_service import process
from torture import report, seconds

HALF_SENT, UNREAD = 1_100, 64
CALLERS = 2
CALLER = "127.0.0.2"
OPEN_FILES = 1_024  # the usual soft limit
SERVICE_FILES = 3_000  # the hard limit: enough for the default number of connections
ROUNDS = 8  # other work on the machine may disturb some

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts on the limits of Linux")


class Latencies:
    """Durations of requests in seconds, and the failed ones."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []

    def __str__(self) -> str:
        return f"{len(self.seconds)} requests, p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms"

    @property
    def p50(self) -> float:
        """Median in milliseconds."""
        return 1_000 * float(np.percentile(self.seconds, 50))

    @property
    def p99(self) -> float:
        """99th percentile in milliseconds."""
        return 1_000 * float(np.percentile(self.seconds, 99))


def connect(port: int) -> http.client.HTTPConnection:
    """Connect from another address than the slow clients."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(CALLER, 0))


def search(connection: http.client.HTTPConnection, text: str) -> int:
    """Send a search, and return the status."""
    connection.request("POST", "/v1/search", json.dumps({"text": text}), {"Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    return response.status


def measure(port: int, lasts: float) -> Latencies:
    """Search from several threads, every other request on a new connection."""
    found, ends = Latencies(), time.monotonic() + lasts

    def call(caller: int) -> None:
        kept = connect(port)
        number = 0
        while time.monotonic() < ends:
            number += 1
            fresh = connect(port)
            connection = kept if number % 2 else fresh
            began = time.perf_counter()
            try:
                status = search(connection, f"red {caller} {number}")
            except (OSError, http.client.HTTPException) as error:
                found.failures.append(repr(error))
                kept.close()
            else:
                if status != 200:
                    found.failures.append(str(status))
            found.seconds.append(time.perf_counter() - began)
            fresh.close()
            time.sleep(0.002)  # not as fast as possible: the usual latency is that of a service with time to spare
        kept.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(call, range(CALLERS)))
    return found


@contextmanager
def attacked(port: int, photo: int) -> Iterator[None]:
    """Run slow clients in a separate process during the block."""
    command = [sys.executable, slow_clients.__file__, str(port), str(HALF_SENT), str(UNREAD), f"/v1/photos/{photo}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as clients:
        assert clients.stdin is not None
        assert clients.stdout is not None
        try:
            assert clients.stdout.readline() == "ready\n"
            # Returns after the server has accepted all of them.
            with closing(connect(port)) as connection, suppress(OSError, http.client.HTTPException):
                search(connection, "red")
            yield
        finally:
            clients.kill()


@pytest.fixture
def large(photos: Path, tiny_bundle: Bundle) -> Gallery:
    """A gallery with a photo, ``noise.png``, that fills every buffer on its way."""
    noise = np.random.default_rng(0).integers(0, 256, (1_600, 1_600, 3), np.uint8)
    Image.fromarray(noise).save(photos / "noise.png", compress_level=1)
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    return gallery


def id_of(client: httpx.Client, path: str) -> int:
    """Return the id of a photo."""
    hits = client.post("/v1/search", json={"text": "red", "k": 100}).json()["hits"]
    return next(int(hit["id"]) for hit in hits if hit["path"] == path)


@contextmanager
def served(gallery: Gallery, *options: object) -> Iterator[httpx.Client]:
    """Yield a client of a service with the usual limit on open files."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < SERVICE_FILES:
        pytest.skip(f"needs {SERVICE_FILES} open files, may have {hard}")
    with process("--gallery", gallery.path, *options, open_files=OPEN_FILES) as (_, client):
        yield client


def test_slow_clients_do_not_delay_others(large: Gallery) -> None:
    lasts = seconds(2, 20)
    rounds: list[tuple[Latencies, Latencies]] = []
    with served(large) as client:
        port, photo = client.base_url.port, id_of(client, "noise.png")
        assert port is not None
        measure(port, 0.5)
        while len(rounds) < ROUNDS and not any(under.p99 <= 3 * usual.p99 for usual, under in rounds):
            usual = measure(port, lasts)
            with attacked(port, photo):
                rounds.append((usual, measure(port, lasts)))
    for usual, under in rounds:
        print(f"usually {usual}, among slow clients {under}")
        assert (usual.failures, under.failures) == ([], [])
        report("requests answered among slow clients", len(under.seconds))
    assert any(under.p99 <= 3 * usual.p99 for usual, under in rounds)
