"""What a scan leaves out: defaults, marker files, patterns as in .gitignore, and links to folders."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from photoseek.errors import GalleryError, QueryError
from photoseek.sources.base import ScanGaps
from photoseek.sources.exclusion import IGNORE_FILE, check_patterns
from photoseek.sources.local import scan
from photoseek.sources.patterns import Patterns

NAMES = ("a", "b", "ab", "Été", "x y")
LINES = (
    "a", "a/", "/a", "a/b", "/a/b/", "*", "*/", "**", "**/a", "a/**", "a/**/b", "**/b/", "!a", "!a/", "!/a/b", "!*.jpg",
    "!*/", "*.jpg", "b.jpg", "/b.jpg", "a*", "?b*", "[ab]", "[!a]*", "Été", "Été/*", "x y/", "# a", "", "\\#a", "a/*.jpg",
    "!b.jpg", "!Été/**", "[a-b].*", "a**b", "*b*.j*",
)  # fmt: skip


def make(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    return root


def found(root: Path, *exclude: str) -> list[str]:
    return sorted(photo.path for photo in scan(root, None, exclude))


def reasons(root: Path, *exclude: str) -> dict[str, tuple[int, int, str]]:
    gaps = ScanGaps()
    list(scan(root, gaps, exclude))
    return {each.reason: (each.folders, each.photos, each.example) for each in gaps.left_out.left_out()}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("seed", range(40))
def test_patterns_decide_as_in_git(tmp_path: Path, seed: int) -> None:
    """Random trees with ignore files at three depths, and patterns as options."""
    rng = random.Random(seed)
    folders = ["", *(f"{one}/" for one in NAMES), *(f"{one}/{two}/" for one in NAMES for two in NAMES)]
    make(tmp_path, *(f"{folder}{name}.jpg" for folder in folders for name in NAMES))
    for folder in rng.sample(folders, 4):
        lines = rng.choices(LINES, k=rng.randint(1, 5))
        (tmp_path / folder / IGNORE_FILE).write_text("\n".join(lines) + "\n", "utf-8")
    options = [line for line in rng.choices(LINES, k=rng.randint(0, 3)) if line and line[0] != "#"]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    command = ["git", "-C", tmp_path, "ls-files", "-z", "--others", f"--exclude-per-directory={IGNORE_FILE}"]
    listed = subprocess.run(
        [*command, *(f"--exclude={option}" for option in options)], check=True, capture_output=True, text=True
    )
    expected = sorted(path for path in listed.stdout.split("\0") if path.endswith(".jpg"))
    assert found(tmp_path, *options) == expected, (options, [p.read_text() for p in tmp_path.rglob(IGNORE_FILE)])
