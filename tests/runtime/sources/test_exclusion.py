"""What a scan leaves out: defaults, marker files, patterns as in .gitignore, and links to folders."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
import unicodedata
from pathlib import Path

import pytest

from photoseek.errors import GalleryError, QueryError
from photoseek.photos import formats
from photoseek.sources.base import ScanGaps
from photoseek.sources.exclusion import IGNORE_FILE, check_patterns
from photoseek.sources.local import scan
from photoseek.sources.patterns import Patterns

NAMES = ("a", "b", "ab", "Été", "x y")
LINES = (
    "a", "a/", "/a", "a/b", "/a/b/", "*", "*/", "**", "**/a", "a/**", "a/**/b", "**/b/", "!a", "!a/", "!/a/b", "!*.jpg",
    "!*/", "*.jpg", "b.jpg", "/b.jpg", "a*", "?b*", "[ab]", "[!a]*", "Été", "Été/*", "x y/", "# a", "", "\\#a",
    "a/*.jpg", "!b.jpg", "!Été/**", "[a-b].*", "a**b", "*b*.j*",
)  # fmt: skip


def make(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    return root


def found(root: Path, *exclude: str) -> list[str]:
    return sorted(photo.path for photo in scan(root, None, exclude))


def left_out(root: Path, *exclude: str) -> list[tuple[str, int, int]]:
    """Return path of the example, folders and photos of each reason."""
    gaps = ScanGaps()
    list(scan(root, gaps, exclude))
    return sorted((each.example, each.folders, each.photos) for each in gaps.left_out.left_out())


def unread(root: Path) -> dict[str, int]:
    gaps = ScanGaps()
    list(scan(root, gaps))
    return {each.kind: each.files for each in gaps.left_out.unread()}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("seed", range(30))
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
    assert found(tmp_path, *options) == expected


def test_a_nested_file_applies_below_its_folder_and_before_those_above(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "in/a.png", "in/deep/a.png", "in/deep/b.png", "other/b.png")
    (tmp_path / IGNORE_FILE).write_text("a.png\n")
    (tmp_path / "in" / IGNORE_FILE).write_text("!a.png\n/deep/b.png\n")
    assert found(tmp_path) == ["in/a.png", "in/deep/a.png", "other/b.png"]
    assert left_out(tmp_path) == [("a.png", 0, 1), ("in/deep/b.png", 0, 1)]


@pytest.mark.parametrize("name", ["#recycle", "@Recycle", "#snapshot", "lost+found", "$RECYCLE.BIN", "@eaDir"])
def test_folders_of_systems_and_disks_are_left_out(tmp_path: Path, name: str) -> None:
    make(tmp_path, "a.png", f"in/{name}/x/b.png")
    assert found(tmp_path) == ["a.png"]
    assert left_out(tmp_path) == [(f"in/{name}", 1, 0)]
    assert found(tmp_path / "in" / name) == ["x/b.png"]  # one that is named is read


def test_only_originals_of_an_apple_photos_library_are_read(tmp_path: Path) -> None:
    library = "Photos Library.photoslibrary"
    make(
        tmp_path,
        *(f"{library}/{part}/0/a.png" for part in ("originals", "Masters", "resources/derivatives", "scopes")),
        "C Previews.lrdata/0/b.jpg",
        "resources/c.png",
    )
    assert found(tmp_path) == [f"{library}/Masters/0/a.png", f"{library}/originals/0/a.png", "resources/c.png"]
    assert left_out(tmp_path) == [("C Previews.lrdata", 1, 0), (f"{library}/resources", 2, 0)]
    assert found(tmp_path / library) == ["Masters/0/a.png", "originals/0/a.png"]


@pytest.mark.parametrize("marker", [".nomedia", ".noimage"])
def test_a_marker_leaves_out_its_folder_and_all_below(tmp_path: Path, marker: str) -> None:
    make(tmp_path, "a.png", "in/b.png", "in/deep/c.png", f"in/{marker}")
    assert found(tmp_path) == ["a.png"]
    assert left_out(tmp_path) == [("in", 1, 0)]
    assert found(tmp_path / "in") == ["b.png", "deep/c.png"]  # a folder that is named is read


def test_hidden_photos_are_counted_and_files_of_macos_are_not(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "._a.png", ".b.png", ".c/d.png", ".photoseek/x.png", ".DS_Store")
    gaps = ScanGaps()
    assert [photo.path for photo in scan(tmp_path, gaps)] == ["a.png"]
    (hidden,) = gaps.left_out.left_out()
    assert (hidden.folders, hidden.photos) == (1, 1)


def test_a_link_to_a_folder_elsewhere_is_counted_and_one_inside_is_not(tmp_path: Path) -> None:
    """Nothing is scanned twice, and no cycle is entered: the folder inside is scanned in its place."""
    root = make(tmp_path / "root", "in/a.png")
    make(tmp_path / "elsewhere", "b.png")
    (root / "out").symlink_to(tmp_path / "elsewhere")
    (root / "above").symlink_to(tmp_path)
    (root / "again").symlink_to(root / "in")
    (root / "in" / "loop").symlink_to(root)
    assert found(root) == ["in/a.png"]
    assert left_out(root) == [("above", 2, 0)]
    assert left_out(root, "out") == [("above", 1, 0), ("out", 1, 0)]  # one that a pattern leaves out has its reason


def test_kinds_that_are_not_read_are_counted_except_videos_of_live_photos(tmp_path: Path) -> None:
    make(tmp_path, "IMG_1.JPG", "IMG_1.MOV", "IMG_2.mov", "clip.mp4", "a.psd", "notes.txt", "tmp/b.mp4", ".c.mp4")
    assert unread(tmp_path) == {"videos": 3, "layered images": 1}
    (tmp_path / IGNORE_FILE).write_text("tmp/\n")
    assert unread(tmp_path) == {"videos": 2, "layered images": 1}


def test_a_kind_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = formats.FileKind("RAW photos", frozenset((".nef",)), "raw", "a_package_that_nobody_has")
    monkeypatch.setattr(formats, "KINDS", (kind,))
    for package, missing in (("a_package_that_nobody_has", kind), ("json", None)):
        object.__setattr__(kind, "package", package)
        formats.photo_suffixes.cache_clear()
        formats.unread_kinds.cache_clear()
        assert formats.unread_kinds().get(".nef") is missing
        assert (".nef" in formats.photo_suffixes()) == (missing is None)
    formats.photo_suffixes.cache_clear()
    formats.unread_kinds.cache_clear()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_patterns_match_names_in_any_unicode_form(tmp_path: Path, form: str) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    inside = unicodedata.normalize(form, "Été/façade")
    make(tmp_path, f"{inside}/é.png", "a.png")
    assert found(tmp_path, unicodedata.normalize(other, "Été/façade/")) == ["a.png"]
    (tmp_path / inside / IGNORE_FILE).write_text(unicodedata.normalize(other, "/é.png\n"), "utf-8")
    assert found(tmp_path) == ["a.png"]


def test_names_that_are_not_utf_8_match_patterns(tmp_path: Path) -> None:
    name = os.fsdecode("café.png".encode("latin-1"))
    make(tmp_path, name, "a.png")
    (tmp_path / IGNORE_FILE).write_bytes(b"\xef\xbb\xbf/caf\xe9.png\r\n")  # with a byte order mark
    assert found(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a[", "a bracket is not closed"),
        ("[z-a]", "bad character range"),
        ("[[:digit:]]", r"write \[0-9\]"),
        ("!", "Invalid git pattern"),
        ("a\nb", "characters that names cannot contain"),
        ("a*b*c*d*e*f", "more than 4 asterisks"),
        ("**/a/**/b/**/c/**/d/**", "more than 4 asterisks"),
    ],
)
def test_an_invalid_pattern_is_an_error_and_in_a_file_a_problem(tmp_path: Path, pattern: str, problem: str) -> None:
    with pytest.raises(QueryError, match=f"^--exclude: expected a pattern as in .gitignore, found .*{problem}"):
        check_patterns([pattern])
    make(tmp_path, "a.png", "b.png")
    if "\n" not in pattern:
        (tmp_path / IGNORE_FILE).write_text(f"{pattern}\nb.png\n")
        gaps = ScanGaps()
        assert [photo.path for photo in scan(tmp_path, gaps)] == ["a.png"]
        assert list(gaps.reasons) == [IGNORE_FILE]


def test_empty_lines_and_comments_are_no_patterns() -> None:
    check_patterns(["", "  ", "# comment", "/", "a\\ "])
    assert not Patterns(["", "  ", "# comment", "/"])


def test_a_pattern_takes_seconds_at_most() -> None:
    """A regular expression with many asterisks would take hours."""
    started = time.perf_counter()
    assert Patterns(["*a*a*a*b"]).decide("a" * 250, is_folder=False) is None
    assert Patterns(["a" + "*" * 40 + "b"]).decide("a" * 250, is_folder=False) is None
    assert time.perf_counter() - started < 20


def test_a_folder_whose_ignore_file_cannot_be_read_is_skipped_and_reported(tmp_path: Path) -> None:
    """Its photos might be ones that the file leaves out."""
    make(tmp_path, "a.png", "in/b.png")
    os.mkfifo(tmp_path / "in" / IGNORE_FILE)
    gaps = ScanGaps()
    assert [photo.path for photo in scan(tmp_path, gaps)] == ["a.png"]
    assert gaps.reasons == {"in": ".photoseekignore cannot be read: expected a regular file"}
    (tmp_path / IGNORE_FILE).mkdir()
    with pytest.raises(GalleryError, match="make it readable, or remove it"):
        list(scan(tmp_path))
