"""A writer that is stopped at any system call, or that removes 200,000 photos, does not delay searches."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.service.app import make_app
from running_service import running
from tiny_bundle import write_tiny_bundle
from torture import report, seconds
from typed_commands import environment
from vector_gallery import clustered, make_gallery, make_generation, scattered, various

DIM = 64
COUNT = 2_000
REMOVED = 200_000
QUERIES = 20  # of each kind at each point: with fewer, one stall of a busy machine is the p99
LOCKS = "fcntl,fdatasync,fsync,ftruncate,unlink,openat,mmap"
DATA = "pwrite64,pread64,write,read"

WRITING = """
import sys
from photoseek import Gallery
from vector_gallery import put, remove, scattered, various
with Gallery.open(sys.argv[1]) as gallery:
    put(gallery, scattered(20, 64, seed=5), various(20, start=10_000))
    remove(gallery, [each.path for each in various(20)])
"""
REMOVING = """
import sys
from photoseek import Gallery
from vector_gallery import remove
with Gallery.open(sys.argv[1]) as gallery:
    remove(gallery, [f"more/{number}.jpg" for number in range(int(sys.argv[2]))])
"""


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stopped")
    bundle = Bundle.load(write_tiny_bundle(root / "bundle", dim=DIM))
    with make_gallery(root / "photos", bundle, clustered(COUNT, DIM), various(COUNT)) as gallery:
        make_generation(gallery)
    return root / "photos"


def child(script: str, *arguments: object, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    tests = str(Path(__file__).parents[2])
    variables = environment()
    variables["PYTHONPATH"] += os.pathsep + tests
    return subprocess.Popen([*before, sys.executable, "-c", script, *map(str, arguments)], env=variables)


def took(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


def p99(times: list[float]) -> float:
    return float(np.percentile(times, 99))


@contextmanager
def stopping_at_calls(gallery: Path, log: Path) -> Iterator[Iterator[str]]:
    """Run a process that writes the gallery and is stopped at each system call on the database."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        pytest.skip("strace may not trace here")
    suffixes = ("", "-wal", "-shm", "-journal")
    paths = [word for suffix in suffixes for word in ("-P", f"{gallery}/gallery.sqlite{suffix}")]
    inject: list[str] = []
    for names, step in ((LOCKS, seconds(3, 1)), (DATA, seconds(50, 1))):
        inject += ["-e", f"inject={names}:signal=SIGSTOP:when=1+{step}"]
    before = ("strace", "-f", "-o", str(log), *paths, "-e", f"trace={LOCKS},{DATA}", *inject)
    writer = child(WRITING, gallery, before=before)
    try:
        yield stops(writer, log)
    finally:
        writer.kill()
        writer.wait()


def stops(writer: subprocess.Popen[bytes], log: Path) -> Iterator[str]:
    seen, deadline = 0, time.monotonic() + 60
    while writer.poll() is None and time.monotonic() < deadline:
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        stopped = [at for at, line in enumerate(lines) if "stopped by SIGSTOP" in line]
        if len(stopped) == seen:
            time.sleep(0.001)
            continue
        seen, deadline = len(stopped), time.monotonic() + 60
        yield " ".join(lines[max(0, stopped[-1] - 2) : stopped[-1]])
        os.kill(int(lines[stopped[-1]].split()[0]), signal.SIGCONT)
    assert writer.wait(60) == 0


def test_a_writer_that_is_stopped_at_any_system_call_delays_no_search(indexed: Path, tmp_path: Path) -> None:
    """Checks the library's searcher, a newly opened one, and the service with its health endpoint."""
    photos = shutil.copytree(indexed, tmp_path / "photos")
    query = scattered(1, DIM)[0]

    def opened() -> None:
        with Gallery.open(photos) as fresh:
            assert len(Searcher(fresh).nearest(query, 10)) == 10

    with Gallery.open(photos) as gallery, running(make_app(searcher := Searcher(gallery))) as client:
        readers: dict[str, Callable[[], object]] = {
            "search": lambda: searcher.nearest(query, 10),
            "open and search": opened,
            "/v1/search": lambda: expect(client.post("/v1/search", json={"text": "red"})),
            "/readyz": lambda: expect(client.get("/readyz")),
        }
        usual = {name: [took(ask) for _ in range(5 * QUERIES)] for name, ask in readers.items()}
        stopped: dict[str, list[float]] = {name: [] for name in readers}
        points = 0
        with stopping_at_calls(gallery.path, tmp_path / "log") as calls:
            for call in calls:
                points += 1
                for name, ask in readers.items():
                    stopped[name] += [took(ask) for _ in range(QUERIES)]
                    assert stopped[name][-1] < 2, f"{name} waited at {call}"
    assert points > 20
    for name, times in stopped.items():
        assert p99(times) < 2 * p99(usual[name]) + 0.05, name  # 50 ms: other tests run at the same time
    report("system calls at which a writer was stopped during reads", points)


def expect(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text


def test_removing_200_000_photos_delays_no_search_by_100_ms(indexed: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(indexed, tmp_path / "photos")
    query = scattered(1, DIM)[0]
    with Gallery.open(photos) as gallery:
        add_rows(gallery, REMOVED)
        searcher = Searcher(gallery)
        usual = [took(lambda: searcher.nearest(query, 10)) for _ in range(200)]
        writer = child(REMOVING, gallery.path, REMOVED)
        times = [took(lambda: searcher.nearest(query, 10))]
        while writer.poll() is None:
            times.append(took(lambda: searcher.nearest(query, 10)))
        assert writer.returncode == 0
        assert gallery.database.count() == COUNT
        assert len(searcher.nearest(query, 10)) == 10
    assert max(times) < 0.1 + max(usual)
    report("searches while 200,000 photos were removed", len(times))


def add_rows(gallery: Gallery, count: int) -> None:
    """Add rows of photos that share one content; rows with different contents take a minute to insert."""
    with gallery.database.writing() as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(photos)")} - {"id", "path", "reason"}
        names = ", ".join(sorted(columns))
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) "
            f"INSERT INTO photos (path, {names}) SELECT 'more/' || i || '.jpg', {names} FROM n, "
            f"(SELECT {names} FROM photos ORDER BY id LIMIT 1)"
        )
