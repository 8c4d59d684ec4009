"""A gallery of few photos whose folder has changed since: what it may answer before, while and after it is indexed."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import GalleryError
from photoseek.vector_index.registry import Engine
from tiny_bundle import COLORS, DIM, write_tiny_bundle
from tiny_photos import write_color
from typed_commands import environment

Answers = list[list[tuple[str, float]]]
"""For each query, the photos and their scores, best first."""

REFUSED = 3
"""The exit code of a child that ended with an error that it may end with."""

_INDEX = f"""
import sys
from photoseek import Gallery
from photoseek.errors import PhotoseekError
try:
    Gallery.open(sys.argv[1]).index()
except (PhotoseekError, OSError) as error:
    print(type(error).__name__, error, file=sys.stderr)
    sys.exit({REFUSED})
"""


@dataclass(frozen=True)
class Beside:
    """A second bundle that the gallery holds, and what it answers with that before and after it is indexed."""

    bundle: Bundle
    old: Answers
    new: Answers


@dataclass(frozen=True)
class Changing:
    """A folder of photos, with a gallery of its past, and what it answered and will answer.

    Attributes:
        folder: To be copied and not to be touched.
        bundle: What it is indexed with.
        old: The answers of the gallery as it is.
        new: Those after it is indexed.
        changed: Photos that are not any more what they were.
        gone: Photos that are there no more.
        beside: The same of a second bundle; None where there is none.
    """

    folder: Path
    bundle: Bundle
    old: Answers
    new: Answers
    changed: frozenset[str]
    gone: frozenset[str]
    beside: Beside | None = None

    @classmethod
    def make(cls, root: Path, *, beside: bool = False) -> Changing:
        """Six photos were indexed, ``beside`` with two bundles; one has changed since, one is gone, two have come."""
        bundle = Bundle.load(write_tiny_bundle(root / "bundle"))
        second = Bundle.load(write_tiny_bundle(root / "second", name="second", seed=4, dim=DIM)) if beside else None
        folder = root / "photos"
        for number, color in enumerate(COLORS.values()):
            write_color(folder / f"{number}.png", color, seed=number)
        with Gallery.create(folder, bundle) as gallery:
            if second is not None:
                gallery.add_bundle(second)
            gallery.index()
            old, old_second = answers(gallery, bundle), [] if second is None else answers(gallery, second)
        write_color(folder / "1.png", COLORS["blue"], seed=101)
        (folder / "2.png").unlink()
        for number in (6, 7):
            write_color(folder / f"{number}.png", COLORS["yellow"], seed=number)
        with Gallery.open(shutil.copytree(folder, root / "indexed")) as gallery:
            gallery.index()
            new, new_second = answers(gallery, bundle), [] if second is None else answers(gallery, second)
        held = None if second is None else Beside(second, old_second, new_second)
        return cls(folder, bundle, old, new, frozenset({"1.png"}), frozenset({"2.png"}), held)

    def copy(self, place: Path) -> Path:
        """A copy that may be tortured, in place of what lies there."""
        shutil.rmtree(place, ignore_errors=True)
        return shutil.copytree(self.folder, place)

    @property
    def allowed(self) -> list[Answers]:
        """The old state, the new one, or the old one without photos that are known to be others now, or none.

        A photo that could not be read now, for want of memory, is as it was.
        """
        return self._between(self.old, self.new)

    def _between(self, old: Answers, new: Answers) -> list[Answers]:
        return [*(without(old, left) for left in (set(), self.changed, self.gone, self.changed | self.gone)), new]

    def check(self, folder: Path) -> bool:
        """Assert that a tortured copy holds the old state or the new one, and comes to the new one when indexed again.

        Tells whether :meth:`Gallery.verify` found anything wrong before that.
        """
        with Gallery.open(folder) as gallery:
            assert answers(gallery, self.bundle) in self.allowed
            if self.beside is not None:
                found = answers(gallery, self.beside.bundle)
                assert found in self._between(self.beside.old, self.beside.new)
            try:
                gallery.verify()
                whole = True
            except GalleryError:
                whole = False
            gallery.index()
            gallery.verify()
            for engine in sorted({"exact", *gallery.generation().manifest.tuning.engines}):
                assert answers(gallery, self.bundle, engine) == self.new
                assert self.beside is None or answers(gallery, self.beside.bundle, engine) == self.beside.new
            left = sorted(
                path.name for path in gallery.path.rglob("*") if "partial" in path.name or "new-" in path.name
            )
            assert left == []
            assert all(len(list(folder.iterdir())) <= 2 for folder in gallery.path.rglob("generations"))
        return not whole


def answers(gallery: Gallery, bundle: Bundle, engine: Engine = "exact") -> Answers:
    """What a gallery answers to a few fixed queries."""
    searcher = Searcher(gallery, bundle=bundle, engine=engine)
    queries = np.random.default_rng(0).normal(size=(3, DIM)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    return [[(hit.path, round(hit.score, 4)) for hit in searcher.nearest(query, 100)] for query in queries]


def without(found: Answers, photos: AbstractSet[str]) -> Answers:
    """The answers less some photos."""
    return [[hit for hit in hits if hit[0] not in photos] for hits in found]


def index_in_a_child(
    folder: Path, before: Sequence[str] = (), file_size: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Index a folder in a process of its own, begun by the words of ``before``; its files may grow to ``file_size``."""
    command = [*before, sys.executable, "-c", _INDEX, str(folder)]
    limit = None if file_size is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), preexec_fn=limit)
