"""Every failure of a download is one line that says what was expected, what was found, and what to do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import huggingface_hub.constants
import pytest

from hub_server import COMMIT, REPOSITORY, Hub
from photoseek import Bundle
from photoseek.errors import ModelError, ModelUnavailable, QueryError
from photoseek.models.model_folder import open_draft, remove_model
from photoseek.models.pull import plan_pull, run_pull
from typed_commands import photoseek_command, photoseek_process


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (401, {"X-Error-Code": "RepoNotFound"}, "expected a repository, found none, or a private one; .* HF_TOKEN"),
        (401, {}, "HF_TOKEN"),
        (403, {"X-Error-Code": "GatedRepo"}, "found a gated repository; accept its terms at .*, and set HF_TOKEN"),
        (404, {"X-Error-Code": "RepoNotFound"}, "expected a repository, found none"),
        (429, {"Retry-After": "12"}, "answered 429, too many requests; wait 12 seconds, or set HF_TOKEN"),
        (500, {}, "found status 500; try again later"),
    ],
)
def test_a_status_of_the_hub_says_what_to_do(hub: Hub, status: int, headers: dict[str, str], reason: str) -> None:
    hub.statuses[REPOSITORY] = (status, headers)
    with pytest.raises(ModelUnavailable, match=reason):
        plan_pull("clip-vit-b-32")


def test_an_error_is_one_line_on_standard_error(hub: Hub) -> None:
    hub.statuses[REPOSITORY] = (429, {})
    done = photoseek_command("models", "pull", "clip-vit-b-32", "--yes")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"photoseek: {REPOSITORY}: the hub answered 429")


def test_the_token_is_sent_to_the_hub_and_not_to_another_host(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    run_pull(plan_pull("clip-vit-b-32"))
    sent = {request.path.startswith("/cdn/"): request.token for request in hub.requests}
    assert sent == {False: "Bearer hf_secret", True: None}


def test_a_missing_file_is_named(hub: Hub) -> None:
    del hub.repositories[REPOSITORY].commits[hub.repositories[REPOSITORY].latest]["tokenizer.json"]
    with pytest.raises(ModelUnavailable, match=r"expected tokenizer.json at commit .*, found no such file"):
        plan_pull("clip-vit-b-32")


def test_an_unreachable_hub_is_named(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match=r"http://127.0.0.1:9: cannot be reached: .*; check the network"):
        plan_pull("clip-vit-b-32")
    assert not models.exists()


def test_offline_mode_refuses_what_is_not_in_the_cache(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match=r"HF_HUB_OFFLINE is set, and the cache .*photoseek models unpack FILE"):
        plan_pull("clip-vit-b-32")
    assert hub.requests == []


def test_offline_mode_installs_from_the_cache(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = hub.repositories[REPOSITORY].latest
    for name in plan_pull("clip-vit-b-32").files:
        huggingface_hub.hf_hub_download(REPOSITORY, name.remote, revision=commit, endpoint=hub.address)
    hub.requests.clear()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    run_pull(plan_pull("clip-vit-b-32"))
    assert hub.requests == []
    assert Bundle.load("clip-vit-b-32").dim == 512


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("clip-vit-b32", "similar models: clip-vit-b-32, "),
        ("something", "see: photoseek models list"),
        ("hf:org", "expected a repository as hf:ORG/REPO, found 'hf:org'"),
        ("hf:../..", "expected a repository as hf:ORG/REPO"),
    ],
)
def test_an_unknown_name_is_refused_without_the_network(hub: Hub, name: str, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        plan_pull(name)
    assert hub.requests == []


def test_without_a_terminal_the_download_needs_yes(hub: Hub, models: Path) -> None:
    done = photoseek_command("models", "pull", "clip-vit-b-32")
    assert done.returncode == 2
    assert "to download anyway, add --yes" in done.stderr
    assert f"address:  {hub.address}/{REPOSITORY}" in done.stderr
    assert hub.downloaded() == []
    assert not models.exists()


def test_too_little_space_is_reported_before_the_download(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(ModelError, match=r"expected 0\.\d MB of free space, found 0\.0 MB; .*PHOTOSEEK_MODELS"):
        run_pull(plan_pull("clip-vit-b-32"))
    assert hub.downloaded() == []


def test_a_disk_that_fills_up_keeps_what_was_downloaded(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        monkeypatch.setenv("PHOTOSEEK_MODELS", str(disk / "models"))
        files = dict(hub.repositories["org/small"].commits[hub.repositories["org/small"].latest])
        files["onnx/vision_model.onnx"] += bytes(200_000)
        hub.repositories["org/small"].add(files)
        plan = plan_pull("hf:org/small")
        usage = shutil.disk_usage("/")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(ModelError, match="no space left on the disk; free some, and try again to resume"):
            run_pull(plan)
        draft = disk / "models/.incomplete-org--small"
        assert (draft / "onnx/text_model.onnx").is_file()
        assert (draft / "onnx/vision_model.onnx.partial").stat().st_size > 0
        assert remove_model("org--small") == 0
        assert not draft.exists()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_two_pulls_of_one_model_do_not_mix(hub: Hub) -> None:
    plan = plan_pull("clip-vit-b-32")
    names = [file.local for file in plan.files]
    with open_draft("clip-vit-b-32", "", names), pytest.raises(ModelError, match="another process is installing"):
        run_pull(plan)
    with open_draft("clip-vit-b-32", "", names), pytest.raises(ModelError, match="another process is installing"):
        remove_model("clip-vit-b-32")
    assert Bundle.load(run_pull(plan)).dim == 512
    assert hub.downloaded() != []


def test_proxies_of_the_environment_are_used(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("http_proxy", hub.address)
    huggingface_hub.close_session()  # the next one reads the variables
    assert plan_pull("clip-vit-b-32").sources == {REPOSITORY: COMMIT}
    assert hub.requests[0].path == f"/api/models/{REPOSITORY}/revision/{COMMIT}"


def test_the_home_folder_and_offline_mode_of_the_environment_are_used(hub: Hub, tmp_path: Path) -> None:
    """``huggingface_hub`` reads them when it is imported, so that a new process is needed."""
    home = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    done = photoseek_process("models", "pull", "clip-vit-b-32", "--yes", **home)
    assert done.returncode == 1
    assert f"the cache {tmp_path}/home/hub/models--Xenova--clip-vit-base-patch32 does not contain it" in done.stderr
    assert hub.requests == []
