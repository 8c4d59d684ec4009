"""A folder of another program is a bundle without checksums."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from external_models import change, write_transformers
from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.installed_models import ModelRecord
from photoseek.bundle.manifest import FileRecord
from photoseek.cli.app import app
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.system.hash_cache import cached_sha256
from tiny_bundle import COLORS, DIM, write_tiny_bundle


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("photoseek.system.hash_cache.MIN_BYTES", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_transformers(tmp_path / "model", precisions=("fp32", "fp16", "int8"))


def test_its_vectors_are_those_of_its_graphs(folder: Path, tmp_path: Path) -> None:
    native = Bundle.load(write_tiny_bundle(tmp_path / "native"))
    bundle = Bundle.load(folder)
    assert (bundle.name, bundle.layout, bundle.dim) == ("model", "transformers", DIM)
    names, pictures = list(COLORS), [Image.new("RGB", (9, 5), color) for color in COLORS.values()]
    np.testing.assert_allclose(TextEncoder(bundle).encode(names), TextEncoder(native).encode(names), atol=1e-6)
    np.testing.assert_allclose(ImageEncoder(bundle).encode(pictures), ImageEncoder(native).encode(pictures), atol=1e-6)


def test_the_most_exact_precision_is_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where int8 is faster: its loss is unknown."""
    monkeypatch.setattr("photoseek.bundle.bundle.prefers_int8", lambda: True)
    for tower in ("text", "vision"):
        shutil.copyfile(folder / f"onnx/{tower}_model.onnx", folder / f"onnx/{tower}_model_int8.onnx")
    bundle = Bundle.load(folder)
    assert bundle.precisions == ("fp32", "fp16", "int8", "q8")
    assert bundle.select_precision(None) == "fp32"
    for tower in ("text", "vision"):
        (folder / f"onnx/{tower}_model_int8.onnx").unlink()
    bundle = Bundle.load(folder)
    assert bundle.precisions == ("fp32", "fp16", "q8")
    assert bundle.select_precision(None) == "fp32"
    assert bundle.select_precision("q8") == "q8"
    with pytest.raises(BundleIncompatible, match="has no int8; it has fp32, fp16, q8"):
        bundle.select_precision("int8")


def test_a_precision_requires_both_towers(folder: Path) -> None:
    (folder / "onnx/vision_model_fp16.onnx").unlink()
    assert Bundle.load(folder).precisions == ("fp32", "q8")


def test_dynamically_quantized_towers_have_batch_size_one(folder: Path) -> None:
    bundle = Bundle.load(folder)
    assert [bundle.text_graph(each).batch_size_one for each in bundle.precisions] == [False, False, True]
    assert [bundle.vision_graph(each).batch_size_one for each in bundle.precisions] == [False, False, True]


def test_a_gallery_is_indexed_and_searched(folder: Path, photos: Path) -> None:
    Gallery.create(photos, Bundle.load(folder)).index()
    searcher = Searcher(Gallery.open(photos))
    hits = searcher.search("blue", k=4)
    assert {Path(hit.path).parent.name for hit in hits} == {"blue"}
    assert [hit.confidence for hit in hits] == [None] * 4
    assert {hit.path for hit in searcher.search(photo=photos / hits[0].path, k=4)} == {hit.path for hit in hits}


def test_a_gallery_refuses_a_model_that_was_replaced(folder: Path, photos: Path, tmp_path: Path) -> None:
    Gallery.create(photos, Bundle.load(folder)).index()
    other = write_transformers(tmp_path / "other", seed=1)
    shutil.copyfile(other / "onnx/vision_model.onnx", folder / "onnx/vision_model.onnx")
    done = CliRunner().invoke(app, ["search", "blue", "--gallery", str(photos)])
    assert done.exit_code == 1
    assert "makes different" in str(done.exception)


def test_the_fingerprint_changes_with_everything_that_changes_vectors(folder: Path, tmp_path: Path) -> None:
    first = Bundle.load(folder).fingerprint
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert Bundle.load(moved).fingerprint == first
    for precision in ("fp16", "quantized"):
        (moved / f"onnx/text_model_{precision}.onnx").unlink()
    assert Bundle.load(moved).fingerprint == first
    found = {first}
    for seed in (1, 2):
        found.add(Bundle.load(write_transformers(tmp_path / f"seed-{seed}", seed=seed)).fingerprint)
    for number, (file, values) in enumerate(
        [
            ("preprocessor_config.json", {"resample": 3}),
            ("tokenizer_config.json", {"model_max_length": 16}),
            ("tokenizer_config.json", {"padding_side": "left"}),
        ]
    ):
        changed = shutil.copytree(folder, tmp_path / f"changed-{number}")
        change(changed / file, **values)
        found.add(Bundle.load(changed).fingerprint)
    tokenizer = shutil.copytree(folder, tmp_path / "tokenizer") / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace('"red"', '"rot"'))
    found.add(Bundle.load(tokenizer.parent).fingerprint)
    assert len(found) == 7


