"""Files of others in, beside and behind the folder of a gallery: none is ever changed or removed."""

from __future__ import annotations

import ast
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import photoseek
from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import GalleryDamaged, GalleryError, PhotoseekError
from photoseek.gallery.gallery import exclusive_writer, find_gallery
from photoseek.gallery.snapshot.stale import remove_stale_files
from photoseek.page.thumbnail_cache import ThumbnailCache
from photoseek.system.folder_tag import TAG
from tiny_bundle import COLORS, DIM, write_tiny_bundle
from tiny_photos import write_color
from trees import tree
from typed_commands import photoseek_command

PROJECT = (
    "README.md",
    "LOCK",
    "bundles/flickr30k/onnx/model.onnx",
    "bundles/0123456789abcdef/weights.bin",
    "generations/000123/thesis.txt",
    "generations/000124.partial/thesis.txt",
    "generations/notes.txt",
    "thumbnails/cover.jpg",
    "thumbnails/0123456789012345678901234567890123456789",
    ".new-idea/draft.txt",
    ".photoseek-new-0123456789abcdef/gallery.sqlite",
    ".git/HEAD",
    "CURRENT.2024.partial",
)
HEX = "0123456789abcdef"
NAMES = (
    *("CURRENT.1.partial", "CURRENT.partial", "CURRENT.1x.partial", "CURRENT.old", "gallery.sqlite.bak", "notes"),
    *(f".photoseek-new-{HEX}", ".photoseek-new-", ".photoseek-new-Idea", ".new-abc", ".new-"),
    *("generations/000007", "generations/000007.partial", "generations/7", "generations/7.partial"),
    *("generations/999999999999", "generations/9999999999999999999", "generations/000001.old", "generations/x"),
    *(f"bundles/{HEX}", "bundles/flickr30k", f"bundles/{HEX}0", f"bundles/{HEX.upper()}"),
    *("thumbnails/cover.jpg", f"thumbnails/{HEX * 2}01234567.jpg", f"thumbnails/{HEX * 2}"),
)


def write(path: Path, text: str = "of somebody else") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def use(photos: Path, gallery: Path, second: Bundle) -> None:
    """Index, search, show, repair, take a bundle in and let it go, prune; what is refused is passed over."""
    for step in (_index, _show, _repair, _hold, _prune):
        with suppress(PhotoseekError), Gallery.open(gallery) as opened:
            step(opened, photos, second)


