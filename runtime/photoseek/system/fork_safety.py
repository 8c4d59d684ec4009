"""Fork hooks for objects with locks, SQLite connections or onnxruntime sessions.

The child of a fork has one thread, but inherits every lock in its state in the parent. SQLite forbids the use of an
inherited connection, and onnxruntime crashes when an inherited session is freed, because its threads do not exist in
the child. An object with one of these abandons it in the child without freeing it, and creates a new one when needed.
"""

from __future__ import annotations

import os
import threading
from weakref import WeakSet


class ForkAware:
    """An object that may be used in a forked child; subclasses call ``register_fork_hooks``."""

    def register_fork_hooks(self) -> None:
        """Register the object for the fork hooks of this process."""
        _instances.add(self)

    def before_fork(self) -> None:
        """Pause the object, in the parent before the fork. Take only leaf locks here."""

    def after_fork_in_parent(self) -> None:
        """Resume the object, in the parent after the fork."""

    def after_fork_in_child(self) -> None:
        """Recreate locks in the child and leak native objects that cannot be freed there."""


def leak_native_object(native: object) -> None:
    """Prevent an object from being freed, even when the process ends: its destructor would crash."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(native))


_instances: WeakSet[ForkAware] = WeakSet()
_fork_lock = threading.Lock()  # one fork at a time
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
