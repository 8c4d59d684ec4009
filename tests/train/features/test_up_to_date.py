"""Features count as up to date until a file, a text or a setting changes that they depend on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from photoseek_train.cli.app import app
from photoseek_train.config import ModelInit
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.features import up_to_date
from photoseek_train.features.up_to_date import FeatureInputs, is_up_to_date, record_up_to_date
from toy_world import World


@pytest.fixture
def inputs(tmp_path: Path, world: World, bert: Path, resnet: Path) -> FeatureInputs:
    images = shutil.copytree(world.images, tmp_path / "images")
    text = shutil.copytree(bert, tmp_path / "bert")
    weights = Path(shutil.copy(resnet, tmp_path / "resnet.pth"))
    data = CaptionedPhotos.read(images, world.captions, world.dev)
    return FeatureInputs(ModelInit(str(text), str(weights)), data, (32, "squash", "fp32"))


def replace_content(path: Path) -> None:
    """Change a byte, and restore the modification time."""
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def change_photo(inputs: FeatureInputs) -> FeatureInputs:
    replace_content(inputs.data.paths[3])
    return inputs


def change_bert(inputs: FeatureInputs) -> FeatureInputs:
    replace_content(Path(str(inputs.sources.text_model)) / "model.safetensors")
    return inputs


def change_weights(inputs: FeatureInputs) -> FeatureInputs:
    replace_content(Path(inputs.sources.image_weights))
    return inputs


def change_caption(inputs: FeatureInputs) -> FeatureInputs:
    first, *rest = inputs.data.captions
    captions = (replace(first, text="another text"), *rest)
    return replace(inputs, data=replace(inputs.data, captions=captions))


def change_pooling(inputs: FeatureInputs) -> FeatureInputs:
    return replace(inputs, sources=replace(inputs.sources, pooling="cls"))


def change_size(inputs: FeatureInputs) -> FeatureInputs:
    return replace(inputs, settings=(64, "squash", "fp32"))


@pytest.mark.parametrize(
    "change", [change_photo, change_bert, change_weights, change_caption, change_pooling, change_size]
)
def test_every_change_of_the_inputs_changes_the_digest(
    inputs: FeatureInputs, change: Callable[[FeatureInputs], FeatureInputs]
) -> None:
    before = inputs.digest(clock_s=0)
    assert before is not None
    assert inputs.digest(clock_s=0) == before
    assert change(inputs).digest(clock_s=0) not in (None, before)


def test_another_version_of_a_library_changes_the_digest(
    inputs: FeatureInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = inputs.digest(clock_s=0)
    monkeypatch.setattr(up_to_date, "version", lambda package: f"{package} 0")
    assert inputs.digest(clock_s=0) not in (None, before)


def test_inputs_that_changed_just_now_or_are_not_on_this_disk_have_no_digest(inputs: FeatureInputs) -> None:
    assert inputs.digest(clock_s=3600) is None
    for sources in (
        replace(inputs.sources, text_model="no-such-model"),
        replace(inputs.sources, text_model="no such/name/at all"),
        replace(inputs.sources, image_weights="missing.pth"),
    ):
        assert replace(inputs, sources=sources).digest(clock_s=0) is None


def test_a_folder_is_up_to_date_until_one_of_its_files_changes(tmp_path: Path) -> None:
    np.save(tmp_path / "image_embeddings.npy", np.zeros((2, 2)))
    (tmp_path / "manifest.json").write_text("{}")
    assert not is_up_to_date(tmp_path, "digest")
    record_up_to_date(tmp_path, "digest")
    assert is_up_to_date(tmp_path, "digest")
    assert not is_up_to_date(tmp_path, "another")
    assert not is_up_to_date(tmp_path, None)
    replace_content(tmp_path / "image_embeddings.npy")
    assert not is_up_to_date(tmp_path, "digest")
    record_up_to_date(tmp_path, "digest")
    (tmp_path / "image_embeddings.npy").unlink()
    assert not is_up_to_date(tmp_path, "digest")
    record_up_to_date(tmp_path, None)
    assert not (tmp_path / up_to_date.RECORD).exists()


def test_pytorch_is_not_imported_if_nothing_changed(tmp_path: Path, world: World, bert: Path, resnet: Path) -> None:
    out = tmp_path / "features"
    arguments = ["features", "--images", world.images, "--captions", world.captions, "--split", world.dev, "--out", out]
    arguments += ["--text-model", bert, "--image-weights", resnet, "--image-size", "32", "--max-tokens", "24"]
    command = [str(argument) for argument in arguments]
    while not (out / up_to_date.RECORD).exists():  # at first, the files may be newer than a clock can tell
        assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    code = (
        "import sys; from photoseek_train.cli.app import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    assert done.stdout == f"{out}: features of 16 photos and 32 captions\n"
