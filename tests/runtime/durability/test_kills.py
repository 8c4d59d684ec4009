"""Indexing is killed at random while its folder changes; a model predicts what a search must find."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.vectors import Vectors
from tiny_bundle import COLORS
from tiny_photos import write_color
from torture import report, rounds, seed
from typed_commands import environment

KILLS = 4  # in one round
_INDEX_WHEN_TOLD = """
import sys
import onnxruntime
from photoseek import Gallery
from photoseek.gallery.indexing import index
print("ready", flush=True)
for folder in map(str.strip, sys.stdin):
    with Gallery.open(folder) as gallery:
        gallery.index()
    print("done", flush=True)
"""


@dataclass
class Model:
    """The photos in the folder, and the vectors that a search may use: one for each content that a path has had.

    ``settled`` has the vectors of the last indexing that was not killed.
    """

    folder: Path
    encoder: ImageEncoder
    rng: random.Random
    now: dict[str, Vectors] = field(default_factory=dict)
    settled: dict[str, Vectors] = field(default_factory=dict)
    since: list[dict[str, Vectors]] = field(default_factory=list)

    def add(self) -> None:
        name = f"{self.rng.randrange(40)}.png"
        color = self.rng.choice(list(COLORS.values()))
        path = write_color(self.folder / name, color, seed=self.rng.randrange(2**31))
        self.now[name] = self.encoder.encode([path])[0]

    def remove(self) -> None:
        if len(self.now) > 3:
            name = self.rng.choice(sorted(self.now))
            (self.folder / name).unlink()
            del self.now[name]

    def rename(self) -> None:
        old, new = self.rng.choice(sorted(self.now)), f"{self.rng.randrange(40)}.png"
        (self.folder / old).replace(self.folder / new)
        self.now[new] = self.now.pop(old)

    def change(self) -> None:
        """Add, change, remove or rename a few photos."""
        for _ in range(self.rng.randrange(1, 6)):
            self.rng.choice([self.add, self.add, self.remove, self.rename])()
        self.since.append(dict(self.now))

    def settle(self) -> None:
        """Record that the folder was indexed completely."""
        self.settled, self.since = dict(self.now), []

    def check(self, found: dict[str, float], query: Vectors) -> None:
        """Expect every unchanged photo, and no photo with the score of a content that it never had."""
        stayed = [
            name
            for name, vector in self.settled.items()
            if all(name in state and np.array_equal(state[name], vector) for state in self.since)
        ]
        assert set(stayed) <= set(found)
        for name, score in found.items():
            known = [state[name] for state in (self.settled, *self.since) if name in state]
            assert any(abs(float(vector @ query) - score) < 1e-5 for vector in known), name


def test_random_kills_lose_and_invent_nothing(tmp_path: Path, tiny_bundle: Bundle) -> None:
    model = Model(tmp_path / "photos", ImageEncoder(tiny_bundle), random.Random(seed("kills")))
    for _ in range(12):
        model.add()
    Gallery.create(model.folder, tiny_bundle).close()
    child, kills, let_alone = start(), 0, 1
    took = index(child, model.folder)
    model.settle()
    try:
        while kills < rounds(KILLS):
            model.change()
            tell(child, model.folder)
            time.sleep(model.rng.uniform(0, took))
            child.kill()
            child.communicate()
            kills += 1
            for query in np.eye(16, dtype=np.float32)[:4]:
                model.check(found_in(model.folder, tiny_bundle, query), query)
            child = start()
            if model.rng.random() < 0.4 or kills == rounds(KILLS):
                index(child, model.folder)
                model.settle()
                let_alone += 1
                for query in np.eye(16, dtype=np.float32)[:4]:
                    found = found_in(model.folder, tiny_bundle, query)
                    assert found.keys() == model.now.keys()
                    model.check(found, query)
    finally:
        child.kill()
        child.communicate()
    report("kills at random moments", kills)
    report("complete indexings between them", let_alone)


def start() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _INDEX_WHEN_TOLD]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def tell(child: subprocess.Popen[str], folder: Path) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{folder}\n")
    child.stdin.flush()


def index(child: subprocess.Popen[str], folder: Path) -> float:
    """Index, and return how many seconds it took."""
    began = time.monotonic()
    tell(child, folder)
    assert child.stdout is not None
    assert child.stdout.readline() == "done\n"
    return time.monotonic() - began


def found_in(folder: Path, bundle: Bundle, query: Vectors) -> dict[str, float]:
    with Gallery.open(folder) as gallery:
        return {hit.path: hit.score for hit in Searcher(gallery, bundle=bundle, engine="exact").nearest(query, 100)}
