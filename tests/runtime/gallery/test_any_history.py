"""After any sequence of changes to a folder and its gallery, a search finds the same photos as brute force."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import GalleryDamaged, GalleryNotFound
from photoseek.gallery.indexing.report import Progress
from photoseek.gallery.snapshot import build
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color
from torture import report, rounds

names = st.sampled_from([f"{folder}{name}.png" for folder in ("", "a/", "a/b/") for name in "xyz"])
colors = st.sampled_from(sorted(COLORS))


class History(RuleBasedStateMachine):
    """``files`` is the folder, ``known`` its state at the last indexing, both as paths and contents."""

    bundle: Bundle
    encoder: ImageEncoder

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="history-"))
        self.root = self.place / "photos"
        self.files: dict[str, bytes] = {}
        self.known: dict[str, bytes] = {}
        self.ids: dict[int, bytes] = {}
        self.seed = 0

    @initialize()
    def begin(self) -> None:
        self.root.mkdir()
        self.gallery = Gallery.create(self.root, self.bundle)
        self._write("x.png", "red")

    @rule(name=names, color=colors)
    def add_or_change(self, name: str, color: str) -> None:
        self._write(name, color)

    @precondition(lambda self: len(self.files) > 1)
    @rule(data=st.data(), to=names, copied=st.booleans())
    def rename_or_duplicate(self, data: st.DataObject, to: str, copied: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)))
        if name != to:
            (self.root / to).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copy2 if copied else shutil.move)(self.root / name, self.root / to)
            self.files[to] = self.files[name] if copied else self.files.pop(name)

    @precondition(lambda self: len(self.files) > 1)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)))
        (self.root / name).unlink()
        del self.files[name]

    @rule()
    def index(self) -> None:
        self.gallery.index()
        self.known = dict(self.files)

    @rule()
    def interrupt(self) -> None:
        def stop(progress: Progress) -> None:
            if progress.done:
                raise KeyboardInterrupt

        try:
            self.gallery.index(progress=stop)
        except KeyboardInterrupt:
            self.index()

    @rule()
    def kill(self) -> None:
        def die(progress: Progress) -> None:
            if progress.done:
                os.kill(os.getpid(), signal.SIGKILL)

        if (child := os.fork()) == 0:
            try:
                self.gallery.index(progress=die)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        self.index()

    @precondition(lambda self: self.known)
    @rule(data=st.data(), cut=st.booleans())
    def damage_a_derived_file(self, data: st.DataObject, cut: bool) -> None:
        folder = self.gallery.generation().path
        file = folder / data.draw(st.sampled_from(sorted(each.name for each in folder.iterdir())))
        content = bytearray(file.read_bytes())
        if content:
            content[len(content) // 2] ^= 1
            file.write_bytes(content[:-1] if cut else content)
        else:  # folders.bin of a delta without photos
            file.write_bytes(b"\0")
        with pytest.raises(GalleryDamaged):
            self.gallery.verify()
        self.index()

    @rule()
    def open_again(self) -> None:
        self.gallery.close()
        self.gallery = Gallery.open(self.root)

    @rule()
    def lose_the_disk_for_a_while(self) -> None:
        aside = self.root.rename(self.place / "aside")
        with pytest.raises(GalleryNotFound):
            Gallery.open(self.root)
        aside.rename(self.root)

    @invariant()
    def a_search_finds_what_brute_force_finds(self) -> None:
        if not self.ids and not self.known:
            return
        searcher = Searcher(self.gallery, bundle=self.bundle)
        vector = searcher.query("red").vector
        hits = searcher.nearest(vector, 50)
        vectors = self.encoder.encode(list(self.known.values()))
        best = dict(zip(self.known, (vectors @ vector).tolist(), strict=True))
        assert {hit.path for hit in hits} == best.keys()
        np.testing.assert_allclose([hit.score for hit in hits], sorted(best.values(), reverse=True), atol=2e-5)
        for hit in hits:
            assert hit.score == pytest.approx(best[hit.path], abs=2e-5)
            assert self.ids.setdefault(hit.id, self.known[hit.path]) == self.known[hit.path]

    def teardown(self) -> None:
        if hasattr(self, "gallery"):
            self.gallery.close()
        shutil.rmtree(self.place)
        report("histories of a gallery", 1)

    def _write(self, name: str, color: str) -> None:
        self.seed += 1
        write_color(self.root / name, COLORS[color], seed=self.seed)
        self.files[name] = (self.root / name).read_bytes()


def test_search_equals_brute_force_after_any_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MIN_BASE", 0)  # deltas of small galleries, until half of the photos have changed
    monkeypatch.setattr(build, "MAX_SHARE", 0.5)
    History.bundle = Bundle.load(write_tiny_bundle(tmp_path / "bundle"))
    History.encoder = ImageEncoder(History.bundle)
    History.TestCase.settings = settings(max_examples=rounds(6), stateful_step_count=15, deadline=None)
    History.TestCase("runTest").runTest()
