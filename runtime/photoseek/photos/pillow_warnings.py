"""Suppression of what Pillow and its libraries print about a photo: errors report its problems.

``warnings.catch_warnings`` replaces the filters of the entire process and is not thread-safe. Instead, the first of the
threads that decode concurrently adds one filter, and the last removes it.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, cast

from PIL import _imaging

logging.getLogger("PIL").addHandler(logging.NullHandler())  # otherwise Python prints its messages to stderr

_MODULES = r"(PIL|pillow_heif|pillow_jxl)\."
_lock = threading.Lock()
_depth = 0


@contextmanager
def suppress_pillow_warnings() -> Iterator[None]:
    """Ignore warnings from Pillow's own modules, even if the process turns warnings into errors."""
    global _depth
    _suppress_libtiff()
    with _lock:
        if _filter() is None:  # the first, or a catch_warnings elsewhere has replaced the filters
            warnings.filterwarnings("ignore", module=_MODULES)
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and (found := _filter()) is not None:
                cast("list[Any]", warnings.filters).remove(found)


@cache
def _suppress_libtiff() -> None:
    """Disable libtiff's printing to stderr; Pillow raises the same errors from the results of its functions."""
    with suppress(OSError, AttributeError, TypeError):  # linked differently, or missing
        library = ctypes.CDLL(_imaging.__file__)
        for handler in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            handler(None)


def _filter() -> Any:
    """Return our filter, or None if it is not active."""
    return next((entry for entry in warnings.filters if getattr(entry[3], "pattern", None) == _MODULES), None)
