"""Sessions of the page's script without a server or a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from page_sessions import new_session
from photoseek import Gallery
from photoseek.page import launch

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """The data of each component of a session by key, since no browser runs their scripts.

    The session is behind the gate of a new server, whose caches are empty.
    """
    import streamlit as st

    from photoseek.page import app, components

    data: dict[str, Any] = {}
    monkeypatch.setattr(components, "render_component", lambda _, key, given, **__: data.update({key: given}))
    monkeypatch.setattr(app, "is_gated", lambda: True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    st.cache_resource.clear()
    st.cache_data.clear()
    return data


@pytest.fixture
def page(gallery: Gallery, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A session over 24 photos of six colors, before its first run."""
    rendered.clear()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(gallery.path))
    return new_session()
