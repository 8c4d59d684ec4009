"""No network traffic, and no writes outside the gallery, checked by tracing system calls with strace.

Libraries often disable telemetry if they detect a CI, so the environment is built from scratch.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import photoseek
from torture import rounds

_TRACED = "network,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,symlink,symlinkat,link,linkat,unlink,unlinkat"
_WRITES = re.compile(
    r'(?:openat\([^"]*|creat\(|mkdir(?:at)?\([^"]*|rename(?:at2?)?\([^"]*"[^"]*"[^"]*|(?:sym)?link(?:at)?\("[^"]*"[^"]*)"([^"]*)"(.*)'
)
_COMMAND_LINE = """
from photoseek.cli.app import main
main()
"""
_TRUST = ".local/state/photoseek/trust.json"
_SEARCH = """
import sys, time
from photoseek import Bundle, Gallery, Searcher
gallery = Gallery.open_or_create(sys.argv[1], Bundle.load(sys.argv[2]))
gallery.index()
searcher = Searcher(gallery)
assert len(searcher.search("red", k=3)) == len(searcher.search(photo=sys.argv[1] + "/red/red-0.png", k=3)) == 3
time.sleep(float(sys.argv[3]))
"""


def traceable() -> bool:
    strace = shutil.which("strace")
    return (
        strace is not None
        and not subprocess.run([strace, "-f", "--seccomp-bpf", "true"], capture_output=True, check=False).returncode
    )


pytestmark = pytest.mark.skipif(not traceable(), reason="strace is not installed, or may not trace here")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def traced(home: Path, *arguments: str) -> list[str]:
    """Return the system calls of a Python process on sockets and files."""
    log, temporary = home.parent / "strace.log", home.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(Path(photoseek.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-y",
        "-s",
        "4096",
        "-e",
        f"trace={_TRACED}",
        "-e",
        "signal=none",
        "-o",
        str(log),
    ]
    done = subprocess.run(
        [*command, sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=home,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines()


def asked_of_the_network(calls: list[str]) -> list[str]:
    return [call for call in calls if "AF_INET" in call or "AF_NETLINK" in call or "sin_port" in call]


def written(calls: list[str], home: Path) -> set[str]:
    """Return paths created or opened for writing; relative ones start at their open folder, or at ``home``."""
    paths = set()
    for call in calls:
        if (found := _WRITES.search(call)) and not re.search(r"= -1 E", call):
            path, rest = found.groups()
            if "openat(" not in call or re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", rest):
                folders = re.findall(r"(?:\d|AT_FDCWD)<([^>]*)>, $", call[: found.start(1) - 1])
                paths.add(os.path.normpath(Path(folders[0] if folders else home) / path))
    return {path for path in paths if not path.startswith(("/dev/", "/proc/"))}


def strange(paths: set[str], home: Path, gallery: Path) -> set[str]:
    """Return the paths outside the gallery, the temporary folder and the folder of the trust record."""
    allowed = (gallery, home.parent / "temporary", home / ".local")
    return {path for path in paths if not any(Path(path).is_relative_to(folder) for folder in allowed)}


def files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_network_access_and_writes_are_detected(home: Path) -> None:
    code = """
import os, socket
open("a.txt", "w").close(); os.mkdir("b"); os.rename("a.txt", "b/c.txt"); os.symlink("b", "d")
folder = os.open("b", os.O_RDONLY)
os.close(os.open("e.txt", os.O_WRONLY | os.O_CREAT, dir_fd=folder))
os.rename("e.txt", "f.txt", src_dir_fd=folder, dst_dir_fd=folder)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
    out.connect(("127.0.0.1", 9))
"""
    calls = traced(home, "-c", code)
    assert len(asked_of_the_network(calls)) == 2
    assert written(calls, home) == {str(home / name) for name in ("a.txt", "b", "b/c.txt", "d", "b/e.txt", "b/f.txt")}


def test_the_command_line_uses_no_network_and_writes_only_its_gallery(
    home: Path, photos: Path, tiny_bundle_path: Path
) -> None:
    gallery, queries = photos / ".photoseek", home.parent / "queries.txt"
    queries.write_text("red\n")
    for arguments in (
        ["index", str(photos), "--bundle", str(tiny_bundle_path)],
        ["search", "red", "--image", str(photos / "red" / "red-0.png"), "--gallery", str(gallery), "--json"],
        ["models", "list"],
        ["bench", "--gallery", str(gallery), "--queries", str(queries), "--repeats", "1", "--photos", "2", "--json"],
    ):
        calls = traced(home, "-c", _COMMAND_LINE, *arguments)
        assert asked_of_the_network(calls) == []
        assert strange(written(calls, home), home, gallery) == set()
    assert files(home) == [_TRUST]
    assert list((home.parent / "temporary").iterdir()) == []


def test_the_library_uses_no_network_while_its_sessions_are_open(
    home: Path, photos: Path, tiny_bundle_path: Path
) -> None:
    """In a long run they stay open for a minute, because telemetry may be sent with a delay."""
    wait = 0 if rounds(1) == 1 else 60
    calls = traced(home, "-c", _SEARCH, str(photos), str(tiny_bundle_path), str(wait))
    assert asked_of_the_network(calls) == []
    assert strange(written(calls, home), home, photos / ".photoseek") == set()
    assert files(home) == [_TRUST]
