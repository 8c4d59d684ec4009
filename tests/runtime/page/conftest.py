"""Sessions of the page's script without a server or a browser, and a local hub with the model that the page offers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import huggingface_hub.constants
import pytest

from external_models import write_registered
from hub_server import Hub, serve_hub
from page_sessions import new_session
from photoseek import Bundle, Gallery
from photoseek.gallery.location import FOLDER
from photoseek.models.recommendation import recommended_model
from photoseek.page import launch

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from photo_answers import Album


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


@pytest.fixture(scope="session")
def indexed_with_demo(indexed_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 24 photos, indexed with the embedded bundle. Do not change them."""
    folder = tmp_path_factory.mktemp("demo") / "photos"
    shutil.copytree(indexed_photos, folder, ignore=shutil.ignore_patterns(FOLDER))
    with Gallery.create(folder, Bundle.load("demo")) as gallery:
        gallery.index()
    return folder


@pytest.fixture
def small(indexed_with_demo: Path, photos: Path) -> Path:
    """A photo folder with a gallery of the embedded bundle."""
    shutil.copytree(indexed_with_demo / FOLDER, photos / FOLDER)
    return photos


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with the model that the page offers in English; no model is installed."""
    monkeypatch.setenv("PHOTOSEEK_MODELS", str(tmp_path / "installed"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    for name in ("HF_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    model = recommended_model("en")
    with serve_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        server.add_folder(model.repository, write_registered(tmp_path / "model", model.name, model.precision))
        yield server
    huggingface_hub.close_session()


@pytest.fixture
def album(gallery: Gallery) -> Album:
    """The 24 photos on this computer."""
    from photo_answers import Album

    return Album(gallery, shared=False)


@pytest.fixture
def shared(gallery: Gallery) -> Album:
    """The 24 photos as visitors see them."""
    from photo_answers import Album

    return Album(gallery, shared=True)
