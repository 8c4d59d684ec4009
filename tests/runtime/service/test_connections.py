"""Connections of slow or numerous clients, and invalid HTTP."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from photoseek import Gallery, Searcher
from photoseek.service.app import make_app
from photoseek.service.connections import client_key
from photoseek.service.limits import Limits
from photoseek.service.metrics import Metrics
from running_service import running

WAIT_S = 0.4
SHORT = Limits(wait_seconds=WAIT_S, idle_seconds=1)
PATIENT = Limits(connections=16, wait_seconds=600.0)
"""Limits under which only new connections displace others, however slow the machine is."""
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
COMPLETE = HEAD + b"\r\n"
LATER = b"Content-Length: 1000000000\r\n\r\n{"
SEARCH = b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
SEARCH += b'Content-Length: 15\r\n\r\n{"text": "red"}'
UPLOAD = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + LATER


@contextmanager
def serving(
    searcher: Searcher, limits: Limits, metrics: Metrics | None = None
) -> Iterator[tuple[httpx.Client, Callable[..., socket.socket]]]:
    """Yield a client of a service with these limits, and a function that connects and sends some bytes."""
    metrics = metrics or Metrics()
    with running(make_app(searcher, limits=limits, metrics=metrics), limits=limits, metrics=metrics) as client:
        opened: list[socket.socket] = []

        def connect(sent: bytes = b"", address: str = "127.0.0.1", buffer: int = 0) -> socket.socket:
            connection = socket.socket()
            opened.append(connection)
            if buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            connection.settimeout(30)
            connection.bind((address, 0))
            connection.connect(("127.0.0.1", client.base_url.port))
            connection.sendall(sent)
            return connection

        try:
            yield client, connect
        finally:
            for connection in opened:
                connection.close()


def received(connection: socket.socket) -> bytes:
    """Return all data until the server closes the connection."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def is_open(connection: socket.socket) -> bool:
    """Return whether the server has neither responded nor closed a connection."""
    connection.setblocking(False)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False
    finally:
        connection.settimeout(30)
    return False


STOPPED = [
    (b"", b""),
    (HEAD, b""),
    (COMPLETE + HEAD, b"HTTP/1.1 200"),
    (UPLOAD % b"/v1/search", b"HTTP/1.1 413"),  # the body is refused, but read for some time
    (UPLOAD.replace(b"1000000000", b"1000") % b"/v1/search", b"HTTP/1.1 408"),
    (UPLOAD % b"/nothing", b"HTTP/1.1 413"),
    (UPLOAD.replace(b"1000000000", b"1000") % b"/nothing", b"HTTP/1.1 404"),
    (HEAD + LATER.replace(b"1000000000", b"1000"), b"HTTP/1.1 200"),
]
"""The data that a client sends, and the begin of the response."""


def test_clients_that_stop_sending_are_disconnected_in_time(still_searcher: Searcher) -> None:
    with serving(still_searcher, SHORT) as (client, connect), ThreadPoolExecutor(len(STOPPED)) as clients:

        def stop(sent: bytes) -> tuple[bytes, float]:
            began = time.monotonic()
            return received(connect(sent)), time.monotonic() - began

        for (sent, expected), (answer, seconds) in zip(
            STOPPED, clients.map(stop, (sent for sent, _ in STOPPED)), strict=True
        ):
            assert answer[: len(expected) or 1] == expected, sent
            assert WAIT_S / 2 < seconds < 10 * WAIT_S + 5, sent
        closed = [line for line in client.get("/metrics").text.splitlines() if 'closed_total{reason="timeout"}' in line]
        assert [line.rpartition(" ")[2] for line in closed] == [f"{len(STOPPED)}.0"]


@pytest.mark.parametrize("sent", [HEAD, UPLOAD % b"/nothing"])
def test_a_client_that_sends_byte_by_byte_gets_no_extra_time(still_searcher: Searcher, sent: bytes) -> None:
    with serving(still_searcher, SHORT) as (_, connect):
        connection, deadline = connect(sent), time.monotonic() + 30
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_slowly(connection, deadline)


def send_slowly(connection: socket.socket, deadline: float) -> None:
    """Send byte by byte."""
    while time.monotonic() < deadline:
        connection.sendall(b"x")
        time.sleep(0.01)


