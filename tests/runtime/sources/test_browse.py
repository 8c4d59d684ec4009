"""Folders to choose from: what is listed, what is counted, and where photos usually are."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from photoseek.errors import GalleryNotFound
from photoseek.sources import browse
from photoseek.sources.browse import mounted_disks, subfolders, usual_places

MOUNTS = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
23 22 0:5 / /proc rw - proc proc rw
24 22 8:2 / /boot/efi rw - vfat /dev/sda2 rw
25 22 8:3 / /home rw - ext4 /dev/sda3 rw
26 22 8:17 / /media/ann/CARD\\0401 rw - vfat /dev/sdb1 rw
27 22 0:50 / /mnt/nas rw - nfs4 nas:/photos rw
28 22 0:51 / /srv/photos rw - cifs //nas/photos rw
29 22 8:33 / /data rw - btrfs /dev/sdc1 rw
30 22 8:1 / /etc/hosts rw - ext4 /dev/sda1 rw
31 22 0:52 / /mnt/memory rw - tmpfs tmpfs rw
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    for name in ("b/1.jpg", "b/deep/2.png", "b/.thumbs/3.jpg", "B2/notes.txt", "a/4.HEIC", ".hidden/5.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "6.jpg").touch()
    return folder


def test_folders_are_listed_by_name_with_their_photos(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "b")
    found, more = subfolders(folder)
    assert [(each.path.name, each.photos) for each in found] == [("a", 1), ("b", 2), ("B2", 0), ("link", 2)]
    assert more == 0


def test_long_lists_and_many_photos_have_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "MOST_FOLDERS", 2)
    monkeypatch.setattr(browse, "MOST_PHOTOS", 1)
    found, more = subfolders(folder)
    assert ([(each.path.name, each.photos) for each in found], more) == ([("a", 1), ("b", 1)], 1)


def test_a_folder_that_takes_too_long_has_no_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        time.sleep(1)

    monkeypatch.setattr(browse, "_COUNT_S", 0.05)
    monkeypatch.setattr(browse, "_count", never)
    started = time.monotonic()
    assert [each.photos for each in subfolders(folder)[0]] == [None, None, None]
    assert time.monotonic() - started < 0.9


@pytest.mark.parametrize("name", ["none", "6.jpg", "\0"])
def test_what_is_no_folder_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(GalleryNotFound, match=r"expected|no such folder"):
        subfolders(folder / name)


def test_a_folder_of_another_account_is_listed_without_a_count(folder: Path) -> None:
    (folder / "a").chmod(0)
    if os.access(folder / "a", os.R_OK):
        pytest.skip("this account may read everything")
    assert subfolders(folder)[0][0].photos == 0
    (folder / "a").chmod(0o700)


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="other systems list disks in other ways")
def test_disks_are_those_of_a_file_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mounts"
    file.write_text(MOUNTS)
    monkeypatch.setenv("HOME", "/home/ann")
    found = browse.mount_points(file)
    monkeypatch.setattr(browse, "mount_points", lambda: found)
    assert [str(disk) for disk in mounted_disks()] == ["/data", "/media/ann/CARD 1", "/mnt/nas", "/srv/photos"]


def test_the_home_folder_and_its_pictures_are_usual_places(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(browse, "mounted_disks", list)
    assert usual_places() == [folder]
    (folder / "Pictures").mkdir()
    assert usual_places() == [folder, folder / "Pictures"]
    (folder / ".config").mkdir()
    (folder / ".config" / "user-dirs.dirs").write_text('# of the desktop\nXDG_PICTURES_DIR="$HOME/b"\n')
    assert usual_places() == [folder, folder / "b"]
