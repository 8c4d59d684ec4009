"""Indexing in the background: new galleries, updates, stops without loss, and failures."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from photoseek import Bundle, Gallery
from photoseek.gallery.indexing.report import IndexReport, Progress
from photoseek.page import index_job

SECONDS = 60


def test_a_job_creates_a_gallery_and_a_later_one_encodes_only_new_photos(photos: Path, tiny_bundle_path: Path) -> None:
    job = index_job.start(str(photos), str(tiny_bundle_path))
    assert job.wait(SECONDS)
    assert job.report is not None
    assert (job.report.encoded, job.error, job.running) == (24, None, False)
    again = index_job.start(str(photos), str(tiny_bundle_path))
    assert again.wait(SECONDS)
    assert again.report is not None
    assert (again.report.encoded, again.report.unchanged) == (0, 24)
    assert index_job.job_of(str(photos)) is again


def test_a_stopped_job_keeps_encoded_photos(
    photos: Path, tiny_bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, proceed = threading.Event(), threading.Event()
    index = Gallery.index

    def slow_index(gallery: Gallery, *, progress: Any, **options: Any) -> IndexReport:
        def wait(step: Progress) -> None:
            if step.done:
                reached.set()
                proceed.wait(SECONDS)
            progress(step)

        return index(gallery, progress=wait, **options)

    monkeypatch.setattr(Gallery, "index", slow_index)
    job = index_job.start(str(photos), str(tiny_bundle_path))
    assert reached.wait(SECONDS)
    assert index_job.start(str(photos), str(tiny_bundle_path)) is job
    job.stop()
    proceed.set()
    assert job.wait(SECONDS)
    assert (job.report, job.error) == (None, None)
    with Gallery.open(photos) as gallery:
        encoded = gallery.database.count()
        assert encoded > 0
        assert index(gallery).encoded == 24 - encoded


@pytest.mark.parametrize(("bundle", "reason"), [("/no/such/bundle", "bundle"), (None, "no such folder")])
def test_a_failed_job_has_a_reason(tmp_path: Path, tiny_bundle_path: Path, bundle: str | None, reason: str) -> None:
    folder = tmp_path if bundle else tmp_path / "none"
    job = index_job.start(str(folder), bundle or str(tiny_bundle_path))
    assert job.wait(SECONDS)
    assert reason in str(job.error)


def test_a_job_leaves_out_what_the_command_line_has_excluded(photos: Path, tiny_bundle: Bundle) -> None:
    with Gallery.create(photos, tiny_bundle) as gallery:
        gallery.index(exclude=["red/"])
    (photos / "red" / "red-0.png").touch()
    job = index_job.start(str(photos), "")
    assert job.wait(SECONDS)
    assert job.report is not None
    assert (job.report.photos, job.report.removed) == (20, 0)
