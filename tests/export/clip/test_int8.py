"""int8 of CLIP models, exported from transformers or added to a bundle that is ONNX already."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import clip_models as clip
import integer_reference
from clip_folders import Reference
from exported_source import ExportedSource
from photoseek import Bundle
from photoseek.bundle.installed_models import ModelRecord
from photoseek.bundle.manifest import FileRecord, Layout
from photoseek.bundle.onnx_session import OnnxSession
from photoseek.cli.app import app
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import MissingExtra
from photoseek_export import cli
from photoseek_export.bundle_quantizer import quantize_bundle
from photoseek_export.bundle_writer import ExportOptions, write_bundle
from photoseek_export.errors import BundleExists, ExportError, RecallDropTooHigh, SimilarityTooLow
from photoseek_export.onnx_export import write_vision_graph
from photoseek_export.quality_gate import EvaluationImages

_ANY = -1.0  # random towers of 32 dimensions are less accurate than trained ones


@pytest.fixture(scope="session")
def int8_clip(sources: dict[str, tuple[Path, Reference]], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A CLIP exported with int8 by the command, without captioned images; read-only."""
    out = tmp_path_factory.mktemp("int8") / "bundle"
    words = ["--from-clip", str(sources["clip"][0]), "--out", str(out), "--int8", f"--min-cosine={_ANY}"]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    return Bundle.load(out)


@pytest.fixture
def folder(exported: Callable[[str], Bundle], tmp_path: Path) -> Path:
    """A copy of the bundle of a CLIP without int8."""
    return shutil.copytree(exported("clip").path, tmp_path / "clip")


def expect_int8(bundle: Bundle) -> None:
    """Expect vectors close to those of fp32, whatever the batch."""
    for encoder, inputs in ((TextEncoder, clip.TEXTS), (ImageEncoder, clip.photos())):
        exact, rounded = (encoder(bundle, precision).encode(inputs) for precision in ("fp32", "int8"))  # type: ignore[operator]
        assert np.abs(exact - rounded).max() > 0
        assert (exact * rounded).sum(axis=1).mean() > 0.98
        alone = [encoder(bundle, "int8").encode([each]) for each in inputs]  # type: ignore[operator]
        np.testing.assert_allclose(rounded, np.concatenate(alone), atol=1e-6)


def test_int8_vectors_are_close_to_fp32_and_do_not_depend_on_the_batch(int8_clip: Bundle) -> None:
    expect_int8(int8_clip)


def test_int8_graphs_are_evaluated_in_integers(int8_clip: Bundle) -> None:
    random = np.random.default_rng(0)
    ids = random.integers(0, 50, (1, 9))
    texts = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    photos = {"pixel_values": random.normal(size=(1, 3, clip.SIZE, clip.SIZE)).astype(np.float32)}
    for name, feeds in ((Layout.text_model("int8"), texts), (Layout.vision_model("int8"), photos)):
        expected = integer_reference.evaluate(int8_clip.path / name, feeds)
        found = OnnxSession(int8_clip.path / name).run(feeds)
        np.testing.assert_allclose(found, expected, atol=5e-3 * np.abs(expected).max())


def test_without_captions_the_similarity_is_recorded(int8_clip: Bundle) -> None:
    facts = int8_clip.manifest.precisions["int8"]
    assert set(facts["similarity"]) == {"texts", "photos"}
    assert "metrics" not in facts


def test_a_similarity_below_the_limit_leaves_no_bundle(int8_clip: Bundle, tmp_path: Path) -> None:
    options = ExportOptions(tmp_path / "b", None, ["fp32", "int8"], "MIT", None, False, min_cosine=1.1)
    with pytest.raises(SimilarityTooLow, match=r"photos: int8 vectors have a mean cosine of .* expected at least 1\.1"):
        write_bundle(ExportedSource(int8_clip), options)
    assert not list(tmp_path.iterdir())


def test_int8_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"export one of them too$"):
        ExportOptions(tmp_path / "b", None, ["int8"], "MIT", None, False, min_cosine=0.9).check(Layout.PRECISIONS)


def test_a_bundle_that_is_onnx_gets_int8(folder: Path, int8_clip: Bundle) -> None:
    fingerprint = Bundle.load(folder).fingerprint
    facts = quantize_bundle(folder, min_cosine=_ANY)
    bundle = Bundle.load(folder)
    bundle.verify()
    assert bundle.precisions == ("fp32", "fp16", "int8")
    assert bundle.manifest.precisions["int8"] == facts
    assert facts["similarity"] == int8_clip.manifest.precisions["int8"]["similarity"]
    assert bundle.fingerprint == fingerprint
    expect_int8(bundle)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_model_in_the_layout_of_transformers_gets_int8(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "clip")
    quantize_bundle(folder, min_cosine=_ANY)
    bundle = Bundle.load(folder)
    assert (bundle.layout, bundle.precisions) == ("transformers", ("fp32", "int8"))
    expect_int8(bundle)


