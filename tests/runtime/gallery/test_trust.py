"""A gallery from someone else can neither read other folders nor run the models in it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from external_models import change, write_transformers
from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.onnx_session import OnnxSession
from photoseek.errors import GalleryUntrusted
from tiny_bundle import DIM, write_tiny_bundle
from tiny_photos import write_color
from typed_commands import environment, photoseek_command


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of a user who has named nothing yet, as on another computer."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "photoseek" / "trust.json"


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if a graph is opened."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a graph was opened")

    monkeypatch.setattr(OnnxSession, "__init__", refuse)


def records(gallery: Gallery, **facts: str) -> Gallery:
    """Change facts in the gallery's database, and open it again."""
    gallery.database.set_meta(**facts)
    gallery.close()
    return Gallery.open(gallery.path)


@pytest.fixture
def album(gallery: Gallery, photos: Path, state: Path) -> Gallery:
    """Photos with a gallery and its bundle in one folder, as received from a stranger."""
    write_tiny_bundle(photos / "bundle")
    assert not state.exists()
    return records(gallery, bundle=str(photos / "bundle"))


@pytest.mark.usefixtures("no_model")
def test_a_bundle_inside_an_album_does_not_run(album: Gallery) -> None:
    with pytest.raises(GalleryUntrusted, match=r"its bundle .*/photos/bundle is not one that you named"):
        Searcher(album)


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("reference", ["bundle", "./bundle", "~/bundle", "../photos/bundle", "demo/"])
def test_a_bundle_inside_an_album_does_not_run_by_any_spelling(
    album: Gallery, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(album.path.parent)
    with pytest.raises(GalleryUntrusted):
        records(album, bundle=reference).bundles.load()


def test_the_embedded_bundle_needs_no_trust(tmp_path: Path, state: Path) -> None:
    folder = tmp_path / "photos"
    write_color(folder / "red.png", (220, 30, 30))
    with Gallery.create(folder, Bundle.load("demo")) as gallery:
        gallery.index()
    moved = folder.rename(tmp_path / "another computer")
    with Gallery.open(moved) as gallery:
        assert Searcher(gallery).search("red", k=1)[0].file == moved / "red.png"
    assert not state.parent.exists()  # nothing refers to another location, so nothing is recorded


def test_paths_that_the_user_names_are_trusted_afterward(photos: Path, tiny_bundle: Bundle, state: Path) -> None:
    place = photos.parent / "gallery"
    with Gallery.create(photos, tiny_bundle, place) as gallery:
        gallery.index()
    with Gallery.open(place) as again:
        assert Searcher(again).search("red", k=1)[0].file.parent == photos / "red"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    noted = json.loads(state.read_text())
    assert (noted["format"], noted["galleries"]) == (1, {str(place): str(photos)})
    assert list(noted["bundles"]) == [str(tiny_bundle.path)]


def test_naming_both_again_restores_trust(gallery: Gallery, photos: Path, tiny_bundle: Bundle, state: Path) -> None:
    with pytest.raises(GalleryUntrusted):
        gallery.bundles.load()
    Gallery.open_or_create(photos, tiny_bundle).close()
    assert Gallery.open(photos).bundles.load().path == tiny_bundle.path
    assert state.exists()


@pytest.mark.parametrize("place", ["/", "../..", "../../elsewhere", "{parent}/elsewhere", "s3://bucket/photos"])
def test_photos_elsewhere_are_neither_read_nor_returned(gallery: Gallery, place: str) -> None:
    elsewhere = gallery.path.parent.parent / "elsewhere"
    shutil.copytree(gallery.path.parent, elsewhere)
    gallery = records(gallery, photos=place.format(parent=elsewhere.parent))
    for use in (
        lambda: gallery.photos.source,
        lambda: gallery.photos.file_of("red/red-0.png"),
        lambda: Searcher(gallery),
    ):
        with pytest.raises(GalleryUntrusted, match=r"its photo folder .* is not one that you named for it"):
            use()
    assert gallery.status().photos == 24  # the status is still available


def test_trust_is_given_by_an_option_or_an_answer_and_recorded(album: Gallery, state: Path) -> None:
    questions: list[str] = []

    def answer(yes: bool) -> Callable[[str], bool]:
        return lambda question: bool(questions.append(question)) or yes

    refusing = Gallery.open(album.path, trust=answer(False))
    for _ in range(2):
        with pytest.raises(GalleryUntrusted):
            Searcher(refusing)
    assert len(questions) == 1  # once per process
    assert not state.exists()
    assert Searcher(Gallery.open(album.path, trust=answer(True))).search("red", k=1)
    assert len(questions) == 2
    assert Searcher(Gallery.open(album.path)).search("red", k=1)
    records(album, photos="/")
    with pytest.raises(GalleryUntrusted, match="photos"):
        Searcher(Gallery.open(album.path))
    Gallery.open(album.path, trust=True).expect_trust()
    Gallery.open(album.path).expect_trust()


@pytest.mark.usefixtures("no_model")
def test_a_changed_bundle_is_not_trusted(album: Gallery) -> None:
    Gallery.open(album.path, trust=True).expect_trust()
    bundle = album.path.parent / "bundle"
    shutil.rmtree(bundle)
    write_tiny_bundle(bundle, seed=1)
    change(bundle / "photoseek.json", weights=f"{0:064x}")  # other graphs under the same fingerprint
    assert Bundle.load(bundle).fingerprint == album.fingerprint
    with pytest.raises(GalleryUntrusted, match="has changed since you named it"):
        Gallery.open(album.path).bundles.load()


def test_without_a_record_trust_lasts_while_the_gallery_is_open(
    album: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert Searcher(Gallery.open(album.path, trust=True)).search("red", k=1)
    with pytest.raises(GalleryUntrusted):
        Searcher(Gallery.open(album.path))


@pytest.mark.parametrize(
    "content", ["", "[]", "[" * 9_999, '{"format": 2}', '{"bundles": 5}', '{"galleries": {"a": 1}}']
)
def test_a_damaged_record_trusts_nothing(album: Gallery, state: Path, content: str) -> None:
    state.parent.mkdir(parents=True)
    state.write_text(content)
    with pytest.raises(GalleryUntrusted):
        album.bundles.load()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../etc/passwd", "red/../../../etc/passwd", ".."])
def test_a_path_in_the_database_stays_inside_the_photo_folder(gallery: Gallery, path: str) -> None:
    root = gallery.path.parent
    assert os.path.normpath(gallery.photos.recorded.photo_file(path)).startswith(str(root))


def test_the_command_line_refuses_without_the_option(album: Gallery) -> None:
    search = ("search", "red", "--gallery", album.path, "--json")
    refused = photoseek_command(*search)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "add --trust to the command once" in refused.stderr
    assert photoseek_command(*search, "--trust").returncode == 0
    assert photoseek_command(*search).returncode == 0


def test_info_describes_a_strangers_gallery_and_bundle_without_a_model(album: Gallery, tmp_path: Path) -> None:
    code = """
import contextlib, sys
from photoseek.cli.app import main
with contextlib.suppress(SystemExit):
    main()
print([name for name in ("onnxruntime", "tokenizers", "onnx") if name in sys.modules], file=sys.stderr)
"""
    foreign = write_transformers(tmp_path / "foreign")
    for tower in ("text", "vision"):  # no file records the length of its vectors
        graph = onnx.load(foreign / f"onnx/{tower}_model.onnx")
        graph.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "dim"
        onnx.save(graph, foreign / f"onnx/{tower}_model.onnx")
    change(foreign / "config.json", projection_dim=...)
    for place in (album.path, album.path.parent / "bundle", foreign):
        command = [sys.executable, "-c", code, "info", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
        assert "fingerprint:" in done.stdout
        assert done.stderr == "[]\n", place
    assert "dim:            -" in done.stdout
    assert Bundle.load(foreign).dim == DIM
