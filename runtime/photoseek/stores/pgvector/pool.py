"""Connections to PostgreSQL: as many as are in use at once, kept for the next query, made anew in a forked child.

They are not kept by psycopg's pool, whose threads a fork would leave behind, and whose time-outs don't say what the
server said.
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
"""Seconds that a server has to take a connection."""

_IDLE = 8  # connections kept; further ones are closed after use
_SILENT_MS = 10_000  # what was sent and is not acknowledged for so long: the server is gone

_Answer = TypeVar("_Answer")


class ConnectionPool(ForkAware):
    """To one database; may be shared between threads."""

    def __init__(self, address: StoreUri, ready: Callable[[psycopg.Connection], None]) -> None:
        """Connect when first used; ``ready`` is called with each new connection."""
        self.address = address
        self._ready = ready
        self._lock = threading.Lock()
        self._idle: list[psycopg.Connection] = []
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Never touch the inherited connections again: to close one would end the session of the parent."""
        self._lock = threading.Lock()
        leak_native_object(self._idle)
        self._idle = []

    def close(self) -> None:
        """Close those that are kept."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def run(self, work: Callable[[psycopg.Connection], _Answer]) -> _Answer:
        """Do something that can be done twice: once more, where a kept connection turns out to be broken.

        Raises:
            StoreUnavailable: The server does not answer, or does not let this user in.
            StoreError: It refuses.
        """
        kept = False
        try:
            with self._checkout() as (connection, kept):
                return work(connection)
        except StoreUnavailable:
            if not kept:
                raise
        self.close()  # they are all of the time before the server went
        with self._checkout() as (connection, _):
            return work(connection)

    @contextmanager
    def _checkout(self) -> Iterator[tuple[psycopg.Connection, bool]]:
        """A connection, and whether it was kept from before."""
        import psycopg

        kept = self._acquire()
        with self._translate_errors():
            connection = kept or self._connect()
            try:
                yield connection, kept is not None
            except BaseException:
                if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    connection.close()
                raise
            finally:
                self._release(connection)

    def _acquire(self) -> psycopg.Connection | None:
        """One that is kept, and to which its server has not said good-bye."""
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
            if len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> psycopg.Connection:
        import psycopg

        connection = psycopg.connect(
            self.address.uri,
            autocommit=True,
            connect_timeout=CONNECT_S,
            tcp_user_timeout=_SILENT_MS,
            application_name="photoseek",
        )
        try:
            self._ready(connection)
        except BaseException:
            with suppress(psycopg.Error):
                connection.close()
            raise
        return connection

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Errors of psycopg in the words of this library; never with a password."""
        import psycopg

        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise self._store_error(error) from None
        except psycopg.Error as error:
            raise StoreError(f"{self.address.shown}: {self.address.redact(str(error))}") from None

    def _store_error(self, error: psycopg.Error) -> StoreError:
        said = self.address.redact(str(error))
        if (error.sqlstate or "").startswith(("53", "57014")):  # no disk, no memory; a query took too long
            return StoreError(f"{self.address.shown}: {said}")
        cure = (
            "start the server, or name the right one with --store; a password comes from PGPASSWORD or ~/.pgpass; "
            "--fallback answers from the gallery itself meanwhile"
        )
        return StoreUnavailable(f"{self.address.shown}: PostgreSQL does not answer: {said}; {cure}")


def _has_notifications(connection: psycopg.Connection) -> bool:
    """Whether anything came that nobody asked for: the end, as a rule."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
