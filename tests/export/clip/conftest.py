"""Models of transformers, their bundles, and folders of them in layouts of other programs; created once, read-only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import clip_folders as folders
import clip_models as clip
from clip_folders import Reference
from photoseek import Bundle
from photoseek_export import export_clip
from photoseek_export.quality_gate import EvaluationImages


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache hashes of these folders in a temporary folder."""
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
def sources(
    clip_reference: Reference,
    siglip_reference: Reference,
    chinese_reference: Reference,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[Path, Reference]]:
    """A folder of each kind, as ``save_pretrained`` of model, tokenizer and processor writes it."""
    root = tmp_path_factory.mktemp("sources")
    references = {"clip": clip_reference, "siglip": siglip_reference, "chinese_clip": chinese_reference}
    for kind, reference in references.items():
        folders.save_configuration(reference, root / kind)
        reference.model.save_pretrained(root / kind)
    return {kind: (root / kind, reference) for kind, reference in references.items()}


@pytest.fixture(scope="session")
def exported(
    sources: dict[str, tuple[Path, Reference]], captioned: EvaluationImages, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Bundle]:
    """Return a function that returns the bundle of a kind of model, the only entry of its parent folder."""

    @cache
    def export(kind: str) -> Bundle:
        out = tmp_path_factory.mktemp(kind) / "bundle"
        evaluation = captioned if kind == "clip" else None
        return export_clip(sources[kind][0], out, precisions=("fp32", "fp16"), evaluation=evaluation)

    return export


def two_files(bundle: Bundle, reference: Reference, folder: Path) -> Path:
    """Write the fp32 graphs of a bundle and transformers' own files, as optimum arranges them."""
    folders.save_configuration(reference, folder)
    (folder / "onnx").mkdir()
    for name in ("text_model.onnx", "vision_model.onnx"):
        shutil.copyfile(bundle.path / "onnx" / name, folder / "onnx" / name)
    return folder


@pytest.fixture(scope="session")
def clip_folder(
    exported: Callable[[str], Bundle], clip_reference: Reference, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return two_files(exported("clip"), clip_reference, tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def siglip_folder(siglip_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_siglip(siglip_reference, tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="session")
def chinese_folder(
    exported: Callable[[str], Bundle], chinese_reference: Reference, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return two_files(exported("chinese_clip"), chinese_reference, tmp_path_factory.mktemp("chinese"))


@pytest.fixture(scope="session")
def immich_folder(clip_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_immich(clip_reference, tmp_path_factory.mktemp("immich"))


@pytest.fixture(scope="session")
def rclip_folder(clip_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_rclip(clip_reference, tmp_path_factory.mktemp("rclip"))


@pytest.fixture(scope="session")
def cn_clip_folder(chinese_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_chinese_clip(chinese_reference, tmp_path_factory.mktemp("cn_clip"))
