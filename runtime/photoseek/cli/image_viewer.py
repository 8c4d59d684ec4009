"""Photos before one's eyes: drawn in the terminal, or opened with the system's viewer."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from photoseek.cli import output
from photoseek.errors import MissingExtra, PhotoError, QueryError

if TYPE_CHECKING:
    from photoseek.photos.photo_file import PhotoFile

_EDGE = 512  # pixels: as large as a terminal shows it
_LINES = 12  # of the terminal, a picture
_PATIENCE_S = 3.0  # a viewer that fails does so at once; one that goes on has opened


def find_viewer() -> str:
    """The program that opens a file with whatever this desktop opens such files with; exits where there is none."""
    name = "open" if sys.platform == "darwin" else "xdg-open"
    found = shutil.which(name)
    if found is None:
        message = (
            f"--open: expected the program {name}, found none; install it (Debian and Ubuntu: apt install xdg-utils)"
        )
        output.fail("photoseek", f"{message}, or hand the files of --paths to a viewer", output.RUNTIME_ERROR)
    return found


def open_files(viewer: str, photos: Sequence[PhotoFile]) -> None:
    """Open each file, and exit if the viewer says that it could not.

    Raises:
        QueryError: They are no files of this machine.
    """
    files = [file for file in photos if isinstance(file, Path)]
    if len(files) < len(photos):
        raise QueryError(
            f"--open: expected files of this machine, found {photos[0]}; look at them on the page: photoseek app"
        )
    started = [_start(viewer, file) for file in files]
    until = time.monotonic() + _PATIENCE_S
    for file, process in zip(files, started, strict=True):
        with suppress(subprocess.TimeoutExpired):
            if code := process.wait(max(0.0, until - time.monotonic())):
                message = f"--open: {viewer} could not open {file} (exit code {code}); is there a desktop here?"
                output.fail("photoseek", message, output.RUNTIME_ERROR)


def _start(viewer: str, file: Path) -> subprocess.Popen[bytes]:
    nothing = subprocess.DEVNULL
    return subprocess.Popen([viewer, str(file)], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)


def check_terminal_images() -> None:
    """Make sure that pictures can be drawn.

    Raises:
        MissingExtra: What draws them is not installed.
        QueryError: Standard input and output are not a terminal, which has to say what it can show.
    """
    if find_spec("textual_image") is None:
        raise MissingExtra("--pictures needs textual-image; install it with: pip install 'photoseek[terminal]'")
    if not output.on_terminal():
        raise QueryError("--pictures: expected a terminal as standard input and output, found a file or a pipe")


def print_pictures(photos: Sequence[tuple[str, PhotoFile]]) -> None:
    """Draw photos, each below its name: with the terminal's own graphics, else in half blocks of colour."""
    from textual_image.renderable import Image  # asks the terminal what it can show

    from photoseek.photos.decode import decode_photo

    logging.getLogger("textual_image").setLevel(logging.ERROR)  # not every terminal tells the size of its letters
    for name, file in photos:
        output.print_line(name)
        try:
            picture = decode_photo(file, _EDGE).image
        except PhotoError as error:  # gone or changed since it was indexed
            output.print_status("photoseek", f"{file}: {error}")
            continue
        picture.thumbnail((_EDGE, _EDGE))
        output.print_picture(Image(picture, height=_LINES))
