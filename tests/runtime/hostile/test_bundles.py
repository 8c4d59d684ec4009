"""A damaged, mixed-up or crafted bundle raises an error with the file, the problem, and what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from PIL import Image

import use_bundle
from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.manifest import FORMAT, FileRecord, Layout
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import BundleDamaged, BundleError, BundleIncompatible, BundleNotFound, GalleryIncompatible
from tiny_bundle import SIDE, write_tiny_bundle
from torture import report, rounds

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"
PAGE = b"<!DOCTYPE html><html>404</html>"
TEXT, VISION = Layout.text_model("fp32"), Layout.vision_model("fp32")
READ = [Layout.PREPROCESSOR, Layout.TOKENIZER, Layout.TOKENIZER_CONFIG, TEXT, VISION, Layout.tokenizer("zh")]
FILES = [Layout.MANIFEST, Layout.CONFIG, *READ]
REMEDY = r"(copy|export|copy or export) the bundle again|git lfs pull|create one with|upgrade photoseek"


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("intact") / "tiny", chinese=True)


@pytest.fixture
def path(intact: Path, tmp_path: Path) -> Path:
    return shutil.copytree(intact, tmp_path / "bundle")


def write_recorded(path: Path, name: str, content: bytes) -> None:
    """Write a file and record its size and SHA-256 in the manifest."""
    (path / name).write_bytes(content)
    change_manifest(path, lambda manifest: manifest["files"].update({name: vars(FileRecord.of(path / name))}))


def change_manifest(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((path / Layout.MANIFEST).read_text())
    edit(manifest)
    (path / Layout.MANIFEST).write_text(json.dumps(manifest))


def test_the_intact_bundle_works(path: Path) -> None:
    use_bundle.use(path)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage", ["missing", "empty", "half", "longer", "pointer", "page", "folder", "circle", "pipe"]
)
def test_a_damaged_file_is_named_with_a_remedy(path: Path, name: str, damage: str) -> None:
    file = path / name
    content = file.read_bytes()
    file.unlink()
    if damage in ("empty", "half", "longer", "pointer", "page"):
        damaged = {"empty": b"", "half": content[: len(content) // 2], "longer": content + b"}"}
        file.write_bytes({**damaged, "pointer": POINTER, "page": PAGE}[damage])
    elif damage == "folder":
        file.mkdir()
    elif damage == "circle":
        file.symlink_to(file)
    elif damage == "pipe":
        os.mkfifo(file)
    with pytest.raises(BundleError, match=REMEDY) as caught:
        use_bundle.use(path)
    assert name in str(caught.value)
    hints = {"pointer": "a Git LFS pointer: fetch the real file with git lfs pull", "page": "a web page"}
    assert hints.get(damage, "") in str(caught.value)


@pytest.mark.parametrize("name", [Layout.CONFIG, *READ])
def test_every_flipped_bit_is_detected_before_the_file_is_used(path: Path, name: str) -> None:
    random = Random(name)
    content = (path / name).read_bytes()
    for _ in range(rounds(8)):
        damaged = bytearray(content)
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        (path / name).write_bytes(damaged)
        with pytest.raises(BundleDamaged, match=re.escape(name)):
            use_bundle.use(path)


def test_a_manifest_with_flipped_bits_is_refused_or_equivalent(path: Path) -> None:
    random = Random(0)
    content = (path / Layout.MANIFEST).read_bytes()
    outcomes = []
    for _ in range(rounds(60)):
        damaged = bytearray(content)
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        (path / Layout.MANIFEST).write_bytes(damaged)
        try:
            use_bundle.use(path)
            outcomes.append("fine")  # a letter of a text
        except BundleError as error:
            outcomes.append(type(error).__name__)
    assert "BundleDamaged" in outcomes


@pytest.mark.parametrize(
    ("one", "other"), [(TEXT, VISION), (Layout.TOKENIZER, Layout.PREPROCESSOR), (TEXT, Layout.CONFIG)]
)
def test_swapped_files_are_refused(path: Path, one: str, other: str) -> None:
    (path / one).rename(path / "aside")
    (path / other).rename(path / one)
    (path / "aside").rename(path / other)
    with pytest.raises(BundleDamaged, match=r"expected [\d,]+ bytes"):
        Bundle.load(path)


def test_swapped_towers_with_matching_checksums_are_refused(path: Path) -> None:
    text, vision = (path / TEXT).read_bytes(), (path / VISION).read_bytes()
    write_recorded(path, TEXT, vision)
    write_recorded(path, VISION, text)
    with pytest.raises(BundleIncompatible, match=r"text_model\.onnx: expected inputs among .* found 'pixel_values'"):
        use_bundle.use(path)


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"[" * 100_000, POINTER, PAGE, b"\xff\xfe\0"], ids=repr)
def test_an_invalid_file_with_a_matching_checksum_is_refused(path: Path, name: str, content: bytes) -> None:
    write_recorded(path, name, content)
    with pytest.raises(BundleError, match=re.escape(name)):
        use_bundle.use(path)


INVALID: list[Any] = [None, True, -1, 0, 1.5, 10**30, "x", [], {}, [5], {"a": 5}, float("nan")]
VALID = {  # values of INVALID that are valid for a key
    "name": ["x"],
    "pooling": ["x"],
    "preprocessing": ["x"],
    "weights": ["x"],
    "license": ["x"],
    "languages": [[]],
    "precisions": [{}],
    "training": [{}, {"a": 5}],
    "text_towers": [{}],
}
KEYS = [*VALID, "dim", "files", "format"]


@pytest.mark.parametrize("key", KEYS)
def test_an_invalid_value_in_the_manifest_is_refused(path: Path, key: str) -> None:
    content = (path / Layout.MANIFEST).read_text()
    for value in INVALID:
        change_manifest(path, lambda manifest, value=value: manifest.update({key: value}))
        if value in VALID.get(key, []):
            use_bundle.use(path)
        else:
            with pytest.raises(BundleError, match=r"photoseek\.json: .*"):
                Bundle.load(path)
        (path / Layout.MANIFEST).write_text(content)


@pytest.mark.parametrize(
    "record", [None, 5, {}, {"bytes": "5", "sha256": "0" * 64}, {"bytes": 5, "sha256": "0"}, {"bytes": 5}]
)
def test_an_invalid_record_of_a_file_is_refused(path: Path, record: Any) -> None:
    change_manifest(path, lambda manifest: manifest["files"].update({TEXT: record}))
    with pytest.raises(BundleDamaged, match=r"photoseek\.json"):
        Bundle.load(path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "onnx/../../x", "a\0b", ".."])
def test_a_manifest_that_names_files_outside_the_bundle_is_refused(path: Path, name: str) -> None:
    change_manifest(path, lambda manifest: manifest["files"].update({name: {"bytes": 5, "sha256": "0" * 64}}))
    with pytest.raises(BundleDamaged, match="expected paths inside the bundle"):
        Bundle.load(path)


@pytest.mark.parametrize("found", [FORMAT + 1, 10**30])
def test_a_newer_format_is_refused_before_anything_else_is_read(path: Path, found: int) -> None:
    (path / Layout.MANIFEST).write_text(json.dumps({"format": found}))
    with pytest.raises(BundleIncompatible, match=f"found format {found}, .*upgrade photoseek"):
        Bundle.load(path)


@pytest.mark.parametrize("source", ["", "\0", "x" * 5_000, 5, None, b"x", "~no-such-user/x", "/dev/null"])
def test_an_invalid_path_is_refused(source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleNotFound, match="expected"):
        Bundle.load(source)


@pytest.mark.parametrize(
    "changed",
    [
        {"size": {"height": 10**6, "width": 10**6}},
        {"size": {"height": 10**30, "width": 8}},
        {"image_std": [0, 1, 1]},
        {"image_mean": [float("nan")] * 3},
        {"image_mean": [float("inf")] * 3},
        {"rescale_factor": float("nan")},
        {"resample": 77},
        {"size": {"height": float("inf"), "width": 8}},
    ],
    ids=repr,
)
def test_an_unsupported_preprocessing_is_refused(path: Path, changed: dict[str, Any]) -> None:
    config = json.loads((path / Layout.PREPROCESSOR).read_text())
    write_recorded(path, Layout.PREPROCESSOR, json.dumps({**config, **changed}).encode())
    with pytest.raises(BundleIncompatible, match="unsupported"):
        use_bundle.use(path)


@pytest.mark.parametrize("pad", [5, None, [], {}, {"content": 5}])
def test_an_invalid_padding_token_is_refused(path: Path, pad: Any) -> None:
    write_recorded(path, Layout.TOKENIZER_CONFIG, json.dumps({"model_max_length": 32, "pad_token": pad}).encode())
    with pytest.raises(BundleDamaged, match=r"tokenizer_config\.json: expected pad_token"):
        use_bundle.use(path)


@pytest.mark.parametrize("limit", [0, -5, float("nan"), 1e30, "x", None, []])
def test_an_invalid_maximum_length_is_ignored(path: Path, limit: Any) -> None:
    write_recorded(
        path, Layout.TOKENIZER_CONFIG, json.dumps({"model_max_length": limit, "pad_token": "[PAD]"}).encode()
    )
    use_bundle.use(path)


def vision(bias: np.ndarray, **external: str) -> bytes:
    """Return an image tower that returns the bias for every photo; the bias may be in another file."""
    tensor = numpy_helper.from_array(bias.astype(np.float32), "bias")
    if external:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in external.items():
            tensor.external_data.add(key=key, value=value)
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values", "sides"], ["mean"], keepdims=1),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("Mul", ["flat", "nothing"], ["zero"]),
        helper.make_node("Add", ["zero", "bias"], ["image_embeds"]),
    ]
    constants = {"sides": np.array([1, 2, 3]), "shape": np.array([-1, 1]), "nothing": np.zeros(1, dtype=np.float32)}
    graph = helper.make_graph(
        nodes,
        "crafted",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["batch", len(bias)])],
        [tensor, *(numpy_helper.from_array(value, name) for name, value in constants.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_invalid_vectors_are_refused_and_never_stored(path: Path, photos: Path, value: float) -> None:
    bias = np.ones(16)
    bias[3] = value
    write_recorded(path, VISION, vision(bias * value if value == 0 else bias))
    gallery = Gallery.create(photos, Bundle.load(path))
    with pytest.raises(BundleDamaged, match=r"vision_model\.onnx: expected finite vectors"):
        gallery.index()
    assert gallery.database.query("SELECT count(*) FROM vectors") == [(0,)]


@pytest.mark.parametrize("dim", [8, 17])
def test_towers_of_two_widths_are_refused(path: Path, dim: int) -> None:
    write_recorded(path, VISION, vision(np.ones(dim)))
    with pytest.raises(BundleIncompatible, match=rf"vision_model\.onnx: expected .*\(1, 16\), found \(1, {dim}\)"):
        use_bundle.use(path)


def test_a_graph_without_an_output_is_refused(path: Path) -> None:
    model = ModelProto.FromString(vision(np.ones(16)))
    model.graph.ClearField("output")
    write_recorded(path, VISION, model.SerializeToString())
    with pytest.raises(BundleError, match=r"vision_model\.onnx: (expected an output, found none|onnxruntime cannot)"):
        use_bundle.use(path)


@pytest.mark.parametrize("place", ["../secret", "ABSOLUTE", "link"])
def test_weights_outside_the_bundle_are_not_read(path: Path, tmp_path: Path, place: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(np.ones(16, dtype=np.float32).tobytes())
    (path / "onnx" / "link").symlink_to(secret)
    location = str(secret) if place == "ABSOLUTE" else "../../secret" if place == "../secret" else place
    write_recorded(path, VISION, vision(np.ones(16), location=location, offset="0", length="64"))
    with pytest.raises(BundleDamaged, match=r"vision_model\.onnx: onnxruntime cannot read it"):
        use_bundle.use(path)


def test_external_weights_are_verified_with_their_graph(path: Path) -> None:
    data = f"{VISION}.data"
    write_recorded(path, data, np.ones(16, dtype=np.float32).tobytes())
    write_recorded(path, VISION, vision(np.ones(16), location=Path(data).name, offset="0", length="64"))
    use_bundle.use(path)
    (path / data).write_bytes(np.full(16, 2, dtype=np.float32).tobytes())
    with pytest.raises(BundleDamaged, match=r"vision_model\.onnx\.data: expected sha256"):
        ImageEncoder(Bundle.load(path)).encode([Image.new("RGB", (9, 9))])


def test_graphs_with_flipped_bits_and_matching_checksums_run_or_are_refused(path: Path, tmp_path: Path) -> None:
    """Graphs are trusted like programs; damage alone still neither crashes nor hangs."""
    random = Random(5)
    folders = []
    for number in range(rounds(24)):
        name = random.choice([TEXT, VISION, Layout.TOKENIZER])
        content = bytearray((path / name).read_bytes())
        for _ in range(random.randint(1, 3)):
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        folders.append(shutil.copytree(path, tmp_path / f"damaged-{number}"))
        write_recorded(folders[-1], name, bytes(content))
    done = subprocess.run(
        [sys.executable, use_bundle.__file__, *map(str, folders)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=600,
        check=False,
    )
    outcomes = [line.removeprefix("outcome ") for line in done.stdout.splitlines() if line.startswith("outcome ")]
    assert done.returncode == 0, f"{folders[len(outcomes)]}: {done.stderr[-2000:]}"
    assert set(outcomes) <= {"fine", "BundleDamaged", "BundleIncompatible"}
    assert len(outcomes) == len(folders)
    report("damaged graphs and tokenizers", len(folders))


def test_a_gallery_refuses_the_bundle_of_another(path: Path, photos: Path, tmp_path: Path) -> None:
    gallery = Gallery.create(photos, Bundle.load(path))
    gallery.index()
    other = Bundle.load(write_tiny_bundle(tmp_path / "other", seed=1))
    for use in (
        lambda: Searcher(gallery, bundle=other),
        lambda: gallery.index(other),
        lambda: gallery.add_captions([], other),
    ):
        with pytest.raises(GalleryIncompatible, match=r"has 16-d vectors of bundle 'tiny' .* --rebuild"):
            use()
    shutil.rmtree(path)
    shutil.copytree(tmp_path / "other", path)
    with pytest.raises(GalleryIncompatible, match="--rebuild"):
        Searcher(gallery)
