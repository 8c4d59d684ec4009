"""A Milvus client that connects lazily, translates errors, and reconnects after a fork."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from photoseek.errors import StoreError, StoreUnavailable
from photoseek.stores.uri import StoreUri
from photoseek.system.fork_safety import ForkAware, leak_native_object

if TYPE_CHECKING:
    from pymilvus import MilvusClient

TOKEN_VARIABLE = "PHOTOSEEK_MILVUS_TOKEN"
"""Environment variable with the token, or ``user:password``, of a Milvus server."""

CONNECT_S = 5.0
"""Timeout of a connection attempt, in seconds."""

ANSWER_S = 30.0
"""Timeout of a query or a batch, in seconds."""

_NOT_LOADED = 101
_UNREACHABLE = (2, 1800)  # codes: no connection; authentication failed
_UNREACHABLE_MESSAGES = (
    "unavailable",
    "deadline",
    "timeout",
    "unauthenticated",
    "auth check failure",
    "fail connecting",
)

_Result = TypeVar("_Result")


class Client(ForkAware):
    """The client of a store. May be shared between threads."""

    def __init__(self, address: StoreUri) -> None:
        """Store the URI; the first call connects."""
        self.address = address
        self._lock = threading.Lock()
        self._connected: MilvusClient | None = None
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Drop the inherited client, whose threads exist only in the parent."""
        self._lock = threading.Lock()
        leak_native_object(self._connected)
        self._connected = None

    def close(self) -> None:
        """Disconnect from the server, and stop Milvus Lite if this was its last user in this process."""
        with self._lock:
            if self._connected is not None:
                self._connected.close()
                _release_client(self.address)
            self._connected = None

    def run(self, work: Callable[[MilvusClient], _Result], collection: str | None = None) -> _Result:
        """Run an idempotent request. It is repeated once if an existing connection is broken.

        Args:
            work: The request.
            collection: Collection that a restarted server has to load first.

        Raises:
            StoreUnavailable: The server does not answer, or authentication fails.
            StoreError: The server reports an error.
        """
        client = self._connected
        try:
            return self._try(work, collection)
        except StoreUnavailable:
            if client is None:
                raise
        self._disconnect(client)
        return self._try(work, collection)

    def _try(self, work: Callable[[MilvusClient], _Result], collection: str | None) -> _Result:
        from pymilvus import MilvusException

        with self._translate_errors():
            client = self._client()
            try:
                return work(client)
            except MilvusException as error:
                if error.code != _NOT_LOADED or collection is None:
                    raise
            client.load_collection(collection, timeout=ANSWER_S)
            return work(client)

    def _client(self) -> MilvusClient:
        with self._lock:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def _disconnect(self, client: MilvusClient) -> None:
        """Close a broken client, unless another thread has done so."""
        with self._lock:
            if self._connected is not None and self._connected is client:
                self._connected.close()
                self._connected = None

    def _connect(self) -> MilvusClient:
        from pymilvus import MilvusClient

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a traceback of each error
        # dedicated: the connection is closed with the client, and not shared with the parent after a fork
        options: dict[str, Any] = {"timeout": CONNECT_S, "dedicated": True}
        if self.address.local:
            _check_folder(self.address.uri)
            logging.getLogger("grpc._server").setLevel(logging.CRITICAL)  # pymilvus tries calls that Milvus Lite lacks
        elif token := os.environ.get(TOKEN_VARIABLE):
            options["token"] = token
        try:
            client = MilvusClient(self.address.uri, **options)
        except Exception as error:  # grpc, pymilvus and Milvus Lite raise different types
            raise self._unavailable(error) from None
        _acquire_client(self.address)
        return client

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Translate errors of pymilvus, and remove secrets from them."""
        import grpc
        from pymilvus import MilvusException

        try:
            yield
        except grpc.RpcError as error:
            raise self._unavailable(error) from None
        except ValueError as error:
            if "closed channel" not in str(error):  # another thread has closed the client
                raise
            raise self._unavailable(error) from None
        except MilvusException as error:
            message = self._server_message(error)
            if error.code in _UNREACHABLE or any(word in message.lower() for word in _UNREACHABLE_MESSAGES):
                raise self._unavailable(error) from None
            raise StoreError(f"{self.address.redacted}: {message}") from None

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        message = self._server_message(error)
        if self.address.local:
            return StoreUnavailable(
                f"{self.address.redacted}: cannot open this Milvus Lite folder, which only one process at a time can "
                f"open: {message}; end the other process, or name another folder"
            )
        return StoreUnavailable(
            f"{self.address.redacted}: Milvus does not answer: {message}; start the server, or set another one "
            f"with --store and the token with {TOKEN_VARIABLE}; with --fallback, the gallery answers meanwhile"
        )

    def _server_message(self, error: Exception) -> str:
        message = self.address.redact(str(getattr(error, "message", None) or error))
        token = os.environ.get(TOKEN_VARIABLE)
        return message.replace(token, "***") if token else message


_users: Counter[str] = Counter()
_leases = threading.Lock()


def _check_folder(path: str) -> None:
    """Raise if Milvus Lite cannot create the folder: it does not create parents, and only logs the reason."""
    parent = Path(path).absolute().parent
    if not parent.is_dir():
        raise StoreError(f"{path}: expected a parent folder, found none: {parent}")
    if Path(path).is_file():
        raise StoreError(f"{path}: expected a Milvus Lite folder, found a file; name another folder")


def _acquire_client(address: StoreUri) -> None:
    if address.local:
        with _leases:
            _users[os.path.abspath(address.uri)] += 1


def _release_client(address: StoreUri) -> None:
    """Stop the Milvus Lite server of this process after its last use, so that other processes can open the folder."""
    if not address.local:
        return
    from milvus_lite.server_manager import server_manager_instance

    with _leases:
        path = os.path.abspath(address.uri)
        _users[path] -= 1
        if not _users[path]:
            server_manager_instance.release_server(path)
