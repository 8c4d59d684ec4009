"""Clients that keep connections of a local server open: half a head, half a body, unread responses.

``python slow_clients.py PORT HALF READERS PATH`` opens them, prints ``ready``, opens those again that the server
closes, and ends with its standard input or after a minute.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from contextlib import suppress

HEAD = b"GET /v1/photos/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY = b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
LASTS_S = 60.0
ROUND_S = 0.2
PER_ROUND = 10  # connections that are reopened


def open_half(port: int, number: int) -> socket.socket:
    """Open a connection with half a request; every other one has a complete head."""
    opened = socket.create_connection(("127.0.0.1", port), timeout=5)
    opened.sendall((HEAD, BODY)[number % 2])
    opened.setblocking(False)
    return opened


def open_reader(port: int, path: str) -> socket.socket:
    """Open a connection that sends many requests and never reads."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    opened.settimeout(5)
    opened.connect(("127.0.0.1", port))
    opened.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 100)
    return opened


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server closed the connection."""
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def hung_up(readers: list[socket.socket | None]) -> set[int]:
    """Return the numbers of the readers whose connection the server reset."""
    poll, numbers = select.poll(), {}
    for number, reader in enumerate(readers):
        if reader is not None:
            poll.register(reader, 0)
            numbers[reader.fileno()] = number
    return {numbers[file] for file, _ in poll.poll(0)}


def main(port: int, half: int, readers: int, path: str) -> None:
    """Keep the connections open."""
    halves: list[socket.socket | None] = [None] * half
    unread: list[socket.socket | None] = [None] * readers
    ends, ready = time.monotonic() + LASTS_S, False
    while time.monotonic() < ends and not select.select([sys.stdin], [], [], ROUND_S)[0]:
        reset = hung_up(unread)
        lost = [number for number, it in enumerate(unread) if it is None or number in reset]
        for number in lost[:PER_ROUND] if ready else lost:
            unread[number] = None
            with suppress(OSError):
                unread[number] = open_reader(port, path)
        lost = [number for number, it in enumerate(halves) if it is None or is_closed(it)]
        for number in lost[:PER_ROUND] if ready else lost:
            halves[number] = None
            with suppress(OSError):
                halves[number] = open_half(port, number)
        if not ready:
            print("ready", flush=True)
            ready = True


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
