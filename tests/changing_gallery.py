"""A small gallery whose folder has changed, and valid answers before, during and after the next indexing."""

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

from installed import INSTALLED
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
from photoseek.gallery.snapshot import build
try:
    if sys.argv[2:]:  # a delta, which only larger galleries have
        build.MIN_BASE, build.MAX_SHARE = 0, 1.0
    Gallery.open(sys.argv[1]).index()
except (PhotoseekError, OSError) as error:
    print(type(error).__name__, error, file=sys.stderr)
    sys.exit({REFUSED})
"""


@dataclass(frozen=True)
class Additional:
    """An additional bundle of the gallery, and its answers before and after the indexing."""

    bundle: Bundle
    old: Answers
    new: Answers


@dataclass(frozen=True)
class Changing:
    """A folder of photos that changed after it was indexed, with the expected answers before and after re-indexing.

    Attributes:
        folder: The folder; tests copy it and do not change it.
        bundle: The primary bundle of its gallery.
        old: Answers of the gallery before it is indexed again.
        new: Answers after that.
        changed: Photos whose content changed.
        removed: Photos that no longer exist.
        additional: An additional bundle and its answers, or None.
    """

    folder: Path
    bundle: Bundle
    old: Answers
    new: Answers
    changed: frozenset[str]
    removed: frozenset[str]
    additional: Additional | None = None

    @classmethod
    def make(cls, root: Path, *, additional: bool = False) -> Changing:
        """Index six photos, with two bundles if ``additional``; then change one, remove one and add two."""
        bundle = Bundle.load(write_tiny_bundle(root / "bundle"))
        second = Bundle.load(write_tiny_bundle(root / "second", name="second", seed=4, dim=DIM)) if additional else None
        folder = root / "photos"
        for number, color in enumerate(COLORS.values()):
            write_color(folder / f"{number}.png", color, seed=number)
        with Gallery.create(folder, bundle) as gallery:
            if second is not None:
                gallery.bundles.add(second)
            gallery.index(engines=INSTALLED)
            old, old_second = answers(gallery, bundle), [] if second is None else answers(gallery, second)
        write_color(folder / "1.png", COLORS["blue"], seed=101)
        (folder / "2.png").unlink()
        for number in (6, 7):
            write_color(folder / f"{number}.png", COLORS["yellow"], seed=number)
        with Gallery.open(shutil.copytree(folder, root / "indexed")) as gallery:
            gallery.index()
            new, new_second = answers(gallery, bundle), [] if second is None else answers(gallery, second)
        held = None if second is None else Additional(second, old_second, new_second)
        return cls(folder, bundle, old, new, frozenset({"1.png"}), frozenset({"2.png"}), held)

    def copy(self, place: Path) -> Path:
        """Replace a folder with a copy for a test."""
        shutil.rmtree(place, ignore_errors=True)
        return shutil.copytree(self.folder, place)

    @property
    def allowed(self) -> list[Answers]:
        """The valid answers: the old state, with or without changed and removed photos, or the new state.

        A photo that could not be read, because memory ran out, is unchanged.
        """
        return self._between(self.old, self.new)

    def _between(self, old: Answers, new: Answers) -> list[Answers]:
        return [*(without(old, left) for left in (set(), self.changed, self.removed, self.changed | self.removed)), new]

    def check(self, folder: Path) -> bool:
        """Assert that a copy has the old or the new state after a fault, and the new one after it is indexed again.

        Returns whether ``Gallery.verify`` found a problem before that.
        """
        with Gallery.open(folder) as gallery:
            assert answers(gallery, self.bundle) in self.allowed
            if self.additional is not None:
                found = answers(gallery, self.additional.bundle)
                assert found in self._between(self.additional.old, self.additional.new)
            try:
                gallery.verify()
                complete = True
            except GalleryError:
                complete = False
            gallery.index()
            gallery.verify()
            for engine in sorted({"exact", *gallery.generation().manifest.tuning.engines}):
                assert answers(gallery, self.bundle, engine) == self.new
                assert (
                    self.additional is None or answers(gallery, self.additional.bundle, engine) == self.additional.new
                )
            left = sorted(
                path.name for path in gallery.path.rglob("*") if "partial" in path.name or "new-" in path.name
            )
            assert left == []
            assert all(len(list(folder.iterdir())) <= 3 for folder in gallery.path.rglob("generations"))
        return not complete


def answers(gallery: Gallery, bundle: Bundle, engine: Engine = "exact") -> Answers:
    """Return the answers of a gallery to a few fixed queries."""
    searcher = Searcher(gallery, bundle=bundle, engine=engine)
    queries = np.random.default_rng(0).normal(size=(3, DIM)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    return [[(hit.path, round(hit.score, 4)) for hit in searcher.nearest(query, 100)] for query in queries]


def without(found: Answers, photos: AbstractSet[str]) -> Answers:
    """Return answers without some photos."""
    return [[hit for hit in hits if hit[0] not in photos] for hits in found]


def index_in_a_child(
    folder: Path, before: Sequence[str] = (), file_size: int | None = None, *, delta: bool = False
) -> subprocess.CompletedProcess[str]:
    """Index a folder in a new process, with ``before`` as command prefix and a limit on the size of files.

    ``delta``: The new snapshot is a delta.
    """
    command = [*before, sys.executable, "-c", _INDEX, str(folder), *(["delta"] if delta else [])]
    limit = None if file_size is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), preexec_fn=limit)
