"""Models of transformers, and folders of other programs with them, created once; read-only."""

from __future__ import annotations

from pathlib import Path

import pytest

import clip_folders as folders
import clip_models as clip
from clip_folders import Reference


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of these folders are nothing to remember."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def clip_reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    tokenizer = clip.clip_tokenizer(tmp_path_factory.mktemp("merges"))
    return Reference(clip.clip_model(tokenizer), tokenizer, folders.clip_processor())


@pytest.fixture(scope="session")
def siglip_reference() -> Reference:
    tokenizer = clip.siglip_tokenizer()
    return Reference(clip.siglip_model(len(tokenizer)), tokenizer, folders.siglip_processor())


@pytest.fixture(scope="session")
def chinese_reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    tokenizer = clip.chinese_tokenizer(tmp_path_factory.mktemp("vocabulary"))
    return Reference(clip.chinese_clip_model(len(tokenizer)), tokenizer, folders.chinese_processor())


@pytest.fixture(scope="session")
def clip_folder(clip_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_two_files(clip_reference, tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def siglip_folder(siglip_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_siglip(siglip_reference, tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="session")
def chinese_folder(chinese_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_two_files(chinese_reference, tmp_path_factory.mktemp("chinese"))


@pytest.fixture(scope="session")
def immich_folder(clip_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_immich(clip_reference, tmp_path_factory.mktemp("immich"))


@pytest.fixture(scope="session")
def rclip_folder(clip_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_rclip(clip_reference, tmp_path_factory.mktemp("rclip"))


@pytest.fixture(scope="session")
def chinese_own_folder(chinese_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_chinese_clip(chinese_reference, tmp_path_factory.mktemp("cn_clip"))