def test_a_file_that_changes_while_the_bundle_is_open_is_refused(folder: Path) -> None:
    bundle = Bundle.load(folder)
    model = folder / "onnx/text_model.onnx"
    model.write_bytes(model.read_bytes())
    with pytest.raises(BundleDamaged, match=r"text_model\.onnx: has changed since the bundle was opened"):
        TextEncoder(bundle).encode(["red"])
    with pytest.raises(BundleDamaged, match="has changed since"):
        _ = bundle.fingerprint


def test_a_hash_is_cached_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if its size and time do not."""
    file = tmp_path / "weights"
    file.write_bytes(b"a" * 1000)
    os.utime(file, (1_600_000_000, 1_600_000_000))
    first, read = cached_sha256(file, clock_s=-1.0), []
    monkeypatch.setattr("photoseek.system.hash_cache.file_sha256", lambda path: read.append(path) or "0" * 64)
    assert (cached_sha256(file), read) == (first, [])
    file.write_bytes(b"b" * 1000)
    os.utime(file, (1_600_000_000, 1_600_000_000))
    assert (cached_sha256(file), read) == ("0" * 64, [file])


def test_the_hash_of_a_file_that_was_just_written_is_not_cached(tmp_path: Path) -> None:
    """Another change within the same tick of the clock would be invisible."""
    file = tmp_path / "weights"
    file.write_bytes(b"a")
    cached_sha256(file)
    assert not (tmp_path / "cache/photoseek/hashes.json").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"x": 5}', "\0"])
def test_a_damaged_cache_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "cache/photoseek").mkdir(parents=True)
    (tmp_path / "cache/photoseek/hashes.json").write_text(content)
    (tmp_path / "weights").write_bytes(b"a")
    for _ in range(2):
        assert cached_sha256(tmp_path / "weights", clock_s=-1.0) == hashlib.sha256(b"a").hexdigest()
    assert str(tmp_path / "weights") in json.loads((tmp_path / "cache/photoseek/hashes.json").read_text())


def test_info_and_verify_report_what_is_known(folder: Path) -> None:
    printed = CliRunner().invoke(app, ["info", str(folder), "--json"])
    facts = json.loads(printed.output)
    assert (facts["layout"], facts["dim"], facts["license"]) == ("transformers", DIM, "unknown")
    assert (facts["text_input"]["max_length"], facts["preprocessing"]["height"]) == (32, 8)
    verified = CliRunner().invoke(app, ["verify", str(folder)])
    assert verified.exit_code == 0, verified.output
    assert "both towers run in fp32, fp16, q8" in verified.output
    assert "the files are not verified" in verified.output


def test_an_installed_one_is_calibrated_in_its_record(folder: Path, photos: Path) -> None:
    """The files of the other program do not change, and hits have a confidence."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    records = {name: FileRecord.of(path) for name, path in files.items()}
    ModelRecord("model", {"org/model": "0" * 40}, "fp32", "mit", files=records).write(folder)
    captions = photos / "captions.token"
    captions.write_text("".join(f"{name}/{name}-0.png#0\ta {name} picture\n" for name in COLORS))
    fingerprint = Bundle.load(folder).fingerprint
    words = ["calibrate", "--bundle", str(folder), "--images", str(photos), "--captions", str(captions), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    bundle = Bundle.load(folder)
    bundle.verify()
    assert bundle.fingerprint == fingerprint
    assert {each: facts["confidence"] for each, facts in bundle.manifest.precisions.items()} == json.loads(done.stdout)
    Gallery.create(photos, bundle).index()
    right, *_, wrong = Searcher(Gallery.open(photos)).search("a red picture", k=24)
    assert right.confidence is not None
    assert wrong.confidence is not None
    assert right.confidence > wrong.confidence


def test_a_folder_cannot_be_calibrated(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "captions.token").write_text("a.jpg#0\tred\n")
    words = [
        "calibrate",
        "--bundle",
        str(folder),
        "--images",
        str(tmp_path),
        "--captions",
        str(tmp_path / "captions.token"),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "photoseek-export --from-clip" in str(done.exception)
