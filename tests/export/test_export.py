"""A checkpoint becomes a bundle whose vectors are PyTorch's, or nothing at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from photoseek import Bundle
from photoseek.bundle.manifest import Layout
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.evaluation.evaluate import encode_captioned
from photoseek_export import export_checkpoint, extra_text_towers
from photoseek_export.bundle_folder import check_output_folder
from photoseek_export.cli import app
from photoseek_export.errors import BundleExists, ExportError, ParityError
from photoseek_export.fp16_storage import store_weights_fp16
from photoseek_export.quality_gate import EvaluationImages
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.evaluation.evaluate import evaluate as evaluate_in_torch
from photoseek_train.model.checkpoint import load_checkpoint, read_metrics, weights_hash

TEXTS = ["a red car", "two white dogs on a beach at night, children playing next to a boat", "", "cars"]


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, captioned: EvaluationImages, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The checkpoint as a bundle of both precisions."""
    out = tmp_path_factory.mktemp("bundles") / "small"
    return export_checkpoint(checkpoint, out, precisions=["fp32", "fp16"], evaluation=captioned)


def test_text_vectors_are_pytorchs_at_any_batch_and_length(bundle: Bundle, checkpoint: Path) -> None:
    """Each sentence alone and unpadded through PyTorch; all together and padded through the runtime."""
    model, config, tokenizer = load_checkpoint(checkpoint)
    texts = [*TEXTS, "boat " * 200]
    expected = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=config.model.max_tokens, return_tensors="pt")
        with torch.inference_mode():
            expected.append(model.encode_text(tokens["input_ids"], tokens["attention_mask"])[0].numpy())
    np.testing.assert_allclose(TextEncoder(bundle).encode(texts), np.stack(expected), atol=1e-4)


