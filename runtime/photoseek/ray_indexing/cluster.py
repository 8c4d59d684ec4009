"""Connect to a Ray cluster: with a timeout, and without telemetry, a dashboard or output."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from photoseek.errors import IndexingError, MissingExtra, QueryError
from photoseek.system.cpu import available_cores

INSTALL_HINT = "indexing on a Ray cluster needs Ray; install it with: pip install 'photoseek[ray]'"
"""Error message if Ray is not installed."""

_CLIENT = "ray://"
_TOKEN = "if it requires a token, set RAY_AUTH_MODE=token, and copy its ~/.ray/auth_token to this machine"
_HOST = re.compile(r"(?:ray://)?(\[[0-9a-fA-F:]+\]|[^\s/:@]+):(\d{1,5})")
_PROBE_S = 10.0


def check_address(address: str) -> None:
    """Raise if a text is not the address of a Ray cluster.

    Raises:
        QueryError: Invalid address.
    """
    if address not in ("auto", "local") and not _HOST.fullmatch(address):
        raise QueryError(f"--ray: expected auto, local, HOST:PORT or ray://HOST:PORT, found {address!r}")


def is_client_address(address: str) -> bool:
    """Return whether an address is the client port of a cluster that this process is not part of."""
    return address.startswith(_CLIENT)


@contextmanager
def connected(address: str, timeout_s: float) -> Iterator[Any]:
    """Connect and yield the module ``ray``; an existing connection of the program is used.

    Raises:
        MissingExtra: Ray or its data library is not installed.
        IndexingError: The cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no telemetry
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtra(INSTALL_HINT) from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # failures are raised
    if ray.is_initialized():
        yield ray
        return
    probe(address)
    try:
        _join(ray, address, timeout_s)
        yield ray
    finally:
        ray.shutdown()


def probe(address: str) -> None:
    """Raise unless a port is open: Ray itself would try for minutes."""
    if not (found := _HOST.fullmatch(address)):
        return
    host, port = found[1].strip("[]"), int(found[2])
    try:
        socket.create_connection((host, port), timeout=_PROBE_S).close()
    except (OSError, OverflowError) as error:
        option = "--ray-client-server-port" if is_client_address(address) else "--port"
        raise IndexingError(
            f"{address}: no Ray cluster can be reached there: {error}; start one with: ray start --head {option}={port}"
        ) from error


def _join(ray: Any, address: str, timeout_s: float) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address == "local":
        options |= {"num_cpus": available_cores(), "include_dashboard": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if _HOST.fullmatch(address):
                _with_timeout(timeout_s, lambda: ray.init(address=address, **options))
            else:  # a local cluster ends with the thread that started it
                ray.init(address=address, **options)
    except ConnectionError as error:
        if address != "auto":
            raise IndexingError(f"{address}: the Ray cluster cannot be joined: {_line(error)}; {_TOKEN}") from error
        raise IndexingError(
            "auto: no Ray cluster runs on this machine; start one with: ray start --head, pass the address of another, "
            "or use only this machine: --ray local"
        ) from error
    except TimeoutError as error:
        raise IndexingError(f"{address}: {error}; is it a Ray cluster of the same Ray version? {_TOKEN}") from error
    except Exception as error:  # Ray raises many classes here
        raise IndexingError(f"{address}: the Ray cluster cannot be joined: {_line(error)}") from error


def _with_timeout(seconds: float, join: Callable[[], object]) -> None:
    """Call a function in another thread, which is abandoned after a timeout, because Ray has none.

    Raises:
        TimeoutError: It took longer.
    """
    outcome: Future[object] = Future()

    def run() -> None:
        try:
            outcome.set_result(join())
        except BaseException as error:  # raised in the waiting thread
            outcome.set_exception(error)

    threading.Thread(target=run, name="photoseek-ray", daemon=True).start()
    try:
        outcome.result(seconds)
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