def _index(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del second
    for color in ("blue", "white"):
        write_color(photos / "more.png", COLORS[color])
        gallery.index()


def _show(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del second
    pictures = ThumbnailCache(gallery.path, max_bytes=500)
    for number in range(6):
        Image.effect_noise((60, 60), 90 + number).save(file := photos / f"noise-{number}.png")
        pictures.thumbnail(file)
        file.unlink()
    ThumbnailCache(gallery.path).thumbnail(photos / "0.png")
    Searcher(gallery).search("red", k=3)


def _repair(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del photos, second
    gallery.repair()
    gallery.stale_files()


def _hold(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del photos
    gallery.add_bundle(second)
    gallery.index()
    gallery.remove_bundle(second)


def _prune(gallery: Gallery, photos: Path, second: Bundle) -> None:
    del photos, second
    gallery.prune()


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.load(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "second", name="second", seed=4, dim=DIM))


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A folder of six photos."""
    for number, color in enumerate(COLORS.values()):
        write_color(tmp_path / "few" / f"{number}.png", color, seed=number)
    return tmp_path / "few"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path, second: Bundle) -> Path:
    """What ``used`` is a copy of."""
    folder = tmp_path_factory.mktemp("template") / "few"
    for number, color in enumerate(COLORS.values()):
        write_color(folder / f"{number}.png", color, seed=number)
    with Gallery.create(folder, Bundle.load(tiny_bundle_path)) as gallery:
        gallery.add_bundle(second)
        for color in ("blue", "white"):
            write_color(folder / "more.png", COLORS[color])
            gallery.index()
        ThumbnailCache(gallery.path).thumbnail(folder / "0.png")
    return folder


@pytest.fixture
def used(template: Path, few: Path) -> Gallery:
    """A gallery of ``few`` that has a thumbnail, two generations and the vectors of two bundles."""
    shutil.copytree(template, few, dirs_exist_ok=True)
    return Gallery.open(few)


def test_a_folder_with_other_files_does_not_become_a_gallery(
    few: Path, tiny_bundle: Bundle, tiny_bundle_path: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    for name in PROJECT:
        write(project / name)
    before = tree(project)
    with pytest.raises(GalleryError, match=r"expected a new or empty folder, or a gallery, found .* name another"):
        Gallery.create(few, tiny_bundle, project)
    told = photoseek_command("index", few, "--bundle", tiny_bundle_path, "--gallery", ".", folder=project)
    assert (told.returncode, told.stdout, len(told.stderr.splitlines())) == (1, "", 1)
    assert f"{project}: expected a new or empty folder, or a gallery, found " in told.stderr
    assert tree(project) == before


@pytest.mark.parametrize("name", [*(name.split("/")[0] for name in PROJECT), TAG, "gallery.sqlite-journal"])
def test_one_file_or_link_of_somebody_else_is_enough(few: Path, tiny_bundle: Bundle, tmp_path: Path, name: str) -> None:
    for plant in (lambda path: path.write_text("x"), lambda path: path.symlink_to("x"), lambda path: path.mkdir()):
        folder = tmp_path / plant.__code__.co_name / name.strip(".")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        plant(folder / name)
        before = tree(folder)
        with pytest.raises(GalleryError, match="name another"):
            Gallery.create(few, tiny_bundle, folder)
        assert tree(folder) == before


def test_a_file_or_a_link_to_nothing_is_no_folder(few: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
    write(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for name, found in (("file", "a file"), ("link", "a symbolic link to nothing")):
        with pytest.raises(GalleryError, match=f"expected a folder, found {found}; name another --gallery"):
            Gallery.create(few, tiny_bundle, tmp_path / name)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("left", [(), (TAG,), (TAG, "LOCK"), (TAG, "LOCK", f".photoseek-new-{HEX}")])
def test_an_interrupted_creation_is_repeated(
    few: Path, tiny_bundle: Bundle, tmp_path: Path, left: tuple[str, ...]
) -> None:
    whole = Gallery.create(few, tiny_bundle, tmp_path / "whole").path
    folder = tmp_path / "gallery"
    folder.mkdir()
    for name in left:
        if name.startswith("."):
            (folder / name).mkdir()
            shutil.copy(whole / TAG, folder / name)
            write(folder / name / "gallery.sqlite", "half of it")
        else:
            shutil.copy(whole / name, folder)
    with Gallery.create(few, tiny_bundle, folder) as gallery:
        assert gallery.index().encoded == 6
        assert not list(folder.glob(".photoseek-new-*"))


@pytest.mark.parametrize("at", range(6))
def test_a_creation_that_is_killed_anywhere_is_repeated(few: Path, tiny_bundle: Bundle, at: int) -> None:
    """A child dies at the ``at``-th call that changes the folder: the states are those that occur."""
    if (child := os.fork()) == 0:
        count = -1
        for name in ("mkdir", "fsync", "replace", "chmod", "rename", "rmdir"):
            call = getattr(os, name)

            def dying(*args: object, _call: Callable[..., object] = call, **kwargs: object) -> object:
                nonlocal count
                count += 1
                if count == at:
                    os._exit(9)
                return _call(*args, **kwargs)

            setattr(os, name, dying)
        Gallery.create(few, tiny_bundle)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    with Gallery.open_or_create(few, tiny_bundle) as gallery:
        assert gallery.index().photos == 6
        assert gallery.stale_files() == []


def test_a_gallery_without_its_database_is_made_again(used: Gallery, few: Path, tiny_bundle: Bundle) -> None:
    used.close()
    used.database.path.unlink()
    with Gallery.create(few, tiny_bundle) as gallery:
        assert gallery.index().encoded == 7
        gallery.verify()


def plant_file(path: Path, gallery: Path) -> None:
    del gallery
    write(path)


def plant_folder(path: Path, gallery: Path) -> None:
    """A folder with files that are called like those of a generation, without a tag."""
    del gallery
    for name in ("vectors.npy", "ids.npy", "manifest.json", "CURRENT", "gallery.sqlite"):
        write(path / name)


def plant_tagged(path: Path, gallery: Path) -> None:
    """A folder with a tag, and a file of somebody else in it."""
    plant_folder(path, gallery)
    shutil.copy(gallery / TAG, path)
    write(path / "notes.txt")


def plant_wrong_tag(path: Path, gallery: Path) -> None:
    plant_folder(path, gallery)
    (path / "gallery.sqlite").unlink()
    write(path / TAG, "Signature: none of photoseek")


def plant_linked_tag(path: Path, gallery: Path) -> None:
    plant_folder(path, gallery)
    (path / TAG).symlink_to(gallery / TAG)


def plant_link(path: Path, gallery: Path) -> None:
    """A link to a folder that photoseek would remove if it lay here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(gallery / "generations" / "000001")


def plant_link_inside(path: Path, gallery: Path) -> None:
    """A generation with a link for one of its files."""
    shutil.copytree(gallery / "generations" / "000001", path)
    (path / "vectors.npy").unlink()
    (path / "vectors.npy").symlink_to(gallery / "gallery.sqlite")


PLANTS = (plant_file, plant_folder, plant_tagged, plant_link, plant_wrong_tag, plant_linked_tag, plant_link_inside)


@pytest.mark.parametrize("plant", PLANTS[:4])
def test_what_is_called_like_a_file_of_photoseek_and_is_none_stays(
    used: Gallery, few: Path, second: Bundle, tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    model = shutil.copytree(used.path, tmp_path / "model")
    for name in NAMES:
        plant(used.path / name, model)
    planted = {name: tree(used.path / name) for name in NAMES}
    elsewhere = tree(model)
    use(few, used.path, second)
    assert {name: tree(used.path / name) for name in NAMES} == planted
    assert tree(model) == elsewhere
    used.index()
    used.verify()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.from_regex(
        r"(generations/\d{1,8}(\.partial|\.old)?|bundles/[0-9a-f]{15,17}|CURRENT\.[0-9x]{1,3}\.partial|"
        r"\.(photoseek-)?new-[0-9a-f]{15,17}|\.[a-z]{1,9})",
        fullmatch=True,
    ),
    plant=st.sampled_from(PLANTS),
)
def test_no_name_is_enough(used: Gallery, tmp_path: Path, name: str, plant: Callable[[Path, Path], None]) -> None:
    model = tmp_path / "model"
    if not model.exists():
        shutil.copytree(used.path, model)
    place = used.path / name
    if os.path.lexists(place):
        return
    plant(place, model)
    before = tree(used.path)
    with exclusive_writer(used.path):
        assert remove_stale_files(used.path, used.bundles()) == []
    assert tree(used.path) == before
    place.unlink() if place.is_symlink() or place.is_file() else shutil.rmtree(place)


LINKS = (
    ("generations",),
    ("CURRENT",),
    ("LOCK",),
    ("gallery.sqlite",),
    ("gallery.sqlite-journal",),
    ("bundles", "thumbnails"),
    ("generations/000002", "BUNDLE/generations", "generations/000007.partial"),
    ("generations/000002/vectors.npy", "BUNDLE", "THUMBNAIL", TAG),
    ("generations/000002/index.ann", "generations/000001", "BUNDLE/CURRENT", f"generations/000002/{TAG}"),
)


@pytest.mark.parametrize("names", LINKS, ids=" ".join)
def test_nothing_is_read_written_or_removed_through_a_link(
    used: Gallery, few: Path, second: Bundle, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Behind each link is a copy of what was at its place, which photoseek would know as its own there."""
    used.close()
    (bundle,) = (used.path / "bundles").iterdir()
    (thumbnail,) = (path for path in (used.path / "thumbnails").iterdir() if path.name != TAG)
    outside = shutil.copytree(used.path, tmp_path / "outside")
    shutil.copytree(outside / "generations" / "000001", outside / "generations" / "000007.partial")
    links = {}
    for name in names:
        name = name.replace("BUNDLE", f"bundles/{bundle.name}").replace("THUMBNAIL", f"thumbnails/{thumbnail.name}")
        place = used.path / name
        if place.is_dir():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.symlink_to(links.setdefault(place, outside / name))
    before = tree(outside)
    if names[0].startswith(("generations", "CURRENT", "gallery.sqlite")) and "index.ann" not in names[0]:
        with pytest.raises(GalleryDamaged, match=r"expected a .*, found a symbolic link"), Gallery.open(few) as opened:
            opened.generation()
    use(few, used.path, second)
    assert tree(outside) == before
    assert {place: place.readlink() for place in links} == links


@pytest.mark.parametrize("whole", [True, False], ids=["a gallery", "no gallery"])
def test_an_album_with_a_prepared_gallery_reaches_nothing_outside(
    used: Gallery, few: Path, tiny_bundle: Bundle, second: Bundle, tmp_path: Path, whole: bool
) -> None:
    """``.photoseek`` came with the photos, and leads to folders of this computer from wherever it may."""
    used.close()
    home = tmp_path / "home"
    for name in ("generations", "bundles", "thumbnails", ".ssh"):
        shutil.copytree(used.path / "generations", home / name)
    for name in PROJECT:
        write(home / name)
    for name in ("generations", "bundles", "thumbnails"):
        shutil.rmtree(used.path / name)
        (used.path / name).symlink_to(home / name)
    for name in (f".photoseek-new-{HEX}", "CURRENT.7.partial"):
        (used.path / name).symlink_to(home / name)
    if not whole:
        used.database.path.unlink()
    before = tree(home)
    with suppress(PhotoseekError):
        Gallery.open_or_create(few, tiny_bundle).close()
    use(few, few, second)
    assert (find_gallery(few) is not None) == whole
    assert tree(home) == before


def test_every_removal_is_logged_with_its_path(
    used: Gallery, few: Path, second: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(used.path / "generations" / "000001", used.path / "generations" / "000007.partial")
    write(used.path / "CURRENT.123.partial", "00")
    before = {path for path in used.path.rglob("*") if path.name != "CURRENT"}
    with caplog.at_level(logging.INFO, "photoseek"):
        use(few, used.path, second)
    gone = {str(path) for path in before if not path.exists()}
    assert len(gone) > 20
    logged = {
        record.getMessage().removeprefix("removed ") for record in caplog.records if record.name.endswith("removal")
    }
    assert gone <= logged
    assert all(Path(path).is_relative_to(used.path) for path in logged)


def test_a_folder_that_stays_is_logged(used: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(used.path / "generations" / "000001", place := used.path / "generations" / "000007.partial")
    write(place / "notes.txt")
    with caplog.at_level(logging.WARNING, "photoseek"):
        used.index()
    assert f"{place}: not removed: it holds notes.txt, which photoseek did not create" in caplog.text


def test_one_module_alone_removes() -> None:
    """Neither ``Path`` nor ``os`` nor ``shutil`` is asked to remove anything anywhere else in the runtime."""
    removing = {"unlink", "rmdir", "rmtree", "removedirs", "TemporaryDirectory", "NamedTemporaryFile"}
    root = Path(photoseek.__file__).parent
    found = set()
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            of_os = isinstance(node, ast.Attribute) and name == "remove" and isinstance(node.value, ast.Name)
            if name in removing or (of_os and node.value.id == "os"):
                found.add(file.relative_to(root).as_posix())
    assert found == {"system/removal.py"}
