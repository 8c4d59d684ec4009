"""One writer and any number of readers, in this process and in others, for any duration."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import GalleryClosed, GalleryDamaged
from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.snapshot.current import current_id
from photoseek.gallery.snapshot.snapshot import Snapshot
from tiny_bundle import COLORS
from tiny_photos import write_color
from torture import report, rounds
from typed_commands import environment

K = 6

READING = """
import json, sys
from pathlib import Path
from photoseek import Gallery, Searcher

searcher, stop = Searcher(Gallery.open(sys.argv[1])), Path(sys.argv[2])
vector = searcher.query("red").vector
while True:
    last = stop.exists()
    hits = searcher.nearest(vector, int(sys.argv[3]))
    print(json.dumps([[hit.id, hit.path, round(hit.score, 5)] for hit in hits]), flush=True)
    if last:
        break
"""


class Folder:
    """A photo folder that changes, and what a brute-force search finds in it."""

    def __init__(self, root: Path, bundle: Bundle) -> None:
        self.root = root
        self._encoder = ImageEncoder(bundle)
        self._vectors: dict[bytes, np.ndarray] = {}

    def state(self) -> dict[str, bytes]:
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in self.root.rglob("[!.]*.png")}

    def best(self, state: dict[str, bytes], vector: np.ndarray) -> list[tuple[str, float]]:
        for data in set(state.values()) - self._vectors.keys():
            self._vectors[data] = self._encoder.encode([data])[0]
        scored = [(path, float(self._vectors[data] @ vector)) for path, data in state.items()]
        return sorted(scored, key=lambda found: -found[1])[:K]

    def change(self, number: int) -> None:
        """Apply one change, of each kind in turn."""
        names = sorted(path for path in self.root.rglob("[!.]*.png") if path.parent.name in ("red", "changing"))
        chosen = names[number * 7 % len(names)]
        match number % 5:
            case 0 | 1:
                write_color(self.root / "changing" / f"new-{number}.png", COLORS["red"], seed=2000 + number)
            case 2:
                write_color(chosen, COLORS["red"], seed=3000 + number)
            case 3:
                chosen.rename(chosen.with_name(f"renamed-{number}.png"))
            case 4:
                chosen.unlink()


def same(hits: list[tuple[str, float]], expected: list[tuple[str, float]]) -> bool:
    """Return whether both have the same photos, except for scores that float32 cannot distinguish."""
    scores = [score for _, score in hits], [score for _, score in expected]
    return len(hits) == len(expected) and np.allclose(*scores, atol=2e-5)


def test_a_reader_in_another_process_answers_for_one_state_or_the_next(
    gallery: Gallery, photos: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    """During indexing, a changed or renamed photo may be missing; every other difference is an error."""
    script, stop, folder = tmp_path / "reading.py", tmp_path / "stop", Folder(photos, tiny_bundle)
    script.write_text(READING)
    vector = Searcher(gallery).query("red").vector
    states = [folder.state()]
    words = [sys.executable, str(script), str(gallery.path), str(stop), str(K)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(), text=True) as reader:
        answers: list[list[tuple[int, str, float]]] = []
        listening = threading.Thread(target=lambda: answers.extend(map(json.loads, reader.stdout or [])))
        listening.start()
        for number in range(rounds(20)):
            folder.change(number)
            gallery.index()
            states.append(folder.state())
        stop.touch()
        listening.join(60)
    assert reader.returncode == 0
    between = [{path: data for path, data in one.items() if two.get(path) == data} for one, two in pairs(states)]
    allowed = [folder.best(state, vector) for state in (*states, *between)]
    for answer in answers:
        assert any(same([(path, score) for _, path, score in answer], expected) for expected in allowed), answer
    assert same([(path, score) for _, path, score in answers[-1]], folder.best(states[-1], vector))
    pictures: dict[int, float] = {}
    for photo, _, score in (hit for answer in answers for hit in answer):
        assert pictures.setdefault(photo, score) == score  # an id never refers to another picture
    assert len({json.dumps(answer) for answer in answers}) > 3  # the reader saw the gallery change
    report("answers of a reader during writes", len(answers))


def pairs(states: list[dict[str, bytes]]) -> list[tuple[dict[str, bytes], dict[str, bytes]]]:
    return list(pairwise(states))


def together(count: int, work: Callable[[], None]) -> None:
    """Run a function in threads that start at the same moment; an error in one is raised here."""
    start, errors = threading.Barrier(count), list[BaseException]()

    def run() -> None:
        start.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + rounds(120)
    for thread in threads:
        thread.join(deadline - time.monotonic())
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_eight_threads_get_the_same_bits_as_one(gallery: Gallery, photos: Path) -> None:
    photo = (photos / "blue" / "blue-1.png").read_bytes()

    def ask(searcher: Searcher) -> list[object]:
        searcher.encoder._recent.clear()
        return [*(searcher.search(f"a {color} picture", k=24) for color in COLORS), searcher.search(photo=photo)]

    expected, shared = ask(Searcher(gallery)), Searcher(gallery)

    def work() -> None:
        for _ in range(rounds(5)):
            assert ask(shared) == expected

    together(8, work)


def test_snapshots_are_swapped_under_load(gallery: Gallery, photos: Path) -> None:
    searcher, done = Searcher(gallery), threading.Event()
    expected = [hit.path for hit in searcher.search("blue", k=4)]
    first = current_id(gallery.path)
    swapping = threading.Lock()

    def work() -> None:
        if swapping.acquire(blocking=False):
            for number in range(rounds(5)):
                write_color(photos / f"new-{number}.png", COLORS["red"], seed=900 + number)
                gallery.index()
            done.set()
        else:
            while not done.is_set():
                assert [hit.path for hit in searcher.search("blue", k=4)] == expected
                time.sleep(0.001)  # lets the indexing thread run

    together(4, work)
    assert len(searcher.search("red", k=1_000)) == 24 + rounds(5)
    assert current_id(gallery.path) != first


def test_a_reader_that_misses_two_snapshots_opens_the_next(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot may be removed after its name was read and before it is opened."""
    searcher, late = Searcher(gallery), threading.Lock()
    open_now = Gallery.generation

    def slow(record: GalleryBundle, opened: Snapshot | None) -> object:
        if late.acquire(blocking=False):
            write_color(photos / "new.png", COLORS["red"], seed=900)
            gallery.index()
            raise GalleryDamaged("manifest.json: No such file or directory")
        return open_now(gallery, record, opened)

    monkeypatch.setattr(gallery, "generation", slow)
    assert "new.png" in [hit.path for hit in searcher.search("red", k=5)]


