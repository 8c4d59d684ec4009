"""Fixtures of all tests: a small real bundle, and photos of plain colors for it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from installed import INSTALLED
from photoseek import Bundle, Gallery
from photoseek.gallery.location import FOLDER
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="photoseek-state-")  # tests trust galleries that users must not
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def tiny_bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a bundle that recognizes colors. Do not change it."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def tiny_bundle(tiny_bundle_path: Path) -> Bundle:
    """Return a bundle that recognizes colors."""
    return Bundle.load(tiny_bundle_path)


@pytest.fixture(scope="session")
def indexed_photos(tiny_bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return indexed photos that ``photos`` and ``gallery`` copy, because indexing takes longer than most tests."""
    folder = tmp_path_factory.mktemp("indexed") / "photos"
    for number, (name, color) in enumerate(COLORS.items()):
        for index in range(4):
            write_color(folder / name / f"{name}-{index}.png", color, seed=10 * number + index)
    with Gallery.create(folder, Bundle.load(tiny_bundle_path)) as gallery:
        gallery.index(engines=INSTALLED)
    return folder


@pytest.fixture
def photos(indexed_photos: Path, tmp_path: Path) -> Path:
    """Return a folder of 24 photos, four of each color: ``red/red-0.png`` and so on."""
    return shutil.copytree(indexed_photos, tmp_path / "photos", ignore=shutil.ignore_patterns(FOLDER))


@pytest.fixture
def gallery(indexed_photos: Path, photos: Path) -> Gallery:
    """Return a gallery of ``photos``."""
    return Gallery.open(shutil.copytree(indexed_photos / FOLDER, photos / FOLDER))


@pytest.fixture
def home(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder with an indexed folder ``Photos``, and change to it."""
    gallery.close()
    photos.rename(photos.parent / "Photos")
    monkeypatch.setenv("HOME", str(photos.parent))
    monkeypatch.chdir(photos.parent)
    return photos.parent


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Run the tests of a folder in one process, which creates their bundles, checkpoints and servers once.

    This replaces ``--dist=loadfile``; ``--dist=loadscope`` distributes files.
    """
    from xdist.scheduler import LoadFileScheduling

    if config.getoption("dist") != "loadfile":
        return None

    class FolderScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.partition("::")[0].rpartition("/")[0]

    config.option.loadscopereorder = False  # else folders with few but long tests are last, in one process
    return FolderScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the folders of slow tests, so that no process ends long after the others."""
    slow = {item.path.parent for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path.parent not in slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long the tests of each folder took, over all processes."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds["/".join(report.nodeid.partition("::")[0].split("/")[:-1][:3])] += report.duration
    terminalreporter.section("seconds by folder")
    for folder, duration in seconds.most_common():
        terminalreporter.write_line(f"{duration:8.1f}  {folder}")
