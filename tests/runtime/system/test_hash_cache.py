"""Unchanged files are not read again, except to verify them."""

from __future__ import annotations

import json
import shutil
from dataclasses import astuple
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import BundleDamaged, GalleryDamaged
from photoseek.gallery.file_names import VECTORS
from photoseek.system.cache_dir import cache_folder
from photoseek.system.hash_cache import FileStat, cached_sha256
from tiny_bundle import write_tiny_bundle


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("photoseek.system.hash_cache.MIN_BYTES", 0)


def rot(path: Path) -> None:
    """Change a byte of a file that was hashed, as a failing disk does: its size and times are those in the cache."""
    sha256 = cached_sha256(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    cache = cache_folder() / "hashes.json"
    cache.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(cache.read_text()) if cache.exists() else {}
    cache.write_text(json.dumps({**known, str(path.resolve()): [*astuple(FileStat.of(path)), sha256]}))


def test_verifying_a_bundle_reads_files_that_look_unchanged(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "bundle")
    rot(path / "onnx" / "text_model.onnx")
    bundle = Bundle.load(path)
    bundle.graph_path(bundle.text_graph("fp32"))
    with pytest.raises(BundleDamaged, match=r"text_model\.onnx: expected sha256"):
        bundle.verify()
    with pytest.raises(BundleDamaged, match=r"text_model\.onnx: expected sha256"):  # verifying corrected the cache
        Bundle.load(path).graph_path(bundle.text_graph("fp32"))


def test_verifying_and_repairing_a_gallery_read_files_that_look_unchanged(
    tmp_path: Path, photos: Path, tiny_bundle: Bundle
) -> None:
    gallery = Gallery.create(photos, tiny_bundle, tmp_path / "gallery")
    gallery.index()
    expected = Searcher(gallery, bundle=tiny_bundle).search("red", k=24)
    for check in ("verify", "repair"):
        rot(gallery.generation().path / VECTORS)
        assert gallery.status().damaged == []
        if check == "verify":
            with pytest.raises(GalleryDamaged, match="expected the recorded sha256"):
                gallery.verify()
        assert gallery.repair().generation is not None
        gallery.verify()
        assert Searcher(gallery, bundle=tiny_bundle).search("red", k=24) == expected


def test_a_moved_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    first = cached_sha256(tmp_path / "a", clock_s=-1.0)
    (tmp_path / "b").write_bytes(b"b")
    shutil.move(tmp_path / "b", tmp_path / "a")
    assert cached_sha256(tmp_path / "a", clock_s=-1.0) != first


def test_small_files_are_not_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photoseek.system.hash_cache.MIN_BYTES", 3)
    for content in (b"aa", b"aaa"):
        (tmp_path / "file").write_bytes(content)
        cached_sha256(tmp_path / "file", clock_s=-1.0)
        assert (cache_folder() / "hashes.json").exists() == (len(content) == 3)
