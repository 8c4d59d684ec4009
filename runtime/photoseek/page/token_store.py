"""Values that visitors come back for, such as a download that was prepared, each under a random token."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

_MOST = 64

Value = TypeVar("Value")


class TokenStore(Generic[Value]):
    """The latest values of a gallery; safe to share between threads."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, value: Value) -> str:
        """Store a value, and return its token; the oldest values are forgotten."""
        token = secrets.token_urlsafe(12)
        with self._lock:
            self._values[token] = value
            while len(self._values) > _MOST:
                self._values.popitem(last=False)
        return token

    def get(self, token: str) -> Value | None:
        """Return the value of a token, or None."""
        with self._lock:
            return self._values.get(token)
