"""Indexing with Ray: components that need no cluster."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from external_models import write_fastembed, write_transformers
from photoseek import Bundle, Gallery
from photoseek.bundle.files import ChecksummedFiles
from photoseek.bundle.manifest import Layout
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import BundleDamaged, IndexingError, MissingExtra, QueryError
from photoseek.gallery.indexing.pipeline import Batch, PhotoEncoder
from photoseek.ray_indexing import cluster
from photoseek.ray_indexing.bundle_transfer import fetch_bundle, files_of
from photoseek.ray_indexing.coordinator import Coordinator
from photoseek.ray_indexing.encoder import RayBackend, accept_result
from photoseek.sources.base import PhotoEntry
from photoseek.sources.local import LocalSource, scan
from tiny_bundle import write_tiny_bundle

COMMAND = [sys.executable, "-m", "photoseek", "index"]


@pytest.mark.parametrize("address", ["", "nonsense", "host", "host:port", "ray://host", "http://host:80", "a b:1"])
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(QueryError, match="expected auto, local, HOST:PORT or ray://HOST:PORT"):
        RayBackend(address)


def test_the_error_without_ray_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photoseek.ray_indexing.encoder.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install 'photoseek\[ray\]'"):
        RayBackend("auto")


def test_a_photo_that_is_returned_twice_is_saved_once(photos: Path, tiny_bundle: Bundle) -> None:
    pytest.importorskip("pyarrow")
    from photoseek.ray_indexing.arrow_rows import from_batch, parse_result

    photo_encoder = PhotoEncoder(LocalSource(photos), ImageEncoder(tiny_bundle), frozenset())
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Canon", "Canon EOS R6"
    second = photos / list(scan(photos))[1].path
    with Image.open(second) as image:
        image.save(second, exif=exif)
    found = list(scan(photos))[:4]
    missing = PhotoEntry("missing.png", 1, 1)
    (result,) = parse_result(from_batch([*found, missing], photo_encoder.batch([*found, missing]), "host"))
    awaited = {photo.path for photo in found[1:]} | {"missing.png", "other.png"}
    batch = accept_result(result, awaited, photo_encoder)
    assert [record.found for record in batch.records] == found[1:]
    assert batch.size == 4
    assert awaited == {"other.png"}
    plain = photo_encoder.batch(found[1:])
    assert [content.vector.tobytes() for content in batch.contents] == [
        each.vector.tobytes() for each in plain.contents
    ]
    assert [record.sha256 for record in batch.records] == [record.sha256 for record in plain.records]
    assert [record.metadata.camera for record in batch.records] == ["Canon EOS R6", "", ""]
    assert accept_result(result, awaited, photo_encoder) == Batch(0, [], [])


def test_a_bundle_is_unpacked_once_and_a_damaged_one_is_refused(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sent = files_of(tiny_bundle)
    assert files_of(Bundle.load("demo")) == {}
    assert fetch_bundle(str(tiny_bundle.path), tiny_bundle.fingerprint, lambda: 1 / 0).path == tiny_bundle.path
    other = write_tiny_bundle(tmp_path / "other", seed=1)  # another bundle at the path
    bundle = fetch_bundle(str(other), tiny_bundle.fingerprint, lambda: sent)
    bundle.verify()
    assert bundle.path.is_relative_to(tmp_path / "photoseek")
    assert fetch_bundle("/nowhere", tiny_bundle.fingerprint, lambda: 1 / 0).path == bundle.path
    with pytest.raises(IndexingError, match="install the same version of photoseek on every machine"):
        fetch_bundle("demo", "f" * 64, dict)
    largest = max(sent, key=lambda name: len(sent[name]) if name.endswith(".onnx") else 0)
    broken = {**sent, largest: sent[largest][:-1] + b"\0"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    with pytest.raises(BundleDamaged):
        fetch_bundle("/nowhere", tiny_bundle.fingerprint, lambda: broken).verify()


def test_a_model_of_another_program_has_the_same_fingerprint_after_transfer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = Bundle.load(write_transformers(tmp_path / "model"))
    assert fetch_bundle("/nowhere", bundle.fingerprint, lambda: files_of(bundle)).fingerprint == bundle.fingerprint


def test_files_outside_a_bundle_are_sent_inside_it(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "merges").write_bytes(b"x")
    record = tiny_bundle.manifest.files[Layout.TOKENIZER]
    manifest = replace(tiny_bundle.manifest, files={"../tokenizer/merges": record})
    files = ChecksummedFiles(tmp_path / "model", manifest.files)
    bundle = Bundle(tmp_path / "model", replace(tiny_bundle.description, manifest=manifest, files=files), "x")
    assert files_of(bundle)["tokenizer/merges"] == b"x"


def test_both_folders_of_a_pair_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text, _ = write_fastembed(tmp_path / "models")
    (tmp_path / "models/notes.json").write_text("{}")
    bundle = Bundle.load(text)
    sent = files_of(bundle)
    assert {name.partition("/")[0] for name in sent} == {"clip-ViT-B-32-text", "clip-ViT-B-32-vision"}
    assert fetch_bundle("/nowhere", bundle.fingerprint, lambda: sent).fingerprint == bundle.fingerprint


def test_another_version_of_photoseek_is_refused(photos: Path, tiny_bundle: Bundle) -> None:
    pytest.importorskip("ray")
    from photoseek.ray_indexing.worker import WorkerSpec

    spec = WorkerSpec("0.0.1", LocalSource(photos), tiny_bundle.reference, tiny_bundle.fingerprint, "fp32", None)
    with pytest.raises(IndexingError, match=r"expected photoseek 0\.0\.1, found .*; install the same version"):
        spec.photo_encoder()


def test_attempts_are_counted_until_one_succeeds() -> None:
    coordinator = Coordinator()
    assert [coordinator.start_item("a"), coordinator.start_item("a"), coordinator.start_item("b")] == [1, 2, 1]
    coordinator.finish_item("a")
    assert coordinator.start_item("a") == 1


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_closed_port_is_an_error(photos: Path, tiny_bundle: Bundle, scheme: str) -> None:
    pytest.importorskip("ray.data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
        gallery = Gallery.create(photos, tiny_bundle)
        with pytest.raises(IndexingError, match=r"no Ray cluster can be reached there: .*refused"):
            gallery.index(backend=RayBackend(address))
    assert gallery.database.count() == 0


def test_the_error_without_a_cluster_says_how_to_start_one(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")

    def init(**_: object) -> None:  # another cluster may run on this machine
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(IndexingError, match=r"no Ray cluster runs on this machine; start one with: ray start --head"):
        Gallery.create(photos, tiny_bundle).index(backend=RayBackend("auto"))


def test_joining_a_server_that_is_not_a_cluster_times_out(photos: Path, tiny_bundle: Bundle) -> None:
    """In a subprocess: Ray keeps trying to connect, and ends the process when it gives up."""
    pytest.importorskip("ray.data")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        code = (
            "from photoseek import Bundle, Gallery\n"
            "from photoseek.ray_indexing import RayBackend\n"
            f"gallery = Gallery.create({str(photos)!r}, Bundle.load({str(tiny_bundle.path)!r}))\n"
            f"gallery.index(backend=RayBackend({address!r}, join_timeout_s=2))\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    line = done.stderr.strip().splitlines()[-1]
    assert f"IndexingError: {address}: no answer within 2 s; is it a Ray cluster of the same Ray version?" in line


def test_watching_and_ray_exclude_each_other(photos: Path) -> None:
    done = subprocess.run([*COMMAND, str(photos), "--watch", "--ray", "auto"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "found --watch and --ray" in done.stderr


def test_only_addresses_of_hosts_are_probed() -> None:
    for address in ("auto", "local"):
        cluster.probe(address)
    with pytest.raises(IndexingError, match="no Ray cluster can be reached"):
        cluster.probe("no-such-host.invalid:6379")