def test_closing_a_gallery_during_a_search_is_an_error(gallery: Gallery) -> None:
    for _ in range(rounds(5)):
        shared = Gallery.open(gallery.path)
        searcher = Searcher(shared)
        closing = threading.Timer(0.02, shared.close)
        closing.start()

        def work(searcher: Searcher = searcher) -> None:
            end = time.monotonic() + 60
            with pytest.raises(GalleryClosed, match="open it again"):  # noqa: PT012 - at any of many searches
                while time.monotonic() < end:
                    searcher.search("red")

        together(3, work)
        closing.join()


def usage() -> tuple[int, int, int]:
    """Return open files, threads, and bytes of memory of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_files_threads_and_memory_are_constant_over_queries_and_snapshots(gallery: Gallery, photos: Path) -> None:
    searcher = Searcher(gallery)

    def go_on(queries: int, reloads: int, seed: int) -> None:
        for number in range(reloads):
            write_color(photos / "changing.png", COLORS["red"], seed=seed + number)
            gallery.index()
            for query in range(queries // reloads):
                searcher.search(f"red {number} {query}", k=5)
                if query % 10 == 0:
                    searcher.search(photo=photos / "blue" / "blue-1.png")
            with Gallery.open(gallery.path) as other:
                Searcher(other).search("blue")

    go_on(150, 2, 5_000)  # fills the cache of texts and the pools of allocators
    files, threads, memory = usage()
    go_on(rounds(500), rounds(10), 10_000)
    after = usage()
    assert (after[0] <= files, after[1] <= threads) == (True, True), (files, threads, after)
    assert after[2] - memory < 8_000_000
    report("queries without a leak", rounds(500))
    report("generations without a leak", rounds(10))
