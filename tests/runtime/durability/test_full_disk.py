"""A disk that fills up during indexing causes an error, leaves the old state or the new one, and never a crash."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from changing_gallery import REFUSED, Changing, index_in_a_child
from torture import report, rounds, seed

PAGE = 4096
DISKS = 2  # in one round
MOST = 24  # free pages, which are hardly enough


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Changing:
    return Changing.make(tmp_path_factory.mktemp("changing"))


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of 2 MB in memory, and yield its folder."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path, pages: int) -> None:
    """Fill a disk except for some pages."""
    with file.open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(PAGE)) == PAGE:
                pass
        except OSError:
            pass
        filler.truncate(max(0, filler.tell() - pages * PAGE))


def test_a_full_disk_leaves_the_old_state_or_the_new_one(changing: Changing, tmp_path: Path) -> None:
    stride = max(1, MOST // rounds(DISKS))
    refused = 0
    with small_disk(tmp_path / "disk") as disk:
        for pages in (0, *range(seed("full disks") % stride, MOST, stride)):  # without a free page, opening fails
            photos = changing.copy(disk / "photos")
            fill(disk / "filler", pages)
            done = index_in_a_child(photos)
            assert done.returncode in {0, REFUSED}, f"{pages} pages: {done.returncode} {done.stderr}"
            refused += done.returncode == REFUSED
            (disk / "filler").unlink()
            changing.check(photos)
    assert refused
    report("full disks", refused)


def test_a_file_that_may_not_grow_leaves_the_old_state_or_the_new_one(changing: Changing, tmp_path: Path) -> None:
    photos = changing.copy(tmp_path / "photos")
    done = index_in_a_child(photos, file_size=PAGE)
    assert done.returncode == REFUSED, done.stderr
    changing.check(photos)
