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
_depth = 0


@contextmanager
def suppress_pillow_warnings() -> Iterator[None]:
    """Pass over warnings from Pillow's own modules, also where the process turns warnings into errors."""
    global _depth
    _suppress_libtiff()
    with _lock:
        if (
            _is_pillow_warning() is None
        ):  # the first of them, or a catch_warnings elsewhere has put its own list in place
            warnings.filterwarnings("ignore", module=_MODULES)
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and (ours := _is_pillow_warning()) is not None:
                cast("list[Any]", warnings.filters).remove(ours)


@cache
def _suppress_libtiff() -> None:
    """libtiff writes to standard error by itself; Pillow knows of the same errors by what its functions return."""
    with suppress(OSError, AttributeError, TypeError):  # linked in another way, or left out
        library = ctypes.CDLL(_imaging.__file__)
        for handler in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            handler(None)


def _is_pillow_warning() -> Any:
    """Our entry among the filters."""
    return next((entry for entry in warnings.filters if getattr(entry[3], "pattern", None) == _MODULES), None)
