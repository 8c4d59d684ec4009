"""A pool of PostgreSQL connections that can be used after a fork.

``psycopg_pool`` is not used, since its threads do not survive a fork, and its timeouts hide the server's message.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from photoseek.errors import StoreError, StoreUnavailable
from photoseek.stores.uri import StoreUri
from photoseek.system.fork_safety import ForkAware, leak_native_object

if TYPE_CHECKING:
    import psycopg

CONNECT_S = 5
"""Timeout of a connection attempt, in seconds."""

_MAX_IDLE = 8  # further connections are closed after use
_UNACKNOWLEDGED_MS = 10_000  # the connection is closed if data remains unacknowledged for longer

_Result = TypeVar("_Result")


class ConnectionPool(ForkAware):
    """Connections to one database. May be shared between threads."""

    def __init__(self, address: StoreUri, configure: Callable[[psycopg.Connection], None]) -> None:
        """Store the URI; the first call connects. ``configure`` is called with each new connection."""
        self.address = address
        self._configure = configure
        self._lock = threading.Lock()
        self._idle: list[psycopg.Connection] = []
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Drop the inherited connections without closing them, which would end the sessions of the parent."""
        self._lock = threading.Lock()
        leak_native_object(self._idle)
        self._idle = []

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def run(self, work: Callable[[psycopg.Connection], _Result]) -> _Result:
        """Run idempotent work. It is repeated once if an idle connection turns out to be broken.

        Raises:
            StoreUnavailable: The server does not answer, or authentication fails.
            StoreError: The server reports an error.
        """
        reused = False
        try:
            with self._checkout() as (connection, reused):
                return work(connection)
        except StoreUnavailable:
            if not reused:
                raise
        self.close()  # the other idle connections are broken, too
        with self._checkout() as (connection, _):
            return work(connection)

    @contextmanager
    def _checkout(self) -> Iterator[tuple[psycopg.Connection, bool]]:
        """Yield a connection, and whether it is reused."""
        import psycopg

        idle = self._acquire()
        with self._translate_errors():
            connection = idle or self._connect()
            try:
                yield connection, idle is not None
            except BaseException:
                if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    connection.close()
                raise
            finally:
                self._release(connection)

    def _acquire(self) -> psycopg.Connection | None:
        """Return an idle connection that the server has not closed, or None."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if not connection.closed and not _has_notifications(connection):
                return connection
            connection.close()

    def _release(self, connection: psycopg.Connection) -> None:
        if connection.closed:
            return
        with self._lock:
            if len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> psycopg.Connection:
        import psycopg

        connection = psycopg.connect(
            self.address.uri,
            autocommit=True,
            connect_timeout=CONNECT_S,
            tcp_user_timeout=_UNACKNOWLEDGED_MS,
            application_name="photoseek",
        )
        try:
            self._configure(connection)
        except BaseException:
            with suppress(psycopg.Error):
                connection.close()
            raise
        return connection

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Translate errors of psycopg, and remove secrets from them."""
        import psycopg

        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise self._store_error(error) from None
        except psycopg.Error as error:
            raise StoreError(f"{self.address.redacted}: {self.address.redact(str(error))}") from None

    def _store_error(self, error: psycopg.Error) -> StoreError:
        message = self.address.redact(str(error))
        if (error.sqlstate or "").startswith(("53", "57014")):  # out of disk or memory; statement timeout
            return StoreError(f"{self.address.redacted}: {message}")
        return StoreUnavailable(
            f"{self.address.redacted}: PostgreSQL does not answer: {message}; start the server, or set another one "
            "with --store and the password with PGPASSWORD or ~/.pgpass; with --fallback, the gallery "
            "answers meanwhile"
        )


def _has_notifications(connection: psycopg.Connection) -> bool:
    """Return whether an idle connection has data to read, usually because the server has closed it."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
