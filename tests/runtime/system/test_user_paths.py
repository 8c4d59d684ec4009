"""Paths as people type them: any text is a path or a one-line error, in the library and on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from photoseek import Bundle, Gallery
from photoseek.cli.app import app
from photoseek.errors import GalleryNotFound, PhotoseekError
from photoseek.gallery.location import find_gallery
from photoseek.sources.local import LocalSource
from photoseek.sources.resolve import open_source
from photoseek.system.user_paths import absolute, printable
from torture import rounds

BAD = [
    "a" * 5000,
    "/" + "a/" * 3000,
    "a\0b",
    "~\0",
    "~nobody-here/x",
    "~\ud800",
    "a\nb",
    "\ud800",
    "/etc/passwd",
    "file://[",
]
ANY_TEXT = st.one_of(
    st.text(st.characters()),
    st.text(st.sampled_from("/~.:\0\n\ud800\udc80é?#[]%@ ")),
    st.builds(str.__add__, st.sampled_from(["file://", "file:///", "~", "~root", "/"]), st.text(st.characters())),
    st.sampled_from(BAD),
)


@settings(max_examples=rounds(100), deadline=None)
@given(ANY_TEXT)
def test_any_text_is_a_gallery_or_an_error_of_photoseek(text: str) -> None:
    find_gallery(absolute(text))
    try:
        Gallery.open(text).close()
    except PhotoseekError as error:
        message = str(error)
        message.encode()
        assert len(message) < 600
        assert message.isprintable() or "\n" not in message


@settings(max_examples=rounds(100), deadline=None)
@given(ANY_TEXT)
def test_any_text_is_a_folder_or_an_error_of_photoseek(text: str) -> None:
    try:
        folder = open_source(text)
        if isinstance(folder, LocalSource):
            folder.check_available()
    except PhotoseekError as error:
        str(error).encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/etc/passwd", "expected a folder, found a file"),
        ("/nowhere", "no such folder"),
        ("~nobody-here/x", "no such folder"),
        ("a\0b", "characters that names cannot contain"),
        ("a" * 5000, "File name too long"),
    ],
)
def test_the_error_has_the_reason(text: str, reason: str, tiny_bundle: Bundle) -> None:
    with pytest.raises(GalleryNotFound, match=reason):
        Gallery.open(text)
    with pytest.raises(GalleryNotFound, match=reason):
        Gallery.create(text, tiny_bundle)


_AS_NOBODY = """
import os, sys
from photoseek import Gallery
from photoseek.errors import PhotoseekError
if os.getuid() == 0:
    os.setuid(65534)
try:
    Gallery.open(sys.argv[1])
except PhotoseekError as error:
    print(error)
"""


def test_a_folder_without_permission_is_an_error(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    locked.chmod(0)
    ran = subprocess.run([sys.executable, "-c", _AS_NOBODY, str(locked)], capture_output=True, text=True, check=False)
    locked.chmod(0o700)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "expected a readable folder, found one without permission" in ran.stdout


def test_a_long_name_is_shortened_on_one_line() -> None:
    assert printable("/home/you/Photos") == "/home/you/Photos"
    assert printable("a\nb") == r"a\nb"
    assert printable("x" * 150 + "y" * 150) == f"{'x' * 100} ... {'y' * 100} (300 characters)"


@pytest.mark.parametrize(
    "command", [("search", "red", "--gallery"), ("info",), ("verify",), ("index",), ("captions", "add")]
)
def test_the_command_line_prints_one_line(command: tuple[str, ...], gallery: Gallery) -> None:
    rest = ("--gallery", str(gallery.path)) if command[0] == "captions" else ()
    ran = CliRunner().invoke(app, [*command, "~nobody-here/x", *rest])
    assert ran.exit_code
    assert isinstance(ran.exception, SystemExit | PhotoseekError), ran.exception