def test_an_image_tower_of_convolutions_gets_fp16_weights(clip_folder: Path, tmp_path: Path) -> None:
    """The text tower becomes int8; vectors of photos change only by the rounding of weights."""
    folder = shutil.copytree(clip_folder, tmp_path / "clip")
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Conv2d(3, 64, 8, 8), nn.GELU(), nn.Conv2d(64, 24, 6), nn.Flatten())
    size = (clip.SIZE, clip.SIZE)
    write_vision_graph(tower, lambda inputs: tower(inputs["pixel_values"]), size, folder / Layout.vision_model("fp32"))
    facts = quantize_bundle(folder, min_cosine=_ANY)
    assert facts["similarity"]["photos"] >= 0.9999 > facts["similarity"]["texts"]
    graphs = [folder / name for name in (Layout.vision_model("int8"), Layout.vision_model("fp32"))]
    assert graphs[0].stat().st_size < 0.55 * graphs[1].stat().st_size
    vectors = ImageEncoder(Bundle.load(folder), "int8").encode(clip.photos())
    np.testing.assert_allclose(vectors, ImageEncoder(Bundle.load(folder), "fp32").encode(clip.photos()), atol=2e-3)


def install(source: Path, models: Path) -> Path:
    """Install a folder by the name ``mine``."""
    folder = shutil.copytree(source, models / "mine")
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    records = {name: FileRecord.of(path) for name, path in files.items()}
    ModelRecord("mine", {"org/mine": "0" * 40}, "fp32", "mit", files=records).write(folder)
    return folder


@pytest.mark.parametrize("layout", ["photoseek", "transformers"])
def test_an_installed_model_gets_int8(
    layout: str, folder: Path, clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a run that was killed before the record listed its first graph."""
    monkeypatch.setenv("PHOTOSEEK_MODELS", str(tmp_path / "models"))
    installed = install(folder if layout == "photoseek" else clip_folder, tmp_path / "models")
    (installed / "onnx/text_model_int8.onnx").write_bytes(b"a part")
    words = ["models", "quantize", "mine", f"--min-cosine={_ANY}", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert set(json.loads(done.stdout)["similarity"]) == {"texts", "photos"}
    bundle = Bundle.load("mine")
    bundle.verify()
    assert (bundle.layout, bundle.precisions[-1]) == (layout, "int8")
    monkeypatch.setattr("photoseek.bundle.bundle.prefers_int8", lambda: True)
    assert bundle.select_precision(None) == "int8"
    expect_int8(bundle)
    assert CliRunner().invoke(app, words).exit_code == 1


def test_an_installed_model_is_compared_on_captioned_images(
    folder: Path, captioned: EvaluationImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOSEEK_MODELS", str(tmp_path / "models"))
    install(folder, tmp_path / "models")
    words = ["models", "quantize", "mine", "--images", str(captioned.images), "--captions", str(captioned.captions)]
    done = CliRunner().invoke(app, [*words, "--max-loss=100", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["metrics"]["images"] > 0


def test_without_onnx_the_extra_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOSEEK_MODELS", str(tmp_path / "models"))
    install(folder, tmp_path / "models")
    monkeypatch.setitem(sys.modules, "photoseek_export.bundle_quantizer", None)
    done = CliRunner().invoke(app, ["models", "quantize", "mine"])
    assert (done.exit_code, type(done.exception)) == (1, MissingExtra)
    assert "pip install 'photoseek[export]'" in str(done.exception)


def test_a_rejected_int8_leaves_an_installed_model_as_it_is(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOSEEK_MODELS", str(tmp_path / "models"))
    folder = install(clip_folder, tmp_path / "models")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = CliRunner().invoke(app, ["models", "quantize", "mine", "--min-cosine=1.1"])
    assert (done.exit_code, type(done.exception)) == (1, SimilarityTooLow)
    assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == before
    assert CliRunner().invoke(app, ["models", "quantize", "mine", "--images", "."]).exit_code == 2


def test_captioned_images_measure_the_loss(folder: Path, captioned: EvaluationImages) -> None:
    with pytest.raises(RecallDropTooHigh, match=r"int8 loses .* at most -100\.0 is allowed"):
        quantize_bundle(folder, evaluation=captioned, max_loss=-100.0)
    assert Bundle.load(folder).precisions == ("fp32", "fp16")
    facts = quantize_bundle(folder, evaluation=captioned, max_loss=100.0)
    assert facts["metrics"]["images"] == 12
    with pytest.raises(BundleExists, match="expected a bundle without int8"):
        quantize_bundle(folder)


def test_a_failure_leaves_the_folder_unchanged(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(SimilarityTooLow):
        quantize_bundle(folder, min_cosine=1.1)
    assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == before


def test_other_bundles_are_refused(immich_folder: Path) -> None:
    with pytest.raises(
        ExportError, match="expected a bundle of one of the layouts photoseek, transformers, found immich"
    ):
        quantize_bundle(immich_folder)
    with pytest.raises(ExportError, match="expected fp32 graphs to convert to int8, found int8"):
        quantize_bundle("demo")


def test_a_bundle_is_quantized_without_pytorch() -> None:
    code = "import photoseek_export.bundle_quantizer, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
