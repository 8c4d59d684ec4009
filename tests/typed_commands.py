"""Commands as a user types them, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import photoseek


def environment(**further: str) -> dict[str, str]:
    """What a process needs to import this very photoseek."""
    source = str(Path(photoseek.__file__).parents[1])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "COLUMNS": "100", "PYTHONPATH": path, **further}


def photoseek_command(
    *arguments: object, home: Path | None = None, lines: bytes = b"", folder: Path | None = None, **further: str
) -> subprocess.CompletedProcess[str]:
    """Run ``photoseek`` in a folder, with these lines on standard input and these environment variables."""
    if home is not None:
        further = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **further}
    done = subprocess.run(
        [sys.executable, "-m", "photoseek", *map(str, arguments)],
        capture_output=True,
        input=lines,
        env=environment(**further),
        cwd=folder,
        timeout=300,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def answer(
    *arguments: object, home: Path | None = None, lines: bytes = b"", folder: Path | None = None, **further: str
) -> str:
    """What a command that succeeds prints."""
    done = photoseek_command(*arguments, home=home, lines=lines, folder=folder, **further)
    assert done.returncode == 0, done.stderr
    return done.stdout
