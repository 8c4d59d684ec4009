"""A process that runs out of memory: nearly always a Python error, never a hang, and no damage to the gallery.

The C library and tokenizers (Rust) may end the process if an allocation fails, which no program can prevent.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from changing_gallery import Changing
from installed import needs_annoy
from torture import report, rounds, seed
from typed_commands import environment

MEGABYTES = 64  # more than is needed in addition to the libraries
POINTS = 3  # per kind, in one round
NO_THREAD_DATA = (127, "cannot allocate memory for thread-local data: ABORT\n")  # how glibc's loader ends a process

_CHILD = """
import resource, sys
import numpy, onnxruntime
if sys.argv[2] == "annoy":
    import annoy
from photoseek import Gallery, Searcher
from photoseek.gallery.indexing import index

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = used + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
with Gallery.open(sys.argv[1]) as gallery:
    if sys.argv[2] == "index":
        gallery.index()
    else:
        Searcher(gallery, engine=sys.argv[2]).search("red", k=3)
"""

_IMPORTS = """
import sys, threading
from PIL import Image
from photoseek import Gallery

threads, init = set(), Image.init
def noted():
    if not Image._initialized >= 2:
        threads.add(threading.current_thread().name)
    return init()
Image.init = noted
with Gallery.open(sys.argv[1]) as gallery:
    assert gallery.index().encoded
print(*threads)
"""


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Changing:
    return Changing.make(tmp_path_factory.mktemp("changing"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("work", ["index", "exact", pytest.param("annoy", marks=needs_annoy)])
def test_low_memory_is_an_error_and_damages_nothing(changing: Changing, tmp_path: Path, work: str) -> None:
    stride = MEGABYTES * 2**20 // rounds(POINTS)
    refused = ended = 0
    for limit in (0, *range(seed("little memory") % stride, MEGABYTES * 2**20, stride)):  # without any memory, it fails
        photos = changing.copy(tmp_path / "photos")
        command = [sys.executable, "-c", _CHILD, str(photos), work, str(limit)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment())
        native = done.returncode < 0 or (done.returncode, done.stderr) == NO_THREAD_DATA
        assert done.returncode in {0, 1} or native, f"{limit} bytes: {done.returncode} {done.stderr}"
        assert "Damaged" not in done.stderr, f"{limit} bytes: {done.stderr}"
        refused += done.returncode != 0
        ended += native
        changing.check(photos)
    assert refused
    assert ended <= 1 + refused // 10
    report("processes out of memory", refused)
    report("processes out of memory that a native library ended", ended)


def test_pillows_plugins_are_imported_before_threads_decode(changing: Changing, tmp_path: Path) -> None:
    """An import that runs out of memory in a thread may leave a lock for which all others wait forever."""
    command = [sys.executable, "-c", _IMPORTS, str(changing.copy(tmp_path / "photos"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), check=True)
    assert done.stdout.split() == ["MainThread"]
