"""What must not be carried over a fork: locks, SQLite connections, and sessions of onnxruntime.

The child of a fork has one thread, but every lock as it stood in the parent; SQLite forbids the use of an inherited
connection; and onnxruntime crashes when an inherited session is freed, whose threads stayed behind. An object that owns
one of these is told of the fork, lets go of it without freeing it, and makes it anew when it is next needed.
"""

from __future__ import annotations

import os
import threading
from weakref import WeakSet


class ForkAware:
    """An object that may be used in a forked child; whoever inherits from it calls ``register_fork_hooks``."""

    def register_fork_hooks(self) -> None:
        """Register the object for the fork hooks of this process."""
        _instances.add(self)

    def before_fork(self) -> None:
        """Pause the object, in the parent before the fork. Take only leaf locks here."""

    def after_fork_in_parent(self) -> None:
        """Resume the object, in the parent after the fork."""

    def after_fork_in_child(self) -> None:
        """Recreate locks in the child and leak native objects that cannot be freed there."""


def leak_native_object(owned: object) -> None:
    """Never free an object, not even when the process ends: its destructor would crash here."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(owned))


_instances: WeakSet[ForkAware] = WeakSet()
_fork_lock = threading.Lock()  # at a time
_paused: list[ForkAware] = []


def _before() -> None:
    _fork_lock.acquire()
    _paused[:] = _instances
    for each in _paused:
        each.before_fork()


def _in_parent() -> None:
    for each in _paused:
        each.after_fork_in_parent()
    _paused.clear()
    _fork_lock.release()


def _in_child() -> None:
    global _fork_lock
    _fork_lock = threading.Lock()
    for each in _paused:
        each.after_fork_in_child()
    _paused.clear()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
