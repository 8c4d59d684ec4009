"""A gallery and a searcher that were opened before a fork also work in the forked children."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from installed import INSTALLED
from photoseek import Gallery, Searcher
from tiny_bundle import COLORS
from torture import report, rounds
from typed_commands import environment

FORKS = 20

FORKING = """
import os, sys, threading
from photoseek import Gallery, Searcher

path, use, forks, engines = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
gallery = Gallery.open(path)
searcher = Searcher(gallery, threads=4)  # a session of one thread has none that could stay behind
further = [Searcher(gallery, engine=engine) for engine in engines]
vector = searcher.query("red").vector
colours = ("red", "green", "blue")

def ask():
    searcher.encoder._recent.clear()
    texts = [[(hit.id, hit.path, hit.score) for hit in searcher.search(colour, k=4)] for colour in colours]
    others = [[(hit.id, hit.score) for hit in other.nearest(vector, 4)] for other in further]
    return texts, others, searcher.search(photo=gallery.photos.root / "red/red-0.png"), gallery.status().photos

expected = ask()
stop = threading.Event()

def keep_asking():
    while not stop.is_set():
        assert ask() == expected

threads = [threading.Thread(target=keep_asking) for _ in range(2 if use == "busy" else 0)]
for thread in threads:
    thread.start()
codes = []
for _ in range(forks):
    child = os.fork()
    if child == 0:
        same = use == "unused" or ask() == expected
        if use == "dropped":
            del searcher, further, gallery
        sys.exit(0 if same else 3)  # by way of the interpreter's end, which frees what it can
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
for thread in threads:
    thread.join()
assert ask() == expected
print(sorted(set(codes)))
"""


@pytest.mark.parametrize(("use", "forks"), [("used", FORKS), ("unused", 5), ("dropped", 5), ("busy", 5)])
def test_forked_children_answer_like_their_parent_and_exit_cleanly(
    gallery: Gallery, tmp_path: Path, use: str, forks: int
) -> None:
    """``busy``: while two threads of the parent search, whose locks the child inherits in their state."""
    script = tmp_path / "forking.py"
    script.write_text(FORKING)
    words = [sys.executable, "-W", "ignore::DeprecationWarning", script, gallery.path, use, rounds(forks), *INSTALLED]
    variables = environment()
    variables.pop("OMP_NUM_THREADS", None)  # its threads would not exist in the child
    done = subprocess.run(
        list(map(str, words)), env=variables, capture_output=True, text=True, timeout=rounds(120), check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[0]"), done.stderr
    report(f"forks, {use}", rounds(forks))


opened: dict[str, Searcher] = {}


def searched(text: str) -> tuple[int, list[str]]:
    """Search in a worker of a pool, with the searcher that its parent opened."""
    return os.getpid(), [hit.path for hit in opened["searcher"].search(text, k=4)]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forking_pool_uses_objects_of_its_parent(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with gunicorn --preload and Celery."""
    monkeypatch.setitem(opened, "searcher", Searcher(gallery))
    expected = {color: searched(color)[1] for color in COLORS}
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map(searched, list(COLORS) * 3, chunksize=1)
    assert [paths for _, paths in found] == [expected[color] for color in COLORS] * 3
    assert os.getpid() not in {process for process, _ in found}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_writes_with_a_new_connection(gallery: Gallery) -> None:
    def write() -> None:
        gallery.database.set_meta(written_by=str(os.getpid()))

    process = multiprocessing.get_context("fork").Process(target=write)
    with gallery.database.writing():  # the child waits for it like any other process
        gallery.database.set_meta(written_by="parent")
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert gallery.database.meta()["written_by"] == str(process.pid)
    gallery.database.verify()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_outlives_indexing_does_not_keep_its_lock(gallery: Gallery) -> None:
    children = []

    def fork(_: object) -> None:
        if not children:
            process = multiprocessing.get_context("fork").Process(target=waiting.wait, args=(60,))
            process.start()
            children.append(process)

    waiting = multiprocessing.get_context("fork").Event()
    gallery.index(progress=fork)
    assert children[0].is_alive()
    gallery.index()
    waiting.set()
    children[0].join(60)
    assert children[0].exitcode == 0
