"""A local hub, and small models in the layouts of the repositories on the real one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from external_models import write_immich, write_transformers
from hub_server import COMMIT, REPOSITORY, Hub, serve_hub
from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model of each layout. Do not change it."""
    folder = tmp_path_factory.mktemp("models")
    clip = write_transformers(folder / "clip", precisions=("fp32", "int8"), dim=512)
    (clip / "README.md").write_text("a model card")
    (clip / "model.safetensors").write_bytes(b"weights of PyTorch")
    write_transformers(folder / "small")
    write_immich(folder / "immich")
    return folder


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of installed models."""
    folder = tmp_path / "installed"
    monkeypatch.setenv("PHOTOSEEK_MODELS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # no server
    return folder


@pytest.fixture
def hub(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a hub with a CLIP at the commit of the registry, and with small models in other repositories."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    for name in ("HF_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serve_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        server.add_folder(REPOSITORY, written / "clip", COMMIT)
        server.add_folder("org/small", written / "small")
        server.add_folder("org/immich", written / "immich")
        yield server
    huggingface_hub.close_session()


@pytest.fixture
def small(written: Path, tmp_path: Path) -> Path:
    """Return a small model in the layout of transformers.js that a test may change."""
    return shutil.copytree(written / "small", tmp_path / "small")


@pytest.fixture
def native(tmp_path: Path) -> Path:
    """Return a native bundle that a test may change."""
    return write_tiny_bundle(tmp_path / "native")
