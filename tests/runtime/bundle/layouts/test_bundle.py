"""A folder of another program is a bundle like any other, but for what nobody vouches for."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from foreign_tiny import change, write_foreign
from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.hash_cache import cached_sha256
from photoseek.cli.app import app
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import BundleDamaged, BundleIncompatible
from tiny_bundle import COLORS, DIM, write_tiny_bundle


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_foreign(tmp_path / "model", precisions=("fp32", "fp16", "int8"))


def test_it_makes_the_vectors_of_its_graphs(folder: Path, tmp_path: Path) -> None:
    own = Bundle.load(write_tiny_bundle(tmp_path / "own"))
    bundle = Bundle.load(folder)
    assert (bundle.name, bundle.layout, bundle.dim) == ("model", "transformers", DIM)
    names, pictures = list(COLORS), [Image.new("RGB", (9, 5), color) for color in COLORS.values()]
    np.testing.assert_allclose(TextEncoder(bundle).encode(names), TextEncoder(own).encode(names), atol=1e-6)
    np.testing.assert_allclose(ImageEncoder(bundle).encode(pictures), ImageEncoder(own).encode(pictures), atol=1e-6)


def test_the_most_exact_precision_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a processor that is fast in int8: nothing tells what that loses here."""
    monkeypatch.setattr("photoseek.bundle.bundle.has_int8_instructions", lambda: True)
    for tower in ("text", "vision"):
        shutil.copyfile(folder / f"onnx/{tower}_model.onnx", folder / f"onnx/{tower}_model_int8.onnx")
    bundle = Bundle.load(folder)
    assert bundle.precisions == ("fp32", "fp16", "int8", "q8")
    assert bundle.choose(None) == "fp32"
    for tower in ("text", "vision"):
        (folder / f"onnx/{tower}_model_int8.onnx").unlink()
    bundle = Bundle.load(folder)
    assert bundle.precisions == ("fp32", "fp16", "q8")
    assert bundle.choose(None) == "fp32"
    assert bundle.choose("q8") == "q8"
    with pytest.raises(BundleIncompatible, match="has no int8; it has fp32, fp16, q8"):
        bundle.choose("int8")


def test_a_precision_counts_only_with_both_towers(folder: Path) -> None:
    (folder / "onnx/vision_model_fp16.onnx").unlink()
    assert Bundle.load(folder).precisions == ("fp32", "q8")


def test_what_is_scaled_by_the_run_runs_alone(folder: Path) -> None:
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


def test_a_gallery_refuses_a_model_that_was_changed_under_its_name(folder: Path, photos: Path, tmp_path: Path) -> None:
    Gallery.create(photos, Bundle.load(folder)).index()
    other = write_foreign(tmp_path / "other", seed=1)
    shutil.copyfile(other / "onnx/vision_model.onnx", folder / "onnx/vision_model.onnx")
    done = CliRunner().invoke(app, ["search", "blue", "--gallery", str(photos)])
    assert done.exit_code == 1
    assert "makes other" in str(done.exception)


def test_the_fingerprint_follows_from_what_changes_vectors(folder: Path, tmp_path: Path) -> None:
    first = Bundle.load(folder).fingerprint
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert Bundle.load(moved).fingerprint == first
    for precision in ("fp16", "quantized"):
        (moved / f"onnx/text_model_{precision}.onnx").unlink()
    assert Bundle.load(moved).fingerprint == first
    found = {first}
    for seed in (1, 2):
        found.add(Bundle.load(write_foreign(tmp_path / f"seed-{seed}", seed=seed)).fingerprint)
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


def test_a_file_that_changes_while_it_is_used_is_told(folder: Path) -> None:
    bundle = Bundle.load(folder)
    model = folder / "onnx/text_model.onnx"
    model.write_bytes(model.read_bytes())
    with pytest.raises(BundleDamaged, match=r"text_model\.onnx: has changed since the bundle was opened"):
        TextEncoder(bundle).encode(["red"])
    with pytest.raises(BundleDamaged, match="has changed since"):
        _ = bundle.fingerprint


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where size and time stay what they were."""
    file = tmp_path / "weights"
    file.write_bytes(b"a" * 1000)
    os.utime(file, (1_600_000_000, 1_600_000_000))
    monkeypatch.setattr("photoseek.bundle.hash_cache._CLOCK_S", -1.0)
    first, read = cached_sha256(file), []
    monkeypatch.setattr("photoseek.bundle.hash_cache.file_sha256", lambda path: read.append(path) or "0" * 64)
    assert (cached_sha256(file), read) == (first, [])
    file.write_bytes(b"b" * 1000)
    os.utime(file, (1_600_000_000, 1_600_000_000))
    assert (cached_sha256(file), read) == ("0" * 64, [file])


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    """A further change within the same tick of the clock would not show."""
    file = tmp_path / "weights"
    file.write_bytes(b"a")
    cached_sha256(file)
    assert not (tmp_path / "cache/photoseek/hashes.json").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"x": 5}', "\0"])
def test_a_damaged_cache_costs_time_alone(tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photoseek.bundle.hash_cache._CLOCK_S", -1.0)
    (tmp_path / "cache/photoseek").mkdir(parents=True)
    (tmp_path / "cache/photoseek/hashes.json").write_text(content)
    (tmp_path / "weights").write_bytes(b"a")
    first = cached_sha256(tmp_path / "weights")
    assert (
        first
        == cached_sha256(tmp_path / "weights")
        == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    )
    assert str(tmp_path / "weights") in json.loads((tmp_path / "cache/photoseek/hashes.json").read_text())


def test_info_and_verify_tell_what_is_known(folder: Path) -> None:
    told = CliRunner().invoke(app, ["info", str(folder), "--json"])
    facts = json.loads(told.output)
    assert (facts["layout"], facts["dim"], facts["license"]) == ("transformers", DIM, "unknown")
    assert (facts["reading"]["limit"], facts["preprocessing"]["height"]) == (32, 8)
    verified = CliRunner().invoke(app, ["verify", str(folder)])
    assert verified.exit_code == 0, verified.output
    assert "both towers run in fp32, fp16, q8" in verified.output
    assert "the files are not verified" in verified.output


def test_a_confidence_cannot_be_kept_in_it(folder: Path, tmp_path: Path) -> None:
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
