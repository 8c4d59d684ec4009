"""Export of a transformers model: the bundle's vectors are those of transformers, or no bundle is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import clip_folders as folders
import clip_models as clip
from clip_folders import Reference
from photoseek import Bundle
from photoseek.bundle.calibration import Calibration
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.errors import BundleError, BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing
from photoseek_export import cli, onnx_export
from photoseek_export.clip import models
from photoseek_export.clip.export import export_clip
from photoseek_export.errors import BundleExists, ExportError, ParityError

_CLOSE = 1e-4


@pytest.fixture
def clip_source(sources: dict[str, tuple[Path, Reference]], tmp_path: Path) -> Path:
    """A copy of the folder of a CLIP that a test may change."""
    return shutil.copytree(sources["clip"][0], tmp_path / "source")


def expect_same(bundle: Bundle, reference: Reference, within: float = _CLOSE, precision: str = "fp32") -> None:
    how = {"padding": "max_length"} if reference.model.config.model_type == "siglip" else {}
    texts = clip.text_vectors(reference.model, reference.tokenizer, clip.TEXTS, **how)
    np.testing.assert_allclose(TextEncoder(bundle, precision).encode(clip.TEXTS), texts, atol=within)
    photos = clip.image_vectors(reference.model, reference.processor, clip.photos())
    np.testing.assert_allclose(ImageEncoder(bundle, precision).encode(clip.photos()), photos, atol=within)


@pytest.mark.parametrize(
    ("kind", "dim", "languages"), [("clip", 24, ("en",)), ("siglip", 32, ("en",)), ("chinese_clip", 24, ("zh",))]
)
def test_a_bundle_has_the_vectors_of_transformers(
    exported: Callable[[str], Bundle],
    sources: dict[str, tuple[Path, Reference]],
    tmp_path: Path,
    kind: str,
    dim: int,
    languages: tuple[str, ...],
) -> None:
    bundle, reference = exported(kind), sources[kind][1]
    assert (bundle.layout, bundle.dim, bundle.languages) == ("photoseek", dim, languages)
    assert bundle.precisions == ("fp32", "fp16")
    bundle.verify()
    expect_same(bundle, reference)
    expect_same(bundle, reference, 5e-3, "fp16")
    assert set(bundle.manifest.precisions["fp32"]["parity"]) == {"text", "vision", "texts", "photos"}
    assert [path.name for path in bundle.path.parent.iterdir()] == ["bundle"]
    moved = shutil.copytree(bundle.path, tmp_path / "moved")
    assert Bundle.load(moved).fingerprint == bundle.fingerprint
    (moved / "photoseek.json").unlink()
    without_manifest = Bundle.load(moved)
    assert (without_manifest.layout, without_manifest.precisions) == ("transformers", ("fp32", "fp16"))
    expect_same(without_manifest, reference)


def test_an_evaluation_adds_metrics_and_the_confidence_of_hits(exported: Callable[[str], Bundle]) -> None:
    facts = exported("clip").manifest.precisions["fp32"]
    assert facts["metrics"]["images"] == 12
    assert Calibration.from_json(facts["confidence"]) is not None


def test_a_legacy_end_token_and_weights_in_external_files(
    clip_source: Path, clip_reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenAI's checkpoints have eos_token_id 2: the highest token of a text is its end."""
    monkeypatch.setattr(onnx_export, "MAX_FILE_BYTES", 1_000)
    config = json.loads((clip_source / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 2
    (clip_source / "config.json").write_text(json.dumps(config))
    bundle = export_clip(clip_source, tmp_path / "bundle")
    assert "onnx/text_model.onnx.data" in bundle.manifest.files
    assert (bundle.lacking("metrics"), bundle.lacking("confidence")) == (["fp32"], ["fp32"])
    card = (bundle.path / "README.md").read_text()
    assert "Not measured: the model was exported without captioned images. `photoseek evaluate --bundle bundle" in card
    bundle.verify()
    expect_same(bundle, clip_reference)


def test_siglip_with_only_a_sentencepiece_model(siglip_reference: Reference, tmp_path: Path) -> None:
    """transformers reads it with sentencepiece, as google/siglip-* were published; the bundle does not need it."""
    sentencepiece = pytest.importorskip("sentencepiece")
    from transformers import SiglipTokenizer

    sentences = [text for text in clip.TEXTS[:2] if text] + ["two dogs on a beach", "a red car next to a tree", "café"]
    (tmp_path / "sentences.txt").write_text("\n".join(sentences * 20), "utf-8")
    prefix = str(tmp_path / "spiece")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "sentences.txt"), model_prefix=prefix, vocab_size=60, model_type="unigram",
        pad_id=-1, bos_id=-1, unk_id=0, eos_id=1, minloglevel=2, hard_vocab_limit=False,
    )  # fmt: skip
    tokenizer = SiglipTokenizer(f"{prefix}.model", model_max_length=64, model_input_names=["input_ids"])
    reference = replace(siglip_reference, tokenizer=tokenizer, model=clip.siglip_model(len(tokenizer)))
    source = tmp_path / "source"
    folders.save_configuration(reference, source)
    reference.model.save_pretrained(source)
    shutil.copyfile(f"{prefix}.model", source / "spiece.model")
    (source / "tokenizer.json").unlink(missing_ok=True)
    bundle = export_clip(source, tmp_path / "bundle")
    texts = [text for text in clip.TEXTS if "<" not in text]
    expected = clip.text_vectors(reference.model, tokenizer, texts, padding="max_length")
    np.testing.assert_allclose(TextEncoder(bundle).encode(texts), expected, atol=_CLOSE)


