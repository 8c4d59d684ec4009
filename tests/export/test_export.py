"""Export of a checkpoint: the bundle's vectors are PyTorch's, or no bundle is written."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import photoseek_export
from exported_source import Exported, ExportedSource
from photoseek import Bundle
from photoseek.bundle.manifest import Layout
from photoseek.cli.app import app as photoseek_app
from photoseek.cli.info import bundle_json, lacking_lines
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.evaluation.evaluate import encode_captioned
from photoseek_export import export_checkpoint
from photoseek_export.bundle_writer import ExportOptions, check_output_folder, write_bundle
from photoseek_export.cli import app as export_app
from photoseek_export.errors import BundleExists, ExportError, ParityError
from photoseek_export.quality_gate import EvaluationImages
from photoseek_export.quantize import store_weights_fp16
from photoseek_export.steps import StepCallback
from photoseek_export.towers import text_tower
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.errors import CheckpointNotFound
from photoseek_train.evaluation.evaluate import evaluate as evaluate_in_torch
from photoseek_train.model.checkpoint import load_checkpoint, read_metrics, weights_hash

TEXTS = ["a red car", "two white dogs on a beach at night, children playing next to a boat", "", "cars"]


def test_text_vectors_are_pytorchs_at_any_batch_and_length(bundle: Bundle, checkpoint: Path) -> None:
    """Each sentence alone and unpadded through PyTorch; all together and padded through the runtime."""
    model, config, tokenizer = load_checkpoint(checkpoint)
    texts = [*TEXTS, "boat " * 200]
    expected = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=config.model.max_tokens, return_tensors="pt")
        with torch.inference_mode():
            expected.append(model.encode_text(tokens["input_ids"], tokens["attention_mask"])[0].numpy())
    np.testing.assert_allclose(TextEncoder(bundle, "fp32").encode(texts), np.stack(expected), atol=1e-4)


def test_image_vectors_are_pytorchs_at_another_batch_size(bundle: Bundle, checkpoint: Path) -> None:
    model, config, _ = load_checkpoint(checkpoint)
    images = [Image.effect_noise((90 + 7 * number, 70), 60 + number).convert("RGB") for number in range(3)]
    pixels = np.stack([config.preprocessing(image) for image in images])
    with torch.inference_mode():
        expected = model.encode_image(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(ImageEncoder(bundle, "fp32").encode(images), expected, atol=1e-4)


def test_fp16_weights_halve_the_file_and_change_vectors_little(bundle: Bundle) -> None:
    exact, rounded = TextEncoder(bundle, "fp32").encode(TEXTS), TextEncoder(bundle, "fp16").encode(TEXTS)
    assert 0 < np.abs(exact - rounded).max() < 5e-3
    # a large part of the small text tower is structure, not weights
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


def test_the_manifest_records_the_origin_of_the_bundle(bundle: Bundle, checkpoint: Path) -> None:
    bundle.verify()
    manifest = bundle.manifest
    assert manifest.weights == weights_hash(checkpoint)
    assert manifest.training["settings"]["tune"] == "both"
    assert list(manifest.precisions) == ["fp32", "fp16", "int8"]
    for facts in manifest.precisions.values():
        assert facts["metrics"]["images"] == 12
        assert set(facts["parity"]) == {"text", "vision"}
    assert all(manifest.precisions[precision]["parity"]["text"] < 5e-3 for precision in ("fp32", "fp16"))
    assert json.loads((bundle.path / "config.json").read_text())["vision_config"] == {
        "model_type": "resnet18",
        "hidden_size": 512,
    }
    card = (bundle.path / "README.md").read_text()
    assert "| image tower | resnet18 of torchvision, initialized from: none |" in card
    assert "| fp16 | text to image | 12 | 24 |" in card


def test_without_evaluation_fp32_has_the_metrics_of_training(replaced: Exported, checkpoint: Path) -> None:
    manifest = replaced.bundle.manifest
    assert manifest.precisions["fp32"]["metrics"] == read_metrics(checkpoint)["dev"]
    assert "metrics" not in manifest.precisions["fp16"]
    assert manifest.training["best_epoch"] == 7
    card = (replaced.bundle.path / "README.md").read_text()
    assert "| fp32 | text to image | 1000 | 5000 | 10.0 | 20.0 | 30.0 | 9 |" in card


def test_the_runtime_measures_what_training_measures(
    bundle: Bundle, checkpoint: Path, captioned: EvaluationImages
) -> None:
    trained = evaluate_in_torch(checkpoint, CaptionedPhotos.read(captioned.images, captioned.captions)).metrics
    found = encode_captioned(bundle, captioned.images, captioned.captions, precision="fp32").evaluate().metrics
    assert found == trained
    assert bundle.manifest.precisions["fp32"]["metrics"] == found.to_json()


def test_an_export_that_differs_from_pytorch_leaves_no_bundle(bundle: Bundle, checkpoint: Path, tmp_path: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    with torch.no_grad():
        loaded.model.text_projector.first.bias.add_(1.0)
    graph = bundle.path / Layout.text_model("fp32")
    tower = replace(text_tower(loaded), write=lambda path: shutil.copyfile(graph, path))
    options = ExportOptions(tmp_path / "bundle", None, ["fp32"], "MIT", None, overwrite=False)
    with pytest.raises(ParityError, match=r"text_model\.onnx: vectors differ from PyTorch's .* no bundle"):
        write_bundle(ExportedSource(bundle, tower), options)
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_not_overwritten_by_default(bundle: Bundle, checkpoint: Path, tmp_path: Path) -> None:
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


def test_a_weight_beyond_the_range_of_fp16_is_refused(tmp_path: Path) -> None:
    weight = onnx.numpy_helper.from_array(np.full((20, 20), 1e5, dtype=np.float32), "huge")
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [20, 20])
    node = onnx.helper.make_node("Identity", ["huge"], ["y"])
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [output], [weight])), str(tmp_path / "a"))
    with pytest.raises(ExportError, match="'huge' exceeds the range of fp16"):
        store_weights_fp16(tmp_path / "a", tmp_path / "b")


def test_the_steps_are_printed_with_their_seconds(replaced: Exported) -> None:
    steps = re.findall(r"^(.*): \d+\.\d s$", replaced.output, flags=re.M)
    assert steps[0] == "load PyTorch"
    assert steps[1].startswith("load /")
    graphs = [f"onnx/{tower}_model{suffix}.onnx" for tower in ("text", "vision") for suffix in ("", "_fp16")]
    assert steps[2:] == [*(f"write {graph}" for graph in graphs), "verify the bundle"]


def test_a_bundle_without_captions_names_what_it_lacks_and_how_to_add_it(
    replaced: Exported, captioned: EvaluationImages, tmp_path: Path
) -> None:
    """fp32 has the recall of training; the test runs the printed commands."""
    bundle = replaced.bundle
    assert (bundle.lacking("metrics"), bundle.lacking("confidence")) == (["fp16"], ["fp32", "fp16"])
    captions = f"--bundle {bundle.path} --images DIR --captions FILE"
    lines = [
        f"no recall measured for fp16; measure it with: photoseek evaluate {captions}",
        f"hits have no confidence with fp32, fp16; add it with: photoseek calibrate {captions}",
    ]
    assert replaced.output.splitlines()[-3:-1] == lines
    info = CliRunner().invoke(photoseek_app, ["info", str(bundle.path)])
    assert info.output.splitlines()[-2:] == lines
    facts = json.loads(CliRunner().invoke(photoseek_app, ["info", str(bundle.path), "--json"]).output)
    assert facts["lacking"] == {"recall": ["fp16"], "confidence": ["fp32", "fp16"]}
    card = (bundle.path / "README.md").read_text()
    assert "`photoseek calibrate --bundle second --images DIR --captions FILE` adds it" in card

    copy = Path(shutil.copytree(bundle.path, tmp_path / "copy"))
    words = lines[1].partition("with: photoseek ")[2].replace(str(bundle.path), str(copy))
    words = words.replace("DIR", str(captioned.images)).replace("FILE", str(captioned.captions))
    assert CliRunner().invoke(photoseek_app, shlex.split(words)).exit_code == 0
    assert Bundle.load(copy).lacking("confidence") == []


def test_a_bundle_with_captions_lacks_nothing(bundle: Bundle) -> None:
    assert lacking_lines(bundle) == []
    assert "Each hit has a confidence" in (bundle.path / "README.md").read_text()


def test_json_prints_the_facts_of_the_bundle_and_no_steps(
    bundle: Bundle, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export(*_: object, on_step: StepCallback, **__: object) -> Bundle:
        on_step("write")
        return bundle

    monkeypatch.setattr(photoseek_export, "export_checkpoint", export, raising=False)
    done = CliRunner().invoke(export_app, [str(checkpoint), "--out", str(tmp_path / "b"), "--json"])
    assert done.stderr == ""
    assert json.loads(done.stdout) == json.loads(json.dumps(bundle_json(bundle)))
    done = CliRunner().invoke(export_app, [str(checkpoint), "--out", str(tmp_path / "b")])
    assert re.fullmatch(r"load PyTorch: [\d.]+ s\nwrite: [\d.]+ s\n", done.stderr)


def test_the_step_that_fails_is_not_printed(tmp_path: Path) -> None:
    done = CliRunner().invoke(export_app, [str(tmp_path / "none"), "--out", str(tmp_path / "b")])
    assert re.fullmatch(r"load PyTorch: [\d.]+ s\n", done.stderr)
    assert isinstance(done.exception, CheckpointNotFound)


def test_the_command_replaces_a_bundle_and_leaves_its_neighbors_alone(replaced: Exported) -> None:
    bundle, output = replaced
    assert "fp16: differs from PyTorch by" in output
    assert sorted(path.name for path in bundle.path.parent.iterdir()) == ["b", "b.old", "b.partial"]
    assert (bundle.name, bundle.precisions, bundle.manifest.languages) == ("second", ("fp32", "fp16"), ["zh"])
    assert not list(bundle.path.glob("onnx/*_int8.onnx"))
