"""Downloads of models: what is fetched, resumed, checked and installed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import huggingface_hub
import onnx
import pytest

from hub_server import COMMIT, REPOSITORY, Hub
from photoseek import Bundle
from photoseek.bundle.installed_models import ModelRecord
from photoseek.errors import BundleDamaged, BundleIncompatible, ModelError, ModelRefused, ModelUnavailable
from photoseek.models import hub as client
from photoseek.models.pull import installed, plan_pull, run_pull
from typed_commands import answer, photoseek_command

NEEDED = ["config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"]
GRAPHS = ["onnx/text_model.onnx", "onnx/vision_model.onnx"]


def pull(reference: str, precision: str | None = None) -> Path:
    return run_pull(plan_pull(reference, precision))


def test_pull_then_index_then_search(hub: Hub, photos: Path) -> None:
    done = photoseek_command("models", "pull", "clip-vit-b-32", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{hub.address}/{REPOSITORY}" in done.stderr
    assert COMMIT in done.stderr
    assert "license:  MIT" in done.stderr
    answer("index", photos, "--bundle", "clip-vit-b-32")
    hits = json.loads(answer("search", "a red picture", "--gallery", photos, "-k", 4, "--json"))
    assert {hit["path"] for hit in hits} == {f"red/red-{index}.png" for index in range(4)}
    named = json.loads(answer("search", "red", "--gallery", photos, "--bundle", "clip-vit-b-32", "-k", 1, "--json"))
    assert named[0]["path"].startswith("red/")
    answer("models", "remove", "clip-vit-b-32")
    assert "photoseek models pull clip-vit-b-32" in photoseek_command("search", "red", "--gallery", photos).stderr


def test_only_the_needed_files_are_downloaded(hub: Hub, models: Path) -> None:
    folder = pull("clip-vit-b-32")
    assert folder == models / "clip-vit-b-32"
    assert sorted(hub.downloaded()) == sorted([*NEEDED, *GRAPHS])
    assert Bundle.load("clip-vit-b-32").precisions == ("fp32",)
    assert not list(models.glob(".incomplete-*"))


def test_a_precision_is_chosen(hub: Hub) -> None:
    pull("clip-vit-b-32", "q8")
    assert [name for name in hub.downloaded() if name.endswith(".onnx")] == [
        "onnx/text_model_quantized.onnx",
        "onnx/vision_model_quantized.onnx",
    ]
    assert Bundle.load("clip-vit-b-32").precisions == ("q8",)
    with pytest.raises(ModelError, match="installed in q8; to replace it by fp32, first run"):
        installed("clip-vit-b-32", "fp32")


def test_an_installed_model_is_not_downloaded_again(hub: Hub) -> None:
    pull("clip-vit-b-32")
    before = len(hub.requests)
    assert "is installed" in photoseek_command("models", "pull", "clip-vit-b-32").stderr
    assert len(hub.requests) == before


@pytest.mark.usefixtures("hub")
def test_a_damaged_installation_is_replaced() -> None:
    folder = pull("hf:org/small")
    graph = folder / "onnx/text_model.onnx"
    content = graph.read_bytes()
    graph.write_bytes(content[:-1] + b"?")
    with pytest.raises(BundleDamaged, match=r"text_model.onnx: expected sha256"):
        Bundle.load("hf:org/small").verify()
    assert installed("hf:org/small") is None
    assert (pull("hf:org/small") / "onnx/text_model.onnx").read_bytes() == content


@pytest.mark.parametrize("name", ["small", "immich"])
def test_any_repository_by_its_layout(hub: Hub, models: Path, name: str) -> None:
    folder = pull(f"hf:org/{name}")
    assert folder == models / f"org--{name}"
    bundle = Bundle.load(f"hf:org/{name}")
    assert (bundle.path, bundle.name, bundle.dim, bundle.manifest.license) == (folder, f"org--{name}", 16, "mit")
    assert ModelRecord.read(folder).sources == {f"org/{name}": hub.repositories[f"org/{name}"].latest}


def test_a_native_bundle_from_the_hub(hub: Hub, native: Path) -> None:
    hub.add_folder("org/native", native)
    pull("hf:org/native")
    assert Bundle.load("hf:org/native").layout == "photoseek"


@pytest.mark.usefixtures("hub")
def test_the_fingerprint_is_that_of_a_copied_folder(written: Path) -> None:
    pull("hf:org/small")
    assert Bundle.load("hf:org/small").fingerprint == Bundle.load(written / "small").fingerprint


def test_a_broken_connection_is_opened_again_where_it_broke(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.time, "sleep", lambda _: None)
    hub.breaks["onnx/vision_model.onnx"] = [1000]
    pull("clip-vit-b-32")
    assert [request.range for request in hub.requests if request.range] == ["bytes=1000-", "bytes=1000-"]


def test_an_interrupted_pull_resumes(hub: Hub, models: Path) -> None:
    plan = plan_pull("clip-vit-b-32")
    image_tower = next(file.facts.bytes or 0 for file in plan.files if file.local == GRAPHS[1])

    def interrupt(done: int, total: int) -> None:
        if done > total - image_tower:
            raise KeyboardInterrupt

    hub.breaks[GRAPHS[1]] = [1000]  # so that the first block is not the whole file
    with pytest.raises(KeyboardInterrupt):
        run_pull(plan, interrupt)
    assert not (models / "clip-vit-b-32").exists()
    assert (models / f".incomplete-clip-vit-b-32/{GRAPHS[1]}.partial").stat().st_size == 1000
    hub.requests.clear()
    assert plan_pull("clip-vit-b-32").missing == image_tower - 1000
    assert Bundle.load(pull("clip-vit-b-32")).dim == 512
    assert hub.downloaded() == [GRAPHS[1]]
    assert {request.range for request in hub.requests} == {None, "bytes=1000-"}


def test_an_interrupted_pull_of_another_commit_starts_again(hub: Hub, small: Path) -> None:
    first = plan_pull("hf:org/small")
    with pytest.raises(KeyboardInterrupt):
        run_pull(first, interrupt_at_once)
    (small / "README.md").write_text("another commit")
    hub.add_folder("org/small", small)
    assert plan_pull("hf:org/small").missing == first.bytes
    pull("hf:org/small")
    assert Bundle.load("hf:org/small").dim == 16


def interrupt_at_once(done: int, total: int) -> None:
    assert 0 < done <= total
    raise KeyboardInterrupt


def test_a_server_without_ranges_starts_the_file_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.time, "sleep", lambda _: None)
    hub.ranges = False
    hub.breaks["onnx/vision_model.onnx"] = [1000]
    assert Bundle.load(pull("clip-vit-b-32")).dim == 512


def test_files_in_the_cache_of_the_hub_are_used(hub: Hub) -> None:
    for name in (*NEEDED, *GRAPHS):
        huggingface_hub.hf_hub_download(REPOSITORY, name, revision=COMMIT, endpoint=hub.address)
    hub.requests.clear()
    plan = plan_pull("clip-vit-b-32")
    assert plan.missing == 0
    run_pull(plan)
    assert hub.downloaded() == []


def test_a_damaged_file_in_the_cache_of_the_hub_is_downloaded(hub: Hub) -> None:
    cached = Path(huggingface_hub.hf_hub_download(REPOSITORY, GRAPHS[0], revision=COMMIT, endpoint=hub.address))
    real = Path(os.path.realpath(cached))
    content = real.read_bytes()
    real.write_bytes(content[:-1] + b"?")
    assert (pull("clip-vit-b-32") / GRAPHS[0]).read_bytes() == content


@pytest.mark.parametrize("name", ["onnx/text_model.onnx", "config.json"])
def test_another_content_than_the_hub_reports_is_refused(hub: Hub, models: Path, name: str) -> None:
    content = hub.repositories[REPOSITORY].commits[COMMIT][name]
    hub.sent[name] = content[:-1] + b"?"
    with pytest.raises(ModelRefused, match=rf"{name}: expected .*, found .*; the download was damaged"):
        pull("clip-vit-b-32")
    assert not (models / "clip-vit-b-32").exists()
    hub.sent.clear()
    assert Bundle.load(pull("clip-vit-b-32")).dim == 512


def test_another_content_than_the_registry_names_is_refused(hub: Hub, written: Path) -> None:
    hub.add_folder("Xenova/clip-vit-base-patch16", written / "clip", "c32d8e02b868e2fbb4d080d155161b06393fb0f2")
    with pytest.raises(ModelRefused, match=r"onnx/text_model.onnx: expected sha256 19f40c7988af\.\.\., the hub has"):
        plan_pull("clip-vit-b-16")


def test_the_commit_of_the_first_pull_stays_pinned(hub: Hub, small: Path) -> None:
    first = hub.repositories["org/small"].latest
    pull("hf:org/small")
    answer("models", "remove", "hf:org/small")
    (small / "onnx/text_model.onnx").write_bytes(b"another model")
    second = hub.add_folder("org/small", small)
    assert plan_pull("hf:org/small").sources == {"org/small": first}
    assert plan_pull("hf:org/small@main").sources == {"org/small": second}


def test_a_pinned_commit_with_other_files_is_refused(hub: Hub, small: Path) -> None:
    pull("hf:org/small")
    answer("models", "remove", "hf:org/small")
    (small / "onnx/text_model.onnx").write_bytes(b"another model")
    hub.add_folder("org/small", small, hub.repositories["org/small"].latest)
    with pytest.raises(ModelRefused, match="the file has changed: to accept it, pull org--small@"):
        plan_pull("hf:org/small")


def test_a_pinned_commit_that_is_missing_is_reported(hub: Hub, small: Path) -> None:
    pull("hf:org/small")
    answer("models", "remove", "hf:org/small")
    del hub.repositories["org/small"]
    hub.add_folder("org/small", small, "a" * 40)
    with pytest.raises(ModelUnavailable, match="the hub does not have it; to use the latest one"):
        plan_pull("hf:org/small")


def test_a_server_that_sends_another_commit_is_refused(hub: Hub) -> None:
    hub.sends_commit = "b" * 40
    with pytest.raises(ModelUnavailable, match=f"expected files of commit {COMMIT}, the server sent commit bbb"):
        pull("clip-vit-b-32")


def swapped_outputs(path: Path) -> None:
    """Name the states of the tokens ``text_embeds``."""
    model = onnx.load(str(path))
    (output,) = model.graph.output
    output.name = "pooled"
    for node in model.graph.node:
        node.output[:] = ["pooled" if name == "text_embeds" else name for name in node.output]
        node.output[:] = ["text_embeds" if name == "states" else name for name in node.output]
        node.input[:] = ["text_embeds" if name == "states" else name for name in node.input]
    shape = ["batch", "sequence", 3]
    model.graph.output.append(onnx.helper.make_tensor_value_info("text_embeds", onnx.TensorProto.FLOAT, shape))
    onnx.save(model, str(path))


def change_weights(path: Path, name: str, value: float) -> None:
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        if tensor.name == name:
            changed = onnx.numpy_helper.to_array(tensor) * 0 + value
            tensor.CopyFrom(onnx.numpy_helper.from_array(changed, name))
    onnx.save(model, str(path))


def not_a_number(path: Path) -> None:
    change_weights(path, "bias", float("nan"))


def constant(path: Path) -> None:
    change_weights(path, "projection", 0.0)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (swapped_outputs, r"expected its text_embeds as \(2, 3\), found|expected towers of one dimension"),
        (not_a_number, "expected finite vectors"),
        (constant, "its text tower .* returns the same one"),
    ],
)
def test_a_model_whose_tower_fails_is_not_installed(hub: Hub, models: Path, small: Path, damage, reason: str) -> None:
    damage(small / "onnx/text_model.onnx")
    hub.add_folder("org/small", small)
    with pytest.raises(ModelRefused, match=reason):
        pull("hf:org/small")
    assert [path for path in models.iterdir() if path.is_dir()] == []


def test_a_model_of_another_dimension_is_not_installed(hub: Hub, written: Path) -> None:
    del hub.repositories[REPOSITORY]
    hub.add_folder(REPOSITORY, written / "small", COMMIT)
    with pytest.raises(ModelRefused, match="expected 512-d vectors, found 16-d ones"):
        pull("clip-vit-b-32")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (["config.json", "model.safetensors"], "found PyTorch weights; .* photoseek-export --from-clip"),
        (["config.json", "onnx/model.onnx"], "found both in one graph"),
        (["config.json", "model.onnx", "tokenizer.json"], "found one tower of a pair of repositories"),
        (["config.json", "model.onnx", "preprocessor_config.json"], "found one tower of a pair of repositories"),
        (["open_clip_config.json", "open_clip_pytorch_model.bin"], "found weights of open_clip"),
        (["README.md"], "found README.md"),
    ],
)
def test_a_repository_without_two_towers_is_refused(hub: Hub, files: list[str], reason: str) -> None:
    hub.repositories["org/small"].add(dict.fromkeys(files, b"{}"))
    with pytest.raises(BundleIncompatible, match=reason):
        plan_pull("hf:org/small")


@pytest.mark.usefixtures("hub")
def test_a_missing_precision_is_refused() -> None:
    with pytest.raises(BundleIncompatible, match="expected a precision among fp32, found 'q4'"):
        plan_pull("hf:org/small", "q4")


def test_an_update_of_the_registry_is_not_refused(hub: Hub) -> None:
    """The checksums of the first pull belong to its commit."""
    commit = hub.repositories[REPOSITORY].latest
    files = dict(hub.repositories[REPOSITORY].commits[commit])
    files["tokenizer_config.json"] += b"\n"
    hub.repositories[REPOSITORY].add(files, "d" * 40)
    pull(f"clip-vit-b-32@{'d' * 40}")
    answer("models", "remove", "clip-vit-b-32")
    assert plan_pull("clip-vit-b-32").sources == {REPOSITORY: commit}
