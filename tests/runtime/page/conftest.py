"""Runs of the page's script without a server."""

from __future__ import annotations

import importlib.util

import pytest


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script runs as it does behind the gate, on a server that only this computer reaches."""
    if importlib.util.find_spec("streamlit") is not None:
        from photoseek.page import server

        monkeypatch.setattr(server, "_built", True)
