"""A damaged bundle raises an error with the file, what was expected and found, and what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import FORMAT, Layout, Manifest
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import BundleDamaged, BundleError, BundleIncompatible, BundleNotFound
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


DAMAGES = [
    (name, damage)
    for name in (
        Layout.MANIFEST,
        Layout.CONFIG,
        Layout.PREPROCESSOR,
        Layout.TOKENIZER,
        Layout.TOKENIZER_CONFIG,
        Layout.text_model("fp32"),
        Layout.vision_model("fp32"),
    )
    for damage in ("missing", "short", "flipped")
    # a changed letter in a text of the manifest has no effect
    if (name, damage) != (Layout.MANIFEST, "flipped")
]


def load_and_verify(path: Path) -> None:
    Bundle.load(path).verify()


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_a_damaged_file_is_refused_by_name(path: Path, name: str, damage: str) -> None:
    file = path / name
    if damage == "missing":
        file.unlink()
    elif damage == "short":
        file.write_bytes(file.read_bytes()[:-7])
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0x20
        file.write_bytes(content)
    with pytest.raises(BundleError, match=re.escape(name)):
        load_and_verify(path)


def test_every_file_of_the_bundle_is_in_the_manifest(path: Path) -> None:
    there = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    assert there - set(Manifest.read(path).files) == {Layout.MANIFEST}


def test_a_flipped_bit_in_a_tower_is_detected_before_it_is_loaded(path: Path) -> None:
    model = path / Layout.text_model("fp32")
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(BundleDamaged, match=r"text_model\.onnx: expected sha256"):
        TextEncoder(Bundle.load(path)).encode(["red"])


def test_a_pointer_and_a_web_page_in_place_of_a_model_are_detected(path: Path) -> None:
    model = path / Layout.vision_model("fp32")
    model.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
    with pytest.raises(BundleDamaged, match=r"vision_model\.onnx.*Git LFS pointer.*git lfs pull"):
        Bundle.load(path)
    model.write_text("<!DOCTYPE html><html>404</html>")
    with pytest.raises(BundleDamaged, match="a web page"):
        Bundle.load(path)


def test_a_newer_format_is_refused(path: Path) -> None:
    manifest = json.loads((path / Layout.MANIFEST).read_text())
    (path / Layout.MANIFEST).write_text(json.dumps({**manifest, "format": FORMAT + 1}))
    with pytest.raises(
        BundleIncompatible, match=f"expected bundle format {FORMAT}, found format {FORMAT + 1}.*upgrade photoseek"
    ):
        Bundle.load(path)


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


@pytest.mark.parametrize(("vnni", "chosen"), [(True, "int8"), (False, "fp32")])
def test_the_default_precision_is_int8_on_a_cpu_with_instructions_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vnni: bool, chosen: str
) -> None:
    monkeypatch.setattr("photoseek.bundle.bundle.has_int8_instructions", lambda: vnni)
    both = Bundle.load(write_tiny_bundle(tmp_path / "both", precisions=("fp32", "int8")))
    assert both.select_precision(None) == chosen
    assert both.select_precision("fp32") == "fp32"
    assert Bundle.load(write_tiny_bundle(tmp_path / "one")).select_precision(None) == "fp32"
