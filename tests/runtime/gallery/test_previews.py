"""Photos can be searched while others are indexed, and unreadable ones are tried again on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gallery_answers import counts
from photoseek import Bundle, Gallery, Searcher
from photoseek.gallery.indexing import encode, thread_pool
from photoseek.gallery.indexing.pipeline import Batch
from photoseek.gallery.indexing.report import Progress
from photoseek.sources.base import PhotoEntry
from tiny_bundle import COLORS
from tiny_photos import write_color

MORE = 40


@pytest.fixture
def many(photos: Path) -> Path:
    """The 24 photos and 40 more."""
    for number in range(MORE):
        write_color(photos / "later" / f"{number}.png", COLORS["green"], seed=500 + number)
    return photos


def test_a_searcher_finds_the_photos_so_far(many: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "_PREVIEW_S", 0.0)
    monkeypatch.setattr(encode, "_SHARE", 0)
    gallery = Gallery.create(many, tiny_bundle)
    searcher = Searcher(gallery)
    found: list[int] = []

    def search(step: Progress) -> None:
        if step.phase == "encode" and gallery.status().generation is not None:
            found.append(len(searcher.search("green", k=100)))

    report = gallery.index(progress=search, previews=True)
    assert counts(report) == {"photos": 24 + MORE, "encoded": 24 + MORE}
    assert 24 <= found[0] < 24 + MORE
    assert found == sorted(found)
    assert len(searcher.search("green", k=100)) == 24 + MORE
    assert gallery.status().fresh
    gallery.verify()


def test_without_previews_nothing_can_be_searched_before_the_end(many: Path, tiny_bundle: Bundle) -> None:
    gallery = Gallery.create(many, tiny_bundle)
    generations = []
    gallery.index(progress=lambda step: generations.append((step.phase, gallery.status().generation)))
    assert {generation for phase, generation in generations if phase == "encode"} == {None}


def test_previews_take_a_small_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(encode.time, "monotonic", lambda: now[0])

    def build() -> None:
        now[0] += 2.0

    previews = encode.Previews(build)
    assert not previews.are_due(23)
    assert previews.are_due(24)
    previews.write(24)
    now[0] += 39.0
    assert not previews.are_due(1000)
    now[0] += 2.0
    assert previews.are_due(1000)
    assert not previews.are_due(47)


def test_the_threads_of_another_run_may_end_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_pool, "_POLL_S", 0.05)
    other = threading.Thread(target=time.sleep, args=(0.1,), name="photoseek-encode-0_0")
    other.start()

    def encode_slowly(photos: Sequence[PhotoEntry]) -> Batch:
        time.sleep(0.3)
        return Batch(len(photos), [], [])

    backend = thread_pool.ThreadBackend(workers=1)
    encoder: Any = SimpleNamespace(batch=encode_slowly)
    batches = list(backend.encode([PhotoEntry("a.jpg", 1, 1)], encoder, lambda _: None))
    assert [batch.size for batch in batches] == [1]
    other.join()


def test_unreadable_photos_are_tried_again_and_no_others(gallery: Gallery, photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no photo")
    assert gallery.index().unreadable[0][0] == "broken.jpg"
    steps: list[Progress] = []
    report = gallery.index(retry=True, progress=steps.append)
    assert [path for path, _ in report.unreadable] == ["broken.jpg"]
    assert {step.total for step in steps if step.phase == "encode"} == {1}
    steps.clear()
    gallery.index(progress=steps.append)
    assert {step.total for step in steps if step.phase == "encode"} == {0}
