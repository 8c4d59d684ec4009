"""Joining a Ray cluster: within bounded time, without telemetry, without a dashboard, without a word on the screen."""

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
"""What is said where it is not installed."""

_AFAR = "ray://"
_TOKEN = "where it asks for a token, set RAY_AUTH_MODE=token, and have its ~/.ray/auth_token here, too"
_HOST = re.compile(r"(?:ray://)?(\[[0-9a-fA-F:]+\]|[^\s/:@]+):(\d{1,5})")
_PROBE_S = 10.0
_JOIN_S = 60.0  # on a loaded machine the first process of a cluster takes half of that


def check_address(address: str) -> None:
    """Raise if an address is not that of a Ray cluster.

    Raises:
        QueryError: Invalid address.
    """
    if address not in ("auto", "local") and not _HOST.fullmatch(address):
        raise QueryError(f"--ray: expected auto, local, HOST:PORT or ray://HOST:PORT, found {address!r}")


def is_client_address(address: str) -> bool:
    """Whether this process would be no part of the cluster, but talk to one through its client port."""
    return address.startswith(_AFAR)


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module ``ray``, connected; one that the program has connected already is used as it is.

    Raises:
        MissingExtra: Ray or its data library is not installed.
        IndexingError: The cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtra(INSTALL_HINT) from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what fails is raised
    if ray.is_initialized():
        yield ray
        return
    _probe(address)
    try:
        _join(ray, address)
        yield ray
    finally:
        ray.shutdown()


def _probe(address: str) -> None:
    """Make sure that something listens there: Ray itself would try for minutes."""
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


def _join(ray: Any, address: str) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address == "local":
        options |= {"num_cpus": available_cores(), "include_dashboard": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if _HOST.fullmatch(address):
                _with_timeout(_JOIN_S, lambda: ray.init(address=address, **options))
            else:  # a cluster of one's own would end with the thread that started it
                ray.init(address=address, **options)
    except ConnectionError as error:
        if address != "auto":
            raise IndexingError(f"{address}: the Ray cluster cannot be joined: {_line(error)}; {_TOKEN}") from error
        raise IndexingError(
            "auto: no Ray cluster runs on this machine; start one with: ray start --head, name one elsewhere, or take "
            "this machine alone: --ray local"
        ) from error
    except TimeoutError as error:
        raise IndexingError(f"{address}: {error}; is it a Ray cluster, of this version of Ray? {_TOKEN}") from error
    except Exception as error:  # what Ray raises here has many classes
        raise IndexingError(f"{address}: the Ray cluster cannot be joined: {_line(error)}") from error


def _with_timeout(seconds: float, join: Callable[[], object]) -> None:
    """Call in another thread, which is left behind where it takes too long: Ray has no limit of its own.

    Raises:
        TimeoutError: It did.
    """
    outcome: Future[object] = Future()

    def run() -> None:
        try:
            outcome.set_result(join())
        except BaseException as error:  # told in the thread that waits
            outcome.set_exception(error)

    threading.Thread(target=run, name="photoseek-ray", daemon=True).start()
    try:
        outcome.result(seconds)
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
