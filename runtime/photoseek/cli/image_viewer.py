"""Show photos in the terminal or in the system's image viewer."""

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

_EDGE = 512  # pixels; a terminal shows no more
_LINES = 12  # terminal lines per picture
_PATIENCE_S = 3.0  # a viewer that is still running after this time has started successfully


def find_viewer() -> str:
    """Return the path of the desktop's file opener; exit if it is not installed."""
    name = "open" if sys.platform == "darwin" else "xdg-open"
    found = shutil.which(name)
    if found is None:
        message = (
            f"--open: expected the program {name}, which is not installed; install it (Debian and Ubuntu: apt install "
            "xdg-utils), or pass the output of --paths to a viewer"
        )
        output.fail("photoseek", message, output.RUNTIME_ERROR)
    return found


def open_files(photos: Sequence[PhotoFile]) -> None:
    """Open each file in the desktop's viewer; exit if the viewer reports a failure.

    Raises:
        QueryError: A photo is not a local file.
    """
    files = [file for file in photos if isinstance(file, Path)]
    if len(files) < len(photos):
        raise QueryError(f"--open: expected local files, found {photos[0]}; to view these photos, run: photoseek app")
    viewer = find_viewer()
    started = [_start(viewer, file) for file in files]
    until = time.monotonic() + _PATIENCE_S
    for file, process in zip(files, started, strict=True):
        with suppress(subprocess.TimeoutExpired):
            if code := process.wait(max(0.0, until - time.monotonic())):
                message = f"--open: {viewer} cannot open {file} (exit code {code}); is a desktop session running?"
                output.fail("photoseek", message, output.RUNTIME_ERROR)


def _start(viewer: str, file: Path) -> subprocess.Popen[bytes]:
    nothing = subprocess.DEVNULL
    return subprocess.Popen([viewer, str(file)], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)


def check_terminal_images() -> None:
    """Check that the terminal can display pictures.

    Raises:
        MissingExtra: textual-image is not installed.
        QueryError: Standard input or output is not a terminal.
    """
    if find_spec("textual_image") is None:
        raise MissingExtra("--pictures needs textual-image; install it with: pip install 'photoseek[terminal]'")
    if not output.on_terminal():
        raise QueryError("--pictures: expected a terminal as standard input and output, found a file or a pipe")


def print_pictures(photos: Sequence[tuple[str, PhotoFile]]) -> None:
    """Print each photo below its name, with terminal graphics or else with colored half blocks."""
    from textual_image.renderable import Image  # queries the terminal's capabilities

    from photoseek.photos.decode import decode_photo

    logging.getLogger("textual_image").setLevel(logging.ERROR)  # warns if the terminal does not report its cell size
    for name, file in photos:
        output.print_line(name)
        try:
            picture = decode_photo(file, _EDGE).image
        except PhotoError as error:  # deleted or changed since it was indexed
            output.print_status("photoseek", f"{file}: {error}")
            continue
        picture.thumbnail((_EDGE, _EDGE))
        output.print_picture(Image(picture, height=_LINES))
