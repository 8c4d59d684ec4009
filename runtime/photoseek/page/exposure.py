"""Restrictions if other computers can reach the page: only the operator's gallery, and no server paths."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping

import streamlit as st

from photoseek.page.launch import GALLERY_VARIABLE
from photoseek.page.strings import strings
from photoseek.system.network import is_loopback
from photoseek.system.terminal import visible

_log = logging.getLogger(__name__)

_ABSOLUTE = re.compile(r"(?<![\w.\-])~?[/\\]|\b[A-Za-z]:[/\\]")
_FORWARDED = ("Forwarded", "X-Forwarded-For")  # set by a proxy in front of a server that listens on loopback


def is_shared() -> bool:
    """Return whether visitors from other computers can reach the page, by its address or through a proxy."""
    if is_forwarded(st.context.headers):
        return True
    return not is_loopback(str(st.get_option("server.address") or ""))


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Return whether a proxy has forwarded a request."""
    return any(name in headers for name in _FORWARDED)


def operators_gallery() -> str:
    """Return the folder of the gallery that the page was started with, or an empty string."""
    return os.environ.get(GALLERY_VARIABLE, "")


def public(message: str) -> str:
    """Return a message for visitors.

    If the page is shared, a message with an absolute path or an address is logged and replaced.
    """
    if not has_absolute_path(message) or not is_shared():
        return message
    _log.warning("not shown to visitors: %s", visible(message))
    return strings().in_the_log


def has_absolute_path(message: str) -> bool:
    """Return whether a message contains an absolute path or an address."""
    return _ABSOLUTE.search(message) is not None
