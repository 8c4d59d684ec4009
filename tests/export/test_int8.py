"""int8 graphs: near the full ones, free of their neighbours, and in a bundle only with what they cost."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from typer.testing import CliRunner

from photoseek import Bundle
from photoseek.bundle.manifest import Layout
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.photos.preprocessing import Preprocessing
from photoseek_export import export_checkpoint
from photoseek_export.attention_fusion import fuse_layers, write_fused_text_graph
from photoseek_export.cli import app
from photoseek_export.errors import ExportError, RecallDropTooHigh
from photoseek_export.onnx_export import write_text_graph
from photoseek_export.parity import check_text_parity
from photoseek_export.quality_gate import EvaluationImages
from photoseek_export.quantize import CALIBRATION_PHOTOS, calibration_images
from photoseek_train.model.checkpoint import load_checkpoint
from tiny_bundle import COLORS
from tiny_photos import write_color

TEXTS = ["a red car", "two white dogs on a beach at night, children playing next to a boat", "", "cars"]
ANY_LOSS = 100.0  # of random towers, whose ranks are arbitrary


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty noisy photos to calibrate with, and a file that is not a photo."""
    folder = tmp_path_factory.mktemp("calibration")
    for number in range(20):
        color = list(COLORS.values())[number % len(COLORS)]
        write_color(folder / f"{number % 3}" / f"noise{number}.png", color, seed=number, size=(70, 90))
    (folder / "broken.jpg").write_text("no photo")
    return folder


@pytest.fixture(scope="module")
def bundle(
    checkpoint: Path, captioned: EvaluationImages, photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    out = tmp_path_factory.mktemp("bundles") / "small"
    precisions = ["fp32", "int8"]
    return export_checkpoint(
        checkpoint, out, precisions=precisions, evaluation=captioned, calibration=photos, max_loss=ANY_LOSS
    )


def test_int8_points_nearly_where_the_full_towers_do(bundle: Bundle) -> None:
    texts = [TextEncoder(bundle, precision).encode(TEXTS) for precision in ("fp32", "int8")]
    noise = [Image.effect_noise((90 + 7 * number, 70), 60 + number).convert("RGB") for number in range(3)]
    images = [ImageEncoder(bundle, precision).encode(noise) for precision in ("fp32", "int8")]
    for exact, rounded in (texts, images):
        assert np.abs(exact - rounded).max() > 0
        assert (exact * rounded).sum(axis=1).min() > 0.99


def test_int8_vectors_do_not_follow_their_neighbors(bundle: Bundle) -> None:
    encoder = TextEncoder(bundle, "int8")
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode(TEXTS), alone, atol=1e-6)
    noise = [Image.effect_noise((80, 80), 20 * number + 9).convert("RGB") for number in range(5)]
    images = ImageEncoder(bundle, "int8")
    each = np.concatenate([images.encode([image]) for image in noise])
    np.testing.assert_allclose(images.encode(noise), each, atol=1e-6)


def test_the_graphs_are_quantized_where_time_goes(bundle: Bundle) -> None:
    text = onnx.load(str(bundle.path / Layout.text_model("int8")))
    operators = Counter(node.op_type for node in text.graph.node)
    assert operators["MultiHeadAttention"] == 2  # one a layer
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


def test_an_int8_bundle_tells_what_it_costs(bundle: Bundle) -> None:
    facts = bundle.manifest.precisions
    assert set(facts) == {"fp32", "int8"}
    for precision in facts:
        assert facts[precision]["metrics"]["images"] == 12
        assert set(facts[precision]["parity"]) == {"text", "vision"}
    assert "| int8 | text to image |" in (bundle.path / Layout.CARD).read_text("utf-8")


def test_a_loss_above_the_allowed_one_leaves_no_bundle(
    checkpoint: Path, captioned: EvaluationImages, photos: Path, tmp_path: Path
) -> None:
    asked = {"precisions": ["fp32", "int8"], "evaluation": captioned, "calibration": photos}
    with pytest.raises(RecallDropTooHigh, match=r"int8 loses -?\d.*at most -100\.0 is allowed; no bundle was written"):
        export_checkpoint(checkpoint, tmp_path / "bundle", max_loss=-ANY_LOSS, **asked)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_int8_is_refused_without_a_measure_or_another_precision(
    checkpoint: Path, captioned: EvaluationImages, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="requires an evaluation against fp32 or fp16"):
        export_checkpoint(checkpoint, tmp_path / "b", precisions=["fp32", "int8"])
    with pytest.raises(ExportError, match="requires an evaluation against fp32 or fp16"):
        export_checkpoint(checkpoint, tmp_path / "b", precisions=["int8"], evaluation=captioned)
    done = CliRunner().invoke(app, [str(checkpoint), "--out", str(tmp_path / "b"), "--int8"])
    assert done.exit_code == 2
    assert "--images and --captions" in re.sub(r"[│\s]+", " ", done.output)


def test_a_text_tower_that_nobody_measured_is_refused(
    checkpoint: Path, chinese_checkpoint: Path, captioned: EvaluationImages, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="found no captions for that of zh; pass them with another --captions"):
        export_checkpoint(
            checkpoint,
            tmp_path / "b",
            precisions=["fp32", "int8"],
            texts={"zh": chinese_checkpoint},
            evaluation=captioned,
            calibration=photos,
            max_loss=ANY_LOSS,
        )
    assert not list(tmp_path.iterdir())


def test_photos_that_are_measured_never_calibrate(
    checkpoint: Path, captioned: EvaluationImages, tmp_path: Path
) -> None:
    """All images of the set count, so none is left."""
    with pytest.raises(ExportError, match=r"at least 16 readable photos .* found 0; .*--calibration"):
        export_checkpoint(checkpoint, tmp_path / "b", precisions=["fp32", "int8"], evaluation=captioned)


def test_calibration_takes_readable_photos_at_random(photos: Path) -> None:
    how = Preprocessing(32, 32, 32)
    found = calibration_images(photos, how)
    assert found.shape == (20, 3, 32, 32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, calibration_images(photos, how))
    assert len(calibration_images(photos, how, without=["noise1.png", "noise2.png"])) == 18
    assert len(calibration_images(photos, how, without=["0/noise3.png"])) == 19  # named as captions name it
    with pytest.raises(ExportError, match="found 15"):
        calibration_images(photos, how, without=[f"noise{number}.png" for number in range(5)])
    assert len(found) < CALIBRATION_PHOTOS


def test_attention_that_cannot_be_fused_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    """Here that of an ordinary export, in which a layer's attention is not one operator."""
    model = load_checkpoint(checkpoint, attention="eager").model
    write_text_graph(model, tmp_path / "plain.onnx")
    with pytest.raises(ExportError, match=r"expected fused attention in 2 layers, found it in 0; .*upgrade"):
        fuse_layers(tmp_path / "plain.onnx", model.text_tower.bert.config, tmp_path / "fused.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["plain.onnx"]


def test_a_fused_graph_is_pytorchs_and_leaves_the_model_as_it_was(checkpoint: Path, tmp_path: Path) -> None:
    model = load_checkpoint(checkpoint, attention="eager").model
    write_fused_text_graph(model, tmp_path / "fused.onnx")
    assert check_text_parity(model, tmp_path / "fused.onnx") < 1e-4
    assert model.text_tower.bert.config._attn_implementation == "eager"
    assert [path.name for path in tmp_path.iterdir()] == ["fused.onnx"]
