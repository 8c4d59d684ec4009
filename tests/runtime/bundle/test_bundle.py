"""Bundles open with what they record; damaged ones are in ``tests/runtime/hostile/test_bundles.py``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleIncompatible, BundleNotFound
from tiny_bundle import DIM, write_tiny_bundle


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "tiny")


def test_an_intact_bundle_opens_and_verifies(path: Path) -> None:
    bundle = Bundle.load(path)
    assert (bundle.name, bundle.dim, bundle.precisions) == ("tiny", DIM, ("fp32",))
    bundle.verify()


def test_the_manifest_survives_a_round_trip(path: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(path)
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest


def test_every_file_of_the_bundle_is_in_the_manifest(path: Path) -> None:
    there = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    assert there - set(Manifest.read(path).files) == {Layout.MANIFEST}


def test_the_error_for_an_empty_folder_says_how_to_make_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound, match="photoseek-export"):
        Bundle.load(tmp_path)


def test_a_precision_requires_both_towers(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "two", precisions=("fp32", "fp16"))
    assert Bundle.load(path).precisions == ("fp32", "fp16")
    manifest = json.loads((path / Layout.MANIFEST).read_text())
    del manifest["files"][Layout.text_model("fp16")]
    (path / Layout.MANIFEST).write_text(json.dumps(manifest))
    bundle = Bundle.load(path)
    assert bundle.precisions == ("fp32",)
    with pytest.raises(BundleIncompatible, match="has no fp16; it has fp32"):
        TextEncoder(bundle, "fp16")


def test_the_fingerprint_depends_on_the_weights_and_not_on_the_folder(tmp_path: Path) -> None:
    first = Bundle.load(write_tiny_bundle(tmp_path / "a"))
    moved = Bundle.load(write_tiny_bundle(tmp_path / "b", name="other", precisions=("fp32", "fp16")))
    other = Bundle.load(write_tiny_bundle(tmp_path / "c", seed=1))
    assert first.fingerprint == moved.fingerprint
    assert first.fingerprint != other.fingerprint


@pytest.mark.parametrize(("faster", "chosen"), [(True, "int8"), (False, "fp32")])
def test_the_default_precision_is_int8_where_it_is_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faster: bool, chosen: str
) -> None:
    monkeypatch.setattr("photoseek.bundle.bundle.prefers_int8", lambda: faster)
    both = Bundle.load(write_tiny_bundle(tmp_path / "both", precisions=("fp32", "int8")))
    assert both.select_precision(None) == chosen
    assert both.select_precision("fp32") == "fp32"
    assert Bundle.load(write_tiny_bundle(tmp_path / "one")).select_precision(None) == "fp32"