def test_an_export_that_differs_from_transformers_leaves_no_bundle(
    clip_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = models.find_preprocessing

    def blurred(folder: Path) -> tuple[Preprocessing, str]:
        preprocessing, file = found(folder)
        return replace(preprocessing, resample=2), file

    monkeypatch.setattr(models, "find_preprocessing", blurred)
    with pytest.raises(ParityError, match="photos through the bundle: vectors differ"):
        export_clip(clip_source, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_weights_that_lack_a_tensor_are_refused(clip_source: Path, tmp_path: Path) -> None:
    """transformers would initialize it at random, and only log that."""
    weights = load_file(clip_source / "model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, clip_source / "model.safetensors", {"format": "pt"})
    with pytest.raises(ExportError, match=r"lack 1 tensors .* 'text_projection\.weight'"):
        export_clip(clip_source, tmp_path / "bundle")


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("file", "values", "error", "reason"),
    [
        (
            "config.json",
            {"model_type": "siglip2"},
            ExportError,
            "found 'siglip2'; SigLIP 2 models of this type take patches",
        ),
        ("config.json", {"model_type": "blip"}, ExportError, "expected a model_type among clip, siglip, chinese_clip"),
        ("preprocessor_config.json", {"crop_pct": 0.9}, BundleIncompatible, "crop_pct: unknown setting, found 0.9"),
        ("preprocessor_config.json", {"do_resize": False}, BundleIncompatible, "expected do_resize true"),
        (
            "preprocessor_config.json",
            {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}},
            ExportError,
            "takes 48 x 48 pixels, but its preprocessing returns 64 x 64",
        ),
    ],
    ids=["siglip2", "blip", "crop_pct", "do_resize", "size"],
)
def test_unsupported_settings_are_refused(
    clip_source: Path, tmp_path: Path, file: str, values: dict[str, Any], error: type[Exception], reason: str
) -> None:
    change(clip_source / file, **values)
    with pytest.raises(error, match=reason):
        export_clip(clip_source, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_pointer_in_place_of_weights_is_refused(clip_source: Path, tmp_path: Path) -> None:
    (clip_source / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
    with pytest.raises(ExportError, match="its model cannot be loaded"):
        export_clip(clip_source, tmp_path / "bundle")


def test_a_folder_without_a_tokenizer_is_refused(clip_source: Path, tmp_path: Path) -> None:
    (clip_source / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match=r"expected a tokenizer: tokenizer\.json"):
        export_clip(clip_source, tmp_path / "bundle")


def test_a_folder_of_other_files_is_not_replaced(clip_source: Path) -> None:
    with pytest.raises(BundleExists, match="expected a new folder or a bundle"):
        export_clip(clip_source, clip_source, overwrite=True)


def test_loading_pytorch_weights_suggests_the_export_command(clip_source: Path) -> None:
    with pytest.raises(BundleIncompatible, match=f"photoseek-export --from-clip {clip_source} --out BUNDLE"):
        Bundle.load(clip_source)


def test_the_command_line(clip_source: Path, tmp_path: Path) -> None:
    words = [
        "--from-clip",
        str(clip_source),
        "--out",
        str(tmp_path / "bundle"),
        "--name",
        "small",
        "--fp16",
        "--no-fp32",
        *("--language", "en", "--language", "fr"),
    ]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    assert "fp16: differs from PyTorch by" in done.output
    bundle = Bundle.load(tmp_path / "bundle")
    assert (bundle.name, bundle.precisions, bundle.languages) == ("small", ("fp16",), ("en", "fr"))
    assert bundle.manifest.license == "unknown"
    assert {path.name for path in (tmp_path / "bundle/onnx").iterdir()} == {
        "text_model_fp16.onnx",
        "vision_model_fp16.onnx",
    }
    graph = onnx.load(str(tmp_path / "bundle/onnx/text_model_fp16.onnx"))
    assert [port.name for port in graph.graph.input] == ["input_ids", "attention_mask"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "expected either CHECKPOINT or --from-clip DIR"),
        (["runs/x", "--from-clip", "models/x"], "expected either CHECKPOINT or --from-clip DIR"),
        (["--from-clip", "x", "--calibration", "y"], "--calibration requires CHECKPOINT"),
        (["--from-clip", "x", "--text", "zh=y"], "--text requires CHECKPOINT"),
        (["runs/x", "--min-cosine", "0.9"], "--min-cosine requires --from-clip"),
    ],
)
def test_incompatible_options_are_usage_errors(words: list[str], reason: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, [*words, "--out", str(tmp_path / "bundle")])
    assert done.exit_code == 2
    assert reason in " ".join(done.output.replace("│", " ").split())
