"""``Bundle.from_pretrained`` and ``Bundle.push_to_hub`` with a local hub."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import pytest
from huggingface_hub import ModelCard

from hub_server import Hub
from photoseek import Bundle
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import (
    BundleDamaged,
    BundleIncompatible,
    ModelError,
    ModelUnavailable,
    QueryError,
)

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # of huggingface_hub's uploads

METRICS = {
    "text_to_image": {"r1": 22.12, "r5": 51.18, "r10": 64.724, "medr": 5.0},
    "image_to_text": {"r1": 31.3, "r5": 56.9, "r10": 70.6, "medr": 4.0},
    "images": 1000,
    "captions": 5000,
}


@pytest.fixture(autouse=True)
def plain_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upload without Xet, whose servers are not those of the hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def measured(native: Path) -> Bundle:
    """A bundle with measured recalls."""
    manifest = Manifest.read(native)
    precisions = {name: {**facts, "metrics": METRICS} for name, facts in manifest.precisions.items()}
    replace(manifest, precisions=precisions).write(native)
    return Bundle.load(native)


def test_a_bundle_is_pulled_when_it_is_first_used(hub: Hub, native: Path) -> None:
    commit = hub.add_folder("org/native", native)
    bundle = Bundle.from_pretrained("org/native")
    expected = TextEncoder(Bundle.load(native)).encode(["red"])
    np.testing.assert_array_equal(TextEncoder(bundle).encode(["red"]), expected)
    assert Bundle.load("hf:org/native").path == bundle.path
    requests = len(hub.requests)
    hub.add_folder("org/native", native.parent)  # a later commit
    assert Bundle.from_pretrained("org/native").path == bundle.path
    assert Bundle.from_pretrained("org/native", revision=commit).path == bundle.path
    assert len(hub.requests) == requests  # the network was not used


def test_the_example_of_the_documentation_pulls_and_pushes(
    hub: Hub, native: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = (Path(__file__).parents[3] / "docs/models.md").read_text("utf-8")
    [code] = re.findall(r"^```python\n(.*?)^```", document, flags=re.S | re.M)
    hub.add_folder("ORG/REPO", native)
    shutil.copytree(native, tmp_path / "bundles/flickr30k")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(code, "example", "exec"), names)
    assert names["bundle"].fingerprint == Bundle.load(native).fingerprint
    assert Bundle.from_pretrained("YOU/flickr30k", revision=names["commit"]).fingerprint == names["bundle"].fingerprint


def test_a_model_of_another_layout_is_pulled_in_a_precision(hub: Hub) -> None:
    assert Bundle.from_pretrained("Xenova/clip-vit-base-patch32", precision="q8").precisions == ("q8",)
    with pytest.raises(ModelError, match="is installed in q8"):
        Bundle.from_pretrained("Xenova/clip-vit-base-patch32", precision="fp32")
    assert hub.downloaded()


def test_a_branch_is_that_of_the_hub(hub: Hub, native: Path) -> None:
    first = hub.add_folder("org/native", native)
    bundle = Bundle.from_pretrained("org/native", revision="main")
    assert Bundle.from_pretrained("org/native", revision="main").path == bundle.path
    (native / "notes.txt").write_text("a later commit")
    hub.add_folder("org/native", native)
    with pytest.raises(ModelError, match=f"is installed at commit {first}"):
        Bundle.from_pretrained("org/native", revision="main")
    assert Bundle.from_pretrained("org/native", revision=first).path == bundle.path


def test_a_damaged_model_is_pulled_again(hub: Hub, native: Path) -> None:
    hub.add_folder("org/native", native)
    path = Bundle.from_pretrained("org/native").path
    (path / "tokenizer.json").write_text("{}")
    Bundle.from_pretrained("org/native").verify()


@pytest.mark.parametrize("name", ["native", "hf:org/native", "org/native/more", "../org", "", "org/native@main", 5])
def test_the_name_is_that_of_a_repository(measured: Bundle, name: str) -> None:
    for use in (Bundle.from_pretrained, measured.push_to_hub):
        with pytest.raises(QueryError, match="expected a repository of the hub as ORG/REPO"):
            use(name)


def test_no_network_is_an_error(measured: Bundle) -> None:
    for use in (Bundle.from_pretrained, measured.push_to_hub):
        with pytest.raises(ModelUnavailable, match="cannot be reached"):
            use("org/native")


def test_a_pushed_bundle_is_pulled_unchanged(hub: Hub, measured: Bundle, native: Path) -> None:
    before = (native / Layout.MANIFEST).read_bytes()
    commit = measured.push_to_hub("org/mine", private=True, message="the first one")
    assert (hub.private, hub.messages) == (["org/mine"], ["the first one"])
    assert (native / Layout.MANIFEST).read_bytes() == before
    pulled = Bundle.from_pretrained("org/mine", revision=commit)
    pulled.verify()
    assert pulled.fingerprint == measured.fingerprint
    assert pulled.manifest.precisions == measured.manifest.precisions
    assert hub.uploads  # graphs are large files
    np.testing.assert_array_equal(TextEncoder(pulled).encode(["red"]), TextEncoder(measured).encode(["red"]))


def test_a_second_push_is_a_second_commit(hub: Hub, measured: Bundle) -> None:
    first, second = (measured.push_to_hub("org/mine", message=str(number)) for number in range(2))
    assert first != second
    assert list(hub.repositories["org/mine"].commits) == [first, second]


@pytest.mark.parametrize("card", [None, "---\nlicense: apache-2.0\ntags: [dogs]\n---\n\n# Mine\n\nA card.\n"])
def test_the_model_card_has_the_measured_recalls(hub: Hub, measured: Bundle, native: Path, card: str | None) -> None:
    if card is not None:
        (native / Layout.CARD).write_text(card)
    commit = measured.push_to_hub("org/mine")
    pushed = hub.repositories["org/mine"].commits[commit]
    found = ModelCard(pushed[Layout.CARD].decode())
    values = {
        (result.dataset_config, result.task_type, result.metric_type): result.metric_value
        for result in found.data.eval_results or []
    }
    assert values["fp32", "text-to-image-retrieval", "recall_at_1"] == 22.12
    assert values["fp32", "text-to-image-retrieval", "recall_at_10"] == 64.72
    assert values["fp32", "image-to-text-retrieval", "recall_at_5"] == 56.9
    assert len(values) == 6 * len(measured.precisions)
    assert (found.data.library_name, found.data.model_name) == ("photoseek", measured.name)
    assert found.data.license == ("mit" if card is None else "apache-2.0")
    assert {"photoseek", "onnx"} < set(found.data.tags or [])
    assert 'Bundle.from_pretrained("org/mine")' in found.text
    if card is not None:
        assert "A card." in found.text
        assert "dogs" in (found.data.tags or [])
    record = json.loads(pushed[Layout.MANIFEST])["files"][Layout.CARD]
    assert record["bytes"] == len(pushed[Layout.CARD])


def test_a_push_needs_a_token_that_may_write(hub: Hub, measured: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.required_token = "hf_writes"
    with pytest.raises(ModelUnavailable, match="answered 403; set HF_TOKEN to a token with this permission"):
        measured.push_to_hub("org/mine")
    assert "org/mine" not in hub.repositories
    monkeypatch.setenv("HF_TOKEN", "hf_writes")
    assert measured.push_to_hub("org/mine") == hub.repositories["org/mine"].latest


def test_a_refused_upload_is_an_error(hub: Hub, measured: Bundle) -> None:
    hub.refuses_uploads = True
    with pytest.raises(ModelUnavailable, match="the hub answered 403"):
        measured.push_to_hub("org/mine")
    assert not hub.repositories["org/mine"].commits


def test_only_intact_bundles_of_photoseek_are_pushed(hub: Hub, small: Path, measured: Bundle, native: Path) -> None:
    with pytest.raises(BundleIncompatible, match="expected a bundle of photoseek"):
        Bundle.load(small).push_to_hub("org/mine")
    (native / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleDamaged):
        measured.push_to_hub("org/mine")
    assert "org/mine" not in hub.repositories
