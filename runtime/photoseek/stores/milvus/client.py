"""A client of Milvus: connected when first used, its errors in the words of this library, made anew after a fork."""

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
"""The environment variable with the token, or ``user:password``, that a Milvus server asks for."""

CONNECT_S = 5.0
"""Seconds that a server has to take a connection."""

ANSWER_S = 30.0
"""Seconds that it has for a query or a batch."""

_NOT_LOADED = 101
_UNREACHED = (2, 1800)  # codes: no connection; not who was expected
_WORDS = ("unavailable", "deadline", "timeout", "unauthenticated", "auth check failure", "fail connecting")

_Answer = TypeVar("_Answer")


class Client(ForkAware):
    """The one client of a store; may be shared between threads."""

    def __init__(self, address: StoreUri) -> None:
        """Connect when first used."""
        self.address = address
        self._lock = threading.Lock()
        self._kept: MilvusClient | None = None
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """The threads behind the inherited client have stayed in the parent."""
        self._lock = threading.Lock()
        leak_native_object(self._kept)
        self._kept = None

    def close(self) -> None:
        """Let go of the server, and of the folder of Milvus Lite if this was its last user here."""
        with self._lock:
            if self._kept is not None:
                self._kept.close()
                _release_client(self.address)
            self._kept = None

    def run(self, work: Callable[[MilvusClient], _Answer], collection: str | None = None) -> _Answer:
        """Ask something that can be asked twice: once more, where the connection is of before the server went.

        Args:
            work: What to ask.
            collection: What a server that was started anew has to load first.

        Raises:
            StoreUnavailable: The server does not answer, or does not let this user in.
            StoreError: It refuses.
        """
        kept = self._kept
        try:
            return self._ask(work, collection)
        except StoreUnavailable:
            if kept is None:
                raise
        self._forget(kept)
        return self._ask(work, collection)

    def _ask(self, work: Callable[[MilvusClient], _Answer], collection: str | None) -> _Answer:
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
            if self._kept is None:
                self._kept = self._connect()
            return self._kept

    def _forget(self, client: MilvusClient) -> None:
        """Close a client that is of no use, unless another thread has done so."""
        with self._lock:
            if self._kept is not None and self._kept is client:
                self._kept.close()
                self._kept = None

    def _connect(self) -> MilvusClient:
        from pymilvus import MilvusClient

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs the whole traceback of each error
        options: dict[str, Any] = {
            "timeout": CONNECT_S,
            "dedicated": True,
        }  # closed when it is, and none of the parent's after a fork
        if self.address.local:
            _expect_folder(self.address.uri)
            logging.getLogger("grpc._server").setLevel(logging.CRITICAL)  # Milvus Lite lacks calls that pymilvus tries
        elif token := os.environ.get(TOKEN_VARIABLE):
            options["token"] = token
        try:
            client = MilvusClient(self.address.uri, **options)
        except Exception as error:  # grpc, pymilvus and Milvus Lite each have their own
            raise self._away(error) from None
        _acquire_client(self.address)
        return client

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Errors of pymilvus in the words of this library; never with a password."""
        import grpc
        from pymilvus import MilvusException

        try:
            yield
        except grpc.RpcError as error:
            raise self._away(error) from None
        except ValueError as error:
            if "closed channel" not in str(error):  # another thread has found that the server went
                raise
            raise self._away(error) from None
        except MilvusException as error:
            said = self._server_message(error)
            if error.code in _UNREACHED or any(word in said.lower() for word in _WORDS):
                raise self._away(error) from None
            raise StoreError(f"{self.address.shown}: {said}") from None

    def _away(self, error: Exception) -> StoreUnavailable:
        said = self._server_message(error)
        if self.address.local:
            return StoreUnavailable(
                f"{self.address.shown}: cannot be opened as a folder of Milvus Lite, which one process at a time can "
                f"have open: {said}; end the other process, or name another folder"
            )
        return StoreUnavailable(
            f"{self.address.shown}: Milvus does not answer: {said}; start the server, or name the right one with "
            f"--store; a token comes from {TOKEN_VARIABLE}; --fallback answers from the gallery itself meanwhile"
        )

    def _server_message(self, error: Exception) -> str:
        said = self.address.redact(str(getattr(error, "message", None) or error))
        token = os.environ.get(TOKEN_VARIABLE)
        return said.replace(token, "***") if token else said


_users: Counter[str] = Counter()
_leases = threading.Lock()


def _expect_folder(path: str) -> None:
    """Milvus Lite makes a folder, but not the one that it lies in, and logs why it could not."""
    parent = Path(path).absolute().parent
    if not parent.is_dir():
        raise StoreError(f"{path}: expected a folder to lie in, found none: {parent}")
    if Path(path).is_file():
        raise StoreError(f"{path}: expected a folder of Milvus Lite, found a file; name another one")


def _acquire_client(address: StoreUri) -> None:
    if address.local:
        with _leases:
            _users[os.path.abspath(address.uri)] += 1


def _release_client(address: StoreUri) -> None:
    """Stop the server that Milvus Lite runs in this process, once nobody here uses it: others may then open it."""
    if not address.local:
        return
    from milvus_lite.server_manager import server_manager_instance

    with _leases:
        path = os.path.abspath(address.uri)
        _users[path] -= 1
        if not _users[path]:
            server_manager_instance.release_server(path)
