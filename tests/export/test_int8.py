"""int8 graphs: close to fp32, independent of the batch, and in a bundle only with their metrics."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from typer.testing import CliRunner

import integer_reference
from exported_source import ExportedSource
from photoseek import Bundle
from photoseek.bundle.manifest import Layout
from photoseek.bundle.onnx_session import OnnxSession
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.photos.preprocessing import Preprocessing
from photoseek_export import export_checkpoint
from photoseek_export.attention_fusion import fuse_layers, write_fused_graph
from photoseek_export.bundle_writer import ExportOptions, write_bundle
from photoseek_export.cli import app
from photoseek_export.errors import ExportError, RecallDropTooHigh
from photoseek_export.quality_gate import EvaluationImages
from photoseek_export.quantize import CALIBRATION_PHOTOS, calibration_images
from photoseek_export.towers import text_tower
from photoseek_train.model.checkpoint import load_checkpoint

TEXTS = ["a red car", "two white dogs on a beach at night, children playing next to a boat", "", "cars"]


def test_int8_vectors_are_close_to_fp32(bundle: Bundle) -> None:
    texts = [TextEncoder(bundle, precision).encode(TEXTS) for precision in ("fp32", "int8")]
    noise = [Image.effect_noise((90 + 7 * number, 70), 60 + number).convert("RGB") for number in range(3)]
    images = [ImageEncoder(bundle, precision).encode(noise) for precision in ("fp32", "int8")]
    for exact, rounded in (texts, images):
        assert np.abs(exact - rounded).max() > 0
        assert (exact * rounded).sum(axis=1).min() > 0.99


def test_int8_vectors_do_not_depend_on_the_batch(bundle: Bundle) -> None:
    encoder = TextEncoder(bundle, "int8")
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode(TEXTS), alone, atol=1e-6)
    noise = [Image.effect_noise((80, 80), 20 * number + 9).convert("RGB") for number in range(5)]
    images = ImageEncoder(bundle, "int8")
    each = np.concatenate([images.encode([image]) for image in noise])
    np.testing.assert_allclose(images.encode(noise), each, atol=1e-6)


def test_int8_graphs_are_evaluated_in_integers(bundle: Bundle) -> None:
    """Whatever the CPU; see ``test_int8_exactness`` for sums that saturate."""
    ids = np.random.default_rng(0).integers(0, 100, (1, 9))
    texts = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    photos = {"pixel_values": np.random.default_rng(1).normal(size=(1, 3, 64, 64)).astype(np.float32)}
    for name, feeds in ((Layout.text_model("int8"), texts), (Layout.vision_model("int8"), photos)):
        expected = integer_reference.evaluate(bundle.path / name, feeds)
        found = OnnxSession(bundle.path / name).run(feeds)
        np.testing.assert_allclose(found, expected, atol=5e-3 * np.abs(expected).max())


def test_layers_and_convolutions_are_quantized_and_projectors_are_not(bundle: Bundle) -> None:
    text = onnx.load(str(bundle.path / Layout.text_model("int8")))
    operators = Counter(node.op_type for node in text.graph.node)
    assert operators["MultiHeadAttention"] == 2  # one per layer
    assert operators["SkipLayerNormalization"] == 4
    assert operators["MatMulInteger"] == 2 * 6
    constants = {tensor.name for tensor in text.graph.initializer}
    weighted = [node for node in text.graph.node if node.op_type == "MatMul" and node.input[1] in constants]
    assert len(weighted) == 2  # the projector's
    vision = onnx.load(str(bundle.path / Layout.vision_model("int8")))
    made_by = {name: node.op_type for node in vision.graph.node for name in node.output}
    convolutions = [node for node in vision.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 20
    assert {made_by[name] for node in convolutions for name in node.input[:2]} == {"DequantizeLinear"}


def test_an_int8_bundle_has_metrics_of_int8(bundle: Bundle) -> None:
    assert bundle.manifest.precisions["int8"]["metrics"]["images"] == 12
    assert "| int8 | text to image |" in (bundle.path / Layout.CARD).read_text("utf-8")


def test_a_loss_above_the_limit_leaves_no_bundle(bundle: Bundle, captioned: EvaluationImages, tmp_path: Path) -> None:
    options = ExportOptions(tmp_path / "b", None, ["fp32", "fp16", "int8"], "MIT", captioned, False, max_loss=-100.0)
    with pytest.raises(RecallDropTooHigh, match=r"int8 loses -?\d.*at most -100\.0 is allowed; no bundle was written"):
        write_bundle(ExportedSource(bundle), options)
    assert not list(tmp_path.iterdir())


def test_int8_requires_an_evaluation_and_another_precision(
    checkpoint: Path, captioned: EvaluationImages, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="requires an evaluation against fp32 or fp16"):
        export_checkpoint(checkpoint, tmp_path / "b", precisions=["fp32", "int8"])
    with pytest.raises(ExportError, match="requires an evaluation against fp32 or fp16"):
        export_checkpoint(checkpoint, tmp_path / "b", precisions=["int8"], evaluation=captioned)
    done = CliRunner().invoke(app, [str(checkpoint), "--out", str(tmp_path / "b"), "--int8"])
    assert done.exit_code == 2
    assert "--images and --captions" in re.sub(r"[│\s]+", " ", done.output)


def test_int8_requires_captions_for_each_text_tower(
    checkpoint: Path, chinese_checkpoint: Path, captioned: EvaluationImages, calibration: Path, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="found no captions for the tower of zh; pass them with another --captions"):
        export_checkpoint(
            checkpoint,
            tmp_path / "b",
            precisions=["fp32", "int8"],
            texts={"zh": chinese_checkpoint},
            evaluation=captioned,
            calibration=calibration,
        )
    assert not list(tmp_path.iterdir())


def test_evaluated_photos_never_calibrate(checkpoint: Path, captioned: EvaluationImages, tmp_path: Path) -> None:
    """All images of the set are evaluated, so none is left."""
    with pytest.raises(ExportError, match=r"at least 16 readable photos .* found 0; .*--calibration"):
        export_checkpoint(checkpoint, tmp_path / "b", precisions=["fp32", "int8"], evaluation=captioned)


def test_calibration_samples_readable_photos(calibration: Path) -> None:
    preprocessing = Preprocessing(32, 32, 32)
    found = calibration_images(calibration, preprocessing)
    assert found.shape == (20, 3, 32, 32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, calibration_images(calibration, preprocessing))
    assert len(calibration_images(calibration, preprocessing, without=["noise1.png", "noise2.png"])) == 18
    assert (
        len(calibration_images(calibration, preprocessing, without=["0/noise3.png"])) == 19
    )  # named as captions name it
    with pytest.raises(ExportError, match="found 15"):
        calibration_images(calibration, preprocessing, without=[f"noise{number}.png" for number in range(5)])
    assert len(found) < CALIBRATION_PHOTOS


def test_attention_that_cannot_be_fused_is_refused(bundle: Bundle, checkpoint: Path, tmp_path: Path) -> None:
    """For example in an ordinary export, in which a layer's attention is several operators."""
    config = load_checkpoint(checkpoint).model.text_tower.bert.config
    with pytest.raises(ExportError, match=r"expected fused attention in 2 layers, found it in 0; .*upgrade"):
        fuse_layers(bundle.path / Layout.text_model("fp32"), config, tmp_path / "fused.onnx")
    assert not list(tmp_path.iterdir())


def test_a_fused_graph_is_pytorchs_and_leaves_the_model_unchanged(checkpoint: Path, tmp_path: Path) -> None:
    loaded = load_checkpoint(checkpoint, attention="eager")
    tower, bert = text_tower(loaded), loaded.model.text_tower.bert
    write_fused_graph(bert, tower.write, tmp_path / "fused.onnx")
    assert tower.check(tmp_path / "fused.onnx") < 1e-4
    assert bert.config._attn_implementation == "eager"
    assert [path.name for path in tmp_path.iterdir()] == ["fused.onnx"]
