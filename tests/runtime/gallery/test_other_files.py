"""Files of other programs in and around the folder of a gallery are never changed or removed."""

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

import photoseek
from gallery_steps import HEX, PROJECT, use, write
from photoseek import Bundle, Gallery
from photoseek.errors import GalleryDamaged, PhotoseekError
from photoseek.gallery.location import find_gallery
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.snapshot.stale import remove_stale_files
from photoseek.system.folder_tag import TAG
from trees import tree

NAMES = (
    *("CURRENT.1.partial", "CURRENT.partial", "CURRENT.1x.partial", "CURRENT.old", "gallery.sqlite.bak", "notes"),
    *(f".photoseek-new-{HEX}", ".photoseek-new-", ".photoseek-new-Idea", ".new-abc", ".new-"),
    *("generations/000007", "generations/000007.partial", "generations/7", "generations/7.partial"),
    *("generations/999999999999", "generations/9999999999999999999", "generations/000001.old", "generations/x"),
    *(f"bundles/{HEX}", "bundles/flickr30k", f"bundles/{HEX}0", f"bundles/{HEX.upper()}"),
    *("thumbnails/cover.jpg", f"thumbnails/{HEX * 2}01234567.jpg", f"thumbnails/{HEX * 2}"),
)


def plant_file(path: Path, gallery: Path) -> None:
    del gallery
    write(path)


def plant_folder(path: Path, gallery: Path) -> None:
    """Create a folder with the file names of a snapshot, without a tag."""
    del gallery
    for name in ("vectors.npy", "ids.npy", "manifest.json", "CURRENT", "gallery.sqlite"):
        write(path / name)


def plant_tagged(path: Path, gallery: Path) -> None:
    """Create a folder with a tag and a file of another program."""
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
    """Create a link to a folder that photoseek would remove at this path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(gallery / "generations" / "000001")


def plant_link_inside(path: Path, gallery: Path) -> None:
    """Create a snapshot with a link in place of one of its files."""
    shutil.copytree(gallery / "generations" / "000001", path)
    (path / "vectors.npy").unlink()
    (path / "vectors.npy").symlink_to(gallery / "gallery.sqlite")


PLANTS = (plant_file, plant_folder, plant_tagged, plant_link, plant_wrong_tag, plant_linked_tag, plant_link_inside)


@pytest.mark.parametrize("plant", PLANTS[:4])
def test_other_files_with_names_of_photoseek_remain(
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
def test_a_name_alone_is_never_removed(
    used: Gallery, tmp_path: Path, name: str, plant: Callable[[Path, Path], None]
) -> None:
    model = tmp_path / "model"
    if not model.exists():
        shutil.copytree(used.path, model)
    place = used.path / name
    if os.path.lexists(place):
        return
    plant(place, model)
    before = tree(used.path)
    with exclusive_writer(used.path):
        assert remove_stale_files(used.path, tuple(used.bundles)) == []
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
    """Each link points to a copy of what was at its path, which photoseek could remove there."""
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


@pytest.mark.parametrize("complete", [True, False], ids=["a gallery", "no gallery"])
def test_a_prepared_gallery_changes_nothing_outside(
    used: Gallery, few: Path, tiny_bundle: Bundle, second: Bundle, tmp_path: Path, complete: bool
) -> None:
    """``.photoseek`` came with the photos and contains links to folders of this computer."""
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
    if not complete:
        used.database.path.unlink()
    before = tree(home)
    with suppress(PhotoseekError):
        Gallery.open_or_create(few, tiny_bundle).close()
    use(few, few, second)
    assert (find_gallery(few) is not None) == complete
    assert tree(home) == before


def test_every_removal_is_logged_with_its_path(
    used: Gallery, few: Path, second: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(used.path / "generations" / "000001", used.path / "generations" / "000007.partial")
    write(used.path / "CURRENT.123.partial", "00")
    before = {path for path in used.path.rglob("*") if path.name != "CURRENT"}
    with caplog.at_level(logging.INFO, "photoseek"):
        use(few, used.path, second)
    removed = {str(path) for path in before if not path.exists()}
    assert len(removed) > 20
    logged = {
        record.getMessage().removeprefix("removed ") for record in caplog.records if record.name.endswith("removal")
    }
    assert removed <= logged
    assert all(Path(path).is_relative_to(used.path) for path in logged)


def test_a_folder_that_is_not_removed_is_logged(used: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(used.path / "generations" / "000001", place := used.path / "generations" / "000007.partial")
    write(place / "notes.txt")
    with caplog.at_level(logging.WARNING, "photoseek"):
        used.index()
    assert f"{place}: not removed: it contains notes.txt, which photoseek did not create" in caplog.text


def test_only_one_module_removes_files() -> None:
    """No other module of the runtime calls a function that removes files."""
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