def test_image_vectors_are_pytorchs_at_another_batch_size(bundle: Bundle, checkpoint: Path) -> None:
    model, config, _ = load_checkpoint(checkpoint)
    images = [Image.effect_noise((90 + 7 * number, 70), 60 + number).convert("RGB") for number in range(3)]
    pixels = np.stack([config.preprocessing(image) for image in images])
    with torch.inference_mode():
        expected = model.encode_image(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(ImageEncoder(bundle).encode(images), expected, atol=1e-4)


def test_half_the_bytes_move_vectors_by_little(bundle: Bundle) -> None:
    exact, rounded = TextEncoder(bundle, "fp32").encode(TEXTS), TextEncoder(bundle, "fp16").encode(TEXTS)
    assert 0 < np.abs(exact - rounded).max() < 5e-3
    # of the small text tower here, much is structure and not weights
    for model, share in ((Layout.text_model, 0.75), (Layout.vision_model, 0.52)):
        half, full = (bundle.manifest.files[model(precision)].bytes for precision in ("fp16", "fp32"))
        assert half < share * full


def test_the_bundle_has_the_layout_that_other_loaders_expect(bundle: Bundle) -> None:
    for name in (
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "onnx/text_model.onnx",
        "onnx/vision_model.onnx",
        "onnx/text_model_fp16.onnx",
        "onnx/vision_model_fp16.onnx",
        "README.md",
    ):
        assert name in bundle.manifest.files
    assert json.loads((bundle.path / "tokenizer_config.json").read_text())["model_max_length"] == 48
    text = onnx.load(str(bundle.path / "onnx" / "text_model.onnx")).graph
    assert [(node.name, dimensions(node)) for node in text.input] == [
        ("input_ids", ["batch", "sequence"]),
        ("attention_mask", ["batch", "sequence"]),
    ]
    assert [node.name for node in text.output] == ["text_embeds"]
    vision = onnx.load(str(bundle.path / "onnx" / "vision_model.onnx")).graph
    assert [(node.name, dimensions(node)) for node in vision.input] == [("pixel_values", ["batch", 3, 64, 64])]
    assert [node.name for node in vision.output] == ["image_embeds"]


def dimensions(node: onnx.ValueInfoProto) -> list[str | int]:
    return [axis.dim_param or axis.dim_value for axis in node.type.tensor_type.shape.dim]


def test_the_manifest_tells_where_the_bundle_comes_from(bundle: Bundle, checkpoint: Path) -> None:
    bundle.verify()
    manifest = bundle.manifest
    assert manifest.weights == weights_hash(checkpoint)
    assert manifest.training["settings"]["tune"] == "both"
    assert list(manifest.precisions) == ["fp32", "fp16"]
    for facts in manifest.precisions.values():
        assert facts["metrics"]["images"] == 12
        assert facts["parity"]["text"] < 5e-3
    assert json.loads((bundle.path / "config.json").read_text())["vision_config"] == {
        "model_type": "resnet18",
        "hidden_size": 512,
    }
    card = (bundle.path / "README.md").read_text()
    assert "| image tower | resnet18 of torchvision, initialized from: none |" in card
    assert "| fp16 | text to image | 12 | 24 |" in card


def test_full_precision_has_the_metrics_of_training_where_none_are_measured(plain: Bundle, checkpoint: Path) -> None:
    assert plain.manifest.precisions["fp32"]["metrics"] == read_metrics(checkpoint)["dev"]
    assert plain.manifest.training["best_epoch"] == 7
    assert "| fp32 | text to image | 1000 | 5000 | 10.0 | 20.0 | 30.0 | 9 |" in (plain.path / "README.md").read_text()


def test_the_runtime_measures_what_training_measures(
    bundle: Bundle, checkpoint: Path, captioned: EvaluationImages
) -> None:
    trained = evaluate_in_torch(checkpoint, CaptionedPhotos.read(captioned.images, captioned.captions)).metrics
    found = encode_captioned(bundle, captioned.images, captioned.captions, precision="fp32").evaluate().metrics
    assert found == trained
    assert bundle.manifest.precisions["fp32"]["metrics"] == found.to_json()


def test_an_export_that_does_not_verify_leaves_nothing_behind(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(model: torch.nn.Module, path: Path) -> None:
        with torch.no_grad():
            model.text_projector.first.bias.add_(1.0)  # type: ignore[union-attr]
        write(model, path)  # type: ignore[arg-type]
        with torch.no_grad():
            model.text_projector.first.bias.sub_(1.0)  # type: ignore[union-attr]

    write = extra_text_towers.write_text_graph
    monkeypatch.setattr(extra_text_towers, "write_text_graph", wrong)
    with pytest.raises(ParityError, match=r"text_model\.onnx: vectors differ from PyTorch's .* no bundle"):
        export_checkpoint(checkpoint, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten_unasked(bundle: Bundle, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleExists, match="--overwrite"):
        export_checkpoint(checkpoint, bundle.path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BundleExists, match="expected a new folder or a bundle"):
        export_checkpoint(checkpoint, tmp_path, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_bundle_with_other_files_in_its_folder_is_not_replaced(bundle: Bundle, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle.path, tmp_path / "copy"))
    check_output_folder(copy, overwrite=True)
    for name in ("notes.txt", "onnx/mine.onnx", "link"):
        place = copy / name
        place.symlink_to(tmp_path) if name == "link" else place.write_text("mine")
        with pytest.raises(BundleExists, match=f"files of the bundle, found {name}; move it, or choose another"):
            check_output_folder(copy, overwrite=True)
        place.unlink()


def test_an_unknown_precision_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="found fp64"):
        export_checkpoint(checkpoint, tmp_path / "b", precisions=["fp64"])
    with pytest.raises(ExportError, match="found none"):
        export_checkpoint(checkpoint, tmp_path / "b", precisions=[])


def test_a_weight_beyond_the_range_of_half_is_refused(tmp_path: Path) -> None:
    weight = onnx.numpy_helper.from_array(np.full((20, 20), 1e5, dtype=np.float32), "huge")
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [20, 20])
    node = onnx.helper.make_node("Identity", ["huge"], ["y"])
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [output], [weight])), str(tmp_path / "a"))
    with pytest.raises(ExportError, match="'huge' exceeds the range of fp16"):
        store_weights_fp16(tmp_path / "a", tmp_path / "b")


def test_the_command_replaces_a_bundle_and_leaves_its_neighbors_alone(
    plain: Bundle, checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(plain.path.parent, tmp_path / "bundles")
    assert sorted(path.name for path in folder.iterdir()) == ["b", "b.old", "b.partial"]
    asked = f"{checkpoint} --out {folder / 'b'} --overwrite --fp16 --no-fp32 --name second --language zh"
    done = CliRunner().invoke(app, asked.split())
    assert done.exit_code == 0, done.output
    assert "fp16: differs from PyTorch by" in done.output
    assert sorted(path.name for path in folder.iterdir()) == ["b", "b.old", "b.partial"]
    made = Bundle.load(folder / "b")
    assert "metrics" not in made.manifest.precisions["fp16"]  # training measured fp32
    assert (made.name, made.precisions, made.manifest.languages) == ("second", ("fp16",), ["zh"])
    assert not list(made.path.glob("onnx/*_model.onnx*"))
