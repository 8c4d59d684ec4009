"""A model as one file: packed, unpacked, and refused if it was changed."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest

from hub_server import serve_hub
from photoseek import Bundle
from photoseek.bundle.installed_models import RECORD
from photoseek.errors import ModelError, ModelNotInstalled, ModelRefused
from photoseek.models.archive import pack, unpack
from photoseek.models.pull import plan_pull, run_pull
from typed_commands import answer

Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="module")
def packed_once(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a packed model. Do not change it."""
    folder = tmp_path_factory.mktemp("packed")
    with pytest.MonkeyPatch.context() as patch, serve_hub() as hub:
        patch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder / "hub-cache"))
        for name, value in {"PHOTOSEEK_MODELS": folder / "installed", "HF_ENDPOINT": hub.address}.items():
            patch.setenv(name, str(value))
        hub.add_folder("org/small", written / "small")
        run_pull(plan_pull("hf:org/small"))
        pack("hf:org/small", folder / "small.tar")
    huggingface_hub.close_session()
    return folder / "small.tar"


@pytest.fixture
def packed(packed_once: Path, tmp_path: Path) -> Path:
    """Return a packed model that a test may change."""
    return shutil.copy(packed_once, tmp_path / "small.tar")


@pytest.fixture
def elsewhere(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of installed models of another machine, without a network."""
    assert packed.is_file()
    monkeypatch.setenv("PHOTOSEEK_MODELS", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "elsewhere"


def test_unpacking_installs_the_same_model(packed: Path, elsewhere: Path, written: Path) -> None:
    report = json.loads(answer("models", "unpack", packed, "--json"))
    assert (report["name"], report["folder"]) == ("org--small", str(elsewhere / "org--small"))
    assert Bundle.load("hf:org/small").fingerprint == Bundle.load(written / "small").fingerprint
    with pytest.raises(ModelError, match="is installed; to replace it, first run: photoseek models remove org--small"):
        unpack(packed)


def test_packing_again_writes_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    unpack(packed)
    pack("org--small", tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == packed.read_bytes()
    with pytest.raises(ModelError, match="expected a new file, found an existing one"):
        pack("org--small", packed)


def test_only_an_installed_model_is_packed(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="photoseek models pull clip-vit-b-32"):
        pack("clip-vit-b-32", tmp_path / "clip.tar")


def members_of(file: Path) -> Members:
    with tarfile.open(file) as archive:
        return [(member, archive.extractfile(member).read()) for member in archive]  # type: ignore[union-attr]


def write_members(file: Path, members: Members) -> None:
    with tarfile.open(file, "w") as archive:
        for member, data in members:
            archive.addfile(member, io.BytesIO(data))


def renamed(name: str) -> Callable[[Members], Members]:
    """Return a change that gives the last file another name, in the record, too."""

    def change(members: Members) -> Members:
        (record, data), *files, (last, content) = members
        values = json.loads(data)
        values["files"][name] = values["files"].pop(last.name)
        changed = json.dumps(values).encode()
        record.size, last.name = len(changed), name
        return [(record, changed), *files, (last, content)]

    return change


def link(members: Members) -> Members:
    *others, (last, _) = members
    last.type, last.linkname, last.size = tarfile.SYMTYPE, "/etc/passwd", 0
    return [*others, (last, b"")]


def other_content(members: Members) -> Members:
    *others, (last, data) = members
    return [*others, (last, data[:-1] + b"?")]


def model_name(members: Members) -> Members:
    (record, data), *files = members
    changed = json.dumps({**json.loads(data), "name": "../../other"}).encode()
    record.size = len(changed)
    return [(record, changed), *files]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (renamed("../outside"), "expected paths inside the bundle, found '../outside'"),
        (renamed("/tmp/outside"), "expected paths inside the bundle, found '/tmp/outside'"),
        (model_name, "expected letters, digits, dots and dashes, found '../../other'"),
        (link, "expected a file of the record, found"),
        (other_content, "differs from its sha256"),
        (lambda members: members[:-1], "found no such file"),
        (lambda members: [*members, members[-1]], "expected a file of the record, found"),
        (lambda members: members[1:], f"expected {RECORD} as its first file, found none"),
        (lambda _: [], "expected"),
    ],
)
def test_a_changed_file_is_refused(
    packed: Path, elsewhere: Path, tmp_path: Path, change: Callable[[Members], Members], reason: str
) -> None:
    before = {path for path in tmp_path.rglob("*") if elsewhere not in path.parents}
    write_members(packed, change(members_of(packed)))
    with pytest.raises(ModelRefused, match=reason):
        unpack(packed)
    assert {path for path in tmp_path.rglob("*") if elsewhere not in path.parents} - {elsewhere} == before
    assert not list(elsewhere.glob("*org--small"))


def test_a_truncated_file_is_refused(packed: Path, elsewhere: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:3000])
    with pytest.raises(ModelRefused):
        unpack(packed)
    assert not (elsewhere / "org--small").exists()
