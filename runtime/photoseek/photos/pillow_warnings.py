"""What Pillow and its libraries say of a photo, kept from the user: what is wrong is told by errors or not at all.

``warnings.catch_warnings`` swaps the list of filters of the whole process, which threads that decode side by side would
mix up. Here one filter is added to that list with the first of them and taken out with the last.
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

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints what nobody has asked to see

_MODULES = r"(PIL|pillow_heif)\."
_lock = threading.Lock()
_inside = 0


@contextmanager
def suppress_pillow_warnings() -> Iterator[None]:
    """Pass over warnings from Pillow's own modules, also where the process turns warnings into errors."""
    global _inside
    _silence_libtiff()
    with _lock:
        if _ours() is None:  # the first of them, or a catch_warnings elsewhere has put its own list in place
            warnings.filterwarnings("ignore", module=_MODULES)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and (ours := _ours()) is not None:
                cast("list[Any]", warnings.filters).remove(ours)


@cache
def _silence_libtiff() -> None:
    """libtiff writes to standard error by itself; Pillow knows of the same errors by what its functions return."""
    with suppress(OSError, AttributeError, TypeError):  # linked in another way, or left out
        library = ctypes.CDLL(_imaging.__file__)
        for handler in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            handler(None)


def _ours() -> Any:
    """Our entry among the filters."""
    return next((entry for entry in warnings.filters if getattr(entry[3], "pattern", None) == _MODULES), None)
