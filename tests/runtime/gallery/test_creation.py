"""A gallery is created only in an empty folder; an interrupted creation is repeated."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gallery_steps import HEX, PROJECT, write
from photoseek import Bundle, Gallery
from photoseek.errors import GalleryError
from photoseek.system.folder_tag import TAG
from trees import tree
from typed_commands import photoseek_command


def test_a_folder_with_other_files_does_not_become_a_gallery(
    few: Path, tiny_bundle: Bundle, tiny_bundle_path: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    for name in PROJECT:
        write(project / name)
    before = tree(project)
    with pytest.raises(GalleryError, match=r"expected a new or empty folder, or a gallery, found .* name another"):
        Gallery.create(few, tiny_bundle, project)
    done = photoseek_command("index", few, "--bundle", tiny_bundle_path, "--gallery", ".", folder=project)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert f"{project}: expected a new or empty folder, or a gallery, found " in done.stderr
    assert tree(project) == before


@pytest.mark.parametrize("name", [*(name.split("/")[0] for name in PROJECT), TAG, "gallery.sqlite-journal"])
def test_one_file_or_link_of_another_program_prevents_creation(
    few: Path, tiny_bundle: Bundle, tmp_path: Path, name: str
) -> None:
    for plant in (lambda path: path.write_text("x"), lambda path: path.symlink_to("x"), lambda path: path.mkdir()):
        folder = tmp_path / plant.__code__.co_name / name.strip(".")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        plant(folder / name)
        before = tree(folder)
        with pytest.raises(GalleryError, match="name another"):
            Gallery.create(few, tiny_bundle, folder)
        assert tree(folder) == before


def test_a_file_and_a_dangling_link_are_refused(few: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
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
    complete = Gallery.create(few, tiny_bundle, tmp_path / "complete").path
    folder = tmp_path / "gallery"
    folder.mkdir()
    for name in left:
        if name.startswith("."):
            (folder / name).mkdir()
            shutil.copy(complete / TAG, folder / name)
            write(folder / name / "gallery.sqlite", "half of it")
        else:
            shutil.copy(complete / name, folder)
    with Gallery.create(few, tiny_bundle, folder) as gallery:
        assert gallery.index().encoded == 6
        assert not list(folder.glob(".photoseek-new-*"))


@pytest.mark.parametrize("at", range(6))
def test_a_creation_killed_at_any_call_is_repeated(few: Path, tiny_bundle: Bundle, at: int) -> None:
    """A child process is killed at the ``at``-th call that changes the folder."""
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


def test_a_gallery_without_its_database_is_created_again(used: Gallery, few: Path, tiny_bundle: Bundle) -> None:
    used.close()
    used.database.path.unlink()
    with Gallery.create(few, tiny_bundle) as gallery:
        assert gallery.index().encoded == 7
        gallery.verify()
