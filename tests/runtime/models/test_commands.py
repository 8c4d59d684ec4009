"""``photoseek models``: lists, removal, folders, and models by name in other commands."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import huggingface_hub
import pytest

import photoseek.bundle.model_registry
from hub_server import COMMIT, REPOSITORY, Hub
from photoseek import Bundle
from photoseek.bundle.installed_models import RECORD, models_folder
from photoseek.bundle.model_registry import registered_models
from photoseek.errors import BundleDamaged, BundleNotFound, ModelError, ModelNotInstalled
from photoseek.models.file_selection import select_files
from photoseek.models.model_folder import remove_model
from photoseek.models.pull import plan_pull, run_pull
from typed_commands import answer, environment, photoseek_command


def listed() -> dict[str, dict[str, object]]:
    return {facts["name"]: facts for facts in json.loads(answer("models", "list", "--json"))}


@pytest.mark.usefixtures("hub")
def test_the_list_says_what_is_installed(models: Path) -> None:
    assert not any(facts["installed"] for facts in listed().values())
    run_pull(plan_pull("clip-vit-b-32", "q8"))
    run_pull(plan_pull("hf:org/small"))
    clip, small = listed()["clip-vit-b-32"], listed()["org--small"]
    assert clip["sources"] == {REPOSITORY: COMMIT}
    assert (clip["precision"], clip["languages"], clip["dim"]) == ("q8", ["en"], 512)
    assert (small["installed"], small["license"]) == (True, "mit")
    (models / "org--small" / RECORD).write_text("{}")
    assert "expected format 1, found None" in str(listed()["org--small"]["problem"])
    assert "clip-vit-b-32" in answer("models", "list")


@pytest.mark.usefixtures("hub")
def test_where_and_remove(models: Path) -> None:
    run_pull(plan_pull("clip-vit-b-32"))
    assert answer("models", "where", "clip-vit-b-32") == f"{models / 'clip-vit-b-32'}\n"
    size = sum(file.facts.bytes or 0 for file in plan_pull("clip-vit-b-32").files)
    assert json.loads(answer("models", "remove", "clip-vit-b-32", "--json")) == {"name": "clip-vit-b-32", "bytes": size}
    assert not (models / "clip-vit-b-32").exists()
    for command in ("where", "pack"):
        done = photoseek_command("models", command, "clip-vit-b-32", *(["clip.tar"] if command == "pack" else []))
        assert "download it with: photoseek models pull clip-vit-b-32" in done.stderr


def test_only_files_of_photoseek_are_removed(hub: Hub, models: Path) -> None:
    run_pull(plan_pull("hf:org/small"))
    (models / "org--small/notes.txt").write_text("mine")
    with pytest.raises(ModelError, match="expected only files that photoseek created, found others"):
        remove_model("org--small")
    assert Bundle.load("hf:org/small").dim == 16
    assert hub.downloaded()


def test_a_name_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    assert "expected the name of a model" in photoseek_command("models", "remove", "../victim").stderr
    assert (tmp_path / "victim").is_dir()


@pytest.mark.parametrize(
    "command",
    [
        ("index", "PHOTOS", "--bundle", "clip-vit-b-32"),
        ("info", "clip-vit-b-32"),
        ("verify", "clip-vit-b-32"),
        ("evaluate", "--images", "PHOTOS", "--captions", "none", "--bundle", "clip-vit-b-32"),
    ],
)
def test_a_missing_model_names_the_command_that_downloads_it(photos: Path, command: tuple[str]) -> None:
    words = [str(photos) if word == "PHOTOS" else word for word in command]
    done = photoseek_command(*words)
    assert done.returncode == 1
    assert "photoseek: model clip-vit-b-32 is not installed; download it with: photoseek models pull clip-vit-b-32" in (
        done.stderr
    )


def test_a_similar_name_is_suggested() -> None:
    with pytest.raises(BundleNotFound, match="similar models: clip-vit-b-32, "):
        Bundle.load("clip-vit-b32")
    with pytest.raises(ModelNotInstalled, match="photoseek models pull hf:org/small"):
        Bundle.load("hf:org/small")


@pytest.mark.usefixtures("hub")
def test_a_folder_takes_precedence(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_pull(plan_pull("clip-vit-b-32"))
    (tmp_path / "clip-vit-b-32").symlink_to(written / "small")
    monkeypatch.chdir(tmp_path)
    assert Bundle.load("clip-vit-b-32").dim == 16


def test_a_folder_of_the_cache_of_the_hub_is_opened(hub: Hub, written: Path, tmp_path: Path) -> None:
    for name in hub.repositories["org/small"].commits[hub.repositories["org/small"].latest]:
        huggingface_hub.hf_hub_download("org/small", name, endpoint=hub.address)
    bundle = Bundle.load(tmp_path / "hub-cache" / "models--org--small")
    assert (bundle.name, bundle.dim) == ("org--small", 16)
    assert bundle.fingerprint == Bundle.load(written / "small").fingerprint


@pytest.mark.usefixtures("hub")
def test_a_changed_file_is_never_used() -> None:
    folder = run_pull(plan_pull("hf:org/small"))
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes().replace(b"red", b"rot"))
    with pytest.raises(BundleDamaged, match=r"tokenizer.json: expected sha256 .*, found"):
        Bundle.load("hf:org/small").tokenization()
    tokenizer.write_bytes(b"{}")
    with pytest.raises(BundleDamaged, match=r"tokenizer.json: expected .* bytes, found 2; .* models pull hf:org/small"):
        Bundle.load("hf:org/small")


def test_models_are_in_the_data_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PHOTOSEEK_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "photoseek" / "models"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert models_folder() == Path.home() / ".local/share/photoseek/models"


def test_a_user_is_asked_on_a_terminal(hub: Hub, models: Path) -> None:
    """In a new process, whose ``huggingface_hub`` sends no telemetry."""
    terminal, side = pty.openpty()
    os.write(terminal, b"y\n")
    command = [sys.executable, "-m", "photoseek", "models", "pull", "clip-vit-b-32"]
    done = subprocess.run(command, stdin=side, stdout=side, stderr=side, env=environment(), timeout=60, check=False)
    printed = os.read(terminal, 100_000).decode()
    os.close(side)
    os.close(terminal)
    assert re.search(r"download: .* MB \([\d,]+ bytes\) in 6 files, precision fp32", printed)
    assert "download it? [y/N]" in printed
    assert (done.returncode, (models / "clip-vit-b-32").exists()) == (0, True)
    requested = [request.path for request in hub.requests if "/cdn/" not in request.path]
    files = [f"/{REPOSITORY}/resolve/{COMMIT}/{name}" for name in hub.downloaded()]
    assert requested == [f"/api/models/{REPOSITORY}/revision/{COMMIT}", *files]


def test_the_answer_no_downloads_nothing(hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photoseek.cli.output.can_ask", lambda: True)
    done = photoseek_command("models", "pull", "clip-vit-b-32", lines=b"n\n")
    assert (done.returncode, models.exists(), hub.downloaded()) == (1, False, [])
    assert done.stderr.endswith("nothing was downloaded\n")


def test_no_command_but_pull_imports_the_client() -> None:
    code = "import sys; from photoseek.cli.app import app; app(['models', 'list'], standalone_mode=False)"
    loaded = "print([name for name in ('huggingface_hub', 'httpx', 'httpx2', 'tqdm') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {loaded}"], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_registry_is_consistent() -> None:
    for name, model in registered_models().items():
        assert model.name == name
        assert model.revision is None or re.fullmatch("[0-9a-f]{40}", model.revision), name
        for precision, graphs in model.files.items():
            files = {*model.common, *graphs, *(file for each in model.more for file in each.files)}
            local = {file.removeprefix(f"{model.folder}/") for file in files}
            chosen, needed = select_files(name, local, precision)
            assert (chosen, set(needed) - local) == (precision, set()), name
        assert set(model.megabytes) <= set(model.files), name
        assert set(model.recall) <= set(model.languages), name
        assert bool(model.recall) == (model.benchmark is not None), name


def test_the_registry_has_no_unknown_keys() -> None:
    path = Path(photoseek.bundle.model_registry.__file__).with_name("models.toml")
    assert set(tomllib.loads(path.read_text())) == {"benchmarks", "models"}
