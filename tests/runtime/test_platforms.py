"""Systems other than Linux: macOS lacks some of its functions, Windows is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from typed_commands import environment

# What Linux has and macOS does not, in modules that exist on both.
_LINUX_ONLY = {
    "os": (
        *("sched_getaffinity", "sched_setaffinity", "posix_fadvise", "posix_fallocate", "memfd_create", "eventfd"),
        *("copy_file_range", "splice", "pidfd_open", "getrandom", "getxattr", "listxattr", "setxattr", "removexattr"),
        *("O_TMPFILE", "O_PATH", "O_DIRECT", "O_NOATIME", "fdatasync", "getresuid", "setresuid", "unshare", "setns"),
    ),
    "select": ("epoll",),
    "signal": ("sigtimedwait", "sigwaitinfo", "pidfd_send_signal"),
    "mmap": ("MAP_POPULATE", "MADV_HUGEPAGE", "MADV_DONTFORK"),
    "resource": ("prlimit",),
}

_AS_ON_MACOS = f"""
import importlib, sys
for module, names in {_LINUX_ONLY!r}.items():
    found = importlib.import_module(module)
    for name in names:
        if hasattr(found, name):
            delattr(found, name)
import io, os
opened = io.open
def open(file, *rest, **options):
    if isinstance(file, (str, os.PathLike)) and os.fspath(file).startswith(("/proc/", "/sys/")):
        raise FileNotFoundError(2, "No such file or directory", str(file))
    return opened(file, *rest, **options)
io.open = __builtins__.open = open
"""

_WORK = """
from photoseek import Bundle, Gallery, Searcher
from photoseek.evaluation import benchmark
from photoseek.system.cpu import available_cores
gallery = Gallery.create(sys.argv[1], Bundle.load(sys.argv[2]))
assert gallery.index().encoded == 24
assert Searcher(gallery, mode="service").search("red", k=1)[0].path.startswith("red/")
gallery.verify()
print(available_cores() >= 1)
"""


def run(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), check=False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="removes what only Linux has")
def test_what_only_linux_has_is_not_needed(photos: Path, tiny_bundle_path: Path) -> None:
    done = run(_AS_ON_MACOS + _WORK, photos, tiny_bundle_path)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_windows_is_refused_with_what_to_use_instead() -> None:
    """Before anything else is imported, by the library and by the command line."""
    for module in ("photoseek", "photoseek.__main__"):
        done = run(f"import sys; sys.platform = 'win32'; import {module}")
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            "ImportError: photoseek needs Linux or macOS, found Windows, which lacks the file locks that protect a "
            "gallery; run it in the Windows Subsystem for Linux, or in a container"
        )