def test_a_client_that_does_not_read_is_disconnected_and_a_slow_reader_is_not(gallery: Gallery, photos: Path) -> None:
    (photos / "large.png").write_bytes((photos / "red" / "red-0.png").read_bytes() + bytes(6_000_000))
    gallery.index()
    searcher = Searcher(gallery, mode="service")
    wait = 0.8
    with serving(searcher, Limits(wait_seconds=wait)) as (client, connect):
        found = client.post("/v1/search", json={"text": "red", "k": 100}).json()["hits"]
        photo = next(hit["id"] for hit in found if hit["path"] == "large.png")
        ask = f"GET /v1/photos/{photo} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        slow, size = connect(ask, buffer=131_072), 0
        unread = connect(ask, buffer=4_096)
        began = time.monotonic()
        while part := slow.recv(131_072):
            size += len(part)
            time.sleep(len(part) / 2_000_000)
        assert time.monotonic() - began > 3 * wait
        assert size > 6_000_000
        counted, deadline = 'photoseek_connections_closed_total{reason="timeout"} 1.0', time.monotonic() + 30
        while counted not in client.get("/metrics").text:
            assert time.monotonic() < deadline
        assert len(received(unread)) < 6_000_000


def test_the_oldest_unfinished_requests_make_room_for_new_ones(still_searcher: Searcher) -> None:
    with serving(still_searcher, PATIENT) as (client, connect):
        halves = [connect((HEAD, UPLOAD % b"/nothing")[number % 2]) for number in range(40)]
        for _ in range(10):
            with httpx.Client(base_url=client.base_url, trust_env=False) as fresh:
                assert fresh.get("/healthz").status_code == 200
        assert not is_open(halves[0])
        assert sum(is_open(half) for half in halves[0::2]) < 16
        assert is_open(halves[38])


def test_the_address_with_the_most_unfinished_requests_loses_them(still_searcher: Searcher) -> None:
    with serving(still_searcher, PATIENT) as (_, connect):
        other = connect(HEAD, address="127.0.0.2")
        halves = [connect(HEAD) for _ in range(40)]
        deadline = time.monotonic() + 30
        while is_open(halves[0]) or is_open(halves[20]):
            assert time.monotonic() < deadline
        other.sendall(b"\r\n")
        assert other.recv(100).startswith(b"HTTP/1.1 200")


def test_a_connection_is_refused_only_if_all_others_are_in_use(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher, metrics, proceed = Searcher(gallery, mode="service"), Metrics(), threading.Event()
    with serving(searcher, Limits(connections=2), metrics) as (client, connect):
        assert client.get("/readyz").status_code == 200
        client.close()
        nearest = searcher.nearest
        monkeypatch.setattr(searcher, "nearest", lambda *query, **rest: proceed.wait(60) and nearest(*query, **rest))
        served = [connect(SEARCH) for _ in range(2)]
        deadline = time.monotonic() + 30
        while b"photoseek_requests_in_flight 2.0" not in metrics.text():
            assert time.monotonic() < deadline
        answer = received(connect(COMPLETE))
        proceed.set()
        assert [connection.recv(12) for connection in served] == [b"HTTP/1.1 200"] * 2
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nCross-Origin-Resource-Policy: same-origin\r\n" in head + b"\r\n"
    assert b"\r\nretry-after: 1\r\n" in head
    assert json.loads(body)["error"]["code"] == "overloaded"


INVALID = [
    (b"GET /%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % (b"x" * 9_000), 414, "target_too_long"),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n" % (b"X: y\r\n" * 101), 431, "headers_too_large"),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: %s\r\n\r\n" % (b"y" * 17_000), 431, "headers_too_large"),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: %s" % (b"y" * 40_000), 400, "invalid_http"),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "invalid_http"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "invalid_http"),
]
"""A request head, and status and code of the response."""


def test_an_invalid_or_too_large_head_is_refused_as_json(still_searcher: Searcher) -> None:
    with serving(still_searcher, SHORT) as (_, connect):
        opened = [connect(sent) for sent, _, _ in INVALID]
        for connection, (sent, status, code) in zip(opened, INVALID, strict=True):
            head, _, body = received(connection).partition(b"\r\n\r\n")
            assert (int(head[9:12]), json.loads(body)["error"]["code"]) == (status, code), sent
            assert b"cross-origin-resource-policy: same-origin" in head.lower()


def test_pipelined_requests_are_answered_in_order(still_searcher: Searcher) -> None:
    with serving(still_searcher, SHORT) as (_, connect):
        paths = [b"/healthz", b"/nothing", b"/readyz", b"/v1/embed"] * 5
        answer = received(connect(b"".join(COMPLETE.replace(b"/healthz", path) for path in paths)))
        statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"404", b"200", b"405"] * 5


def test_a_client_that_disconnects_during_its_body_is_not_logged(
    still_searcher: Searcher, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(still_searcher, Limits()) as (client, connect):
        connection = connect(UPLOAD.replace(b"1000000000", b"1000") % b"/v1/search")
        while "photoseek_requests_in_flight 2.0" not in client.get("/metrics").text:  # this one is the second
            pass
        connection.close()
        counted = 'photoseek_requests_total{method="POST",route="/v1/search",status="499"} 1.0'
        deadline = time.monotonic() + 30
        while counted not in client.get("/metrics").text:
            assert time.monotonic() < deadline
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_client(address: str, key: str) -> None:
    assert client_key(address) == key
