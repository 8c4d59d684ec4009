"""Indexing in the background: made, brought up to date, stopped without loss, failed with a reason."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from photoseek import Gallery
from photoseek.gallery.indexing.report import Progress
from photoseek.page import index_job

SECONDS = 60


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_job, "_jobs", {})


def test_a_folder_gets_a_gallery_and_later_only_what_is_new(photos: Path, tiny_bundle_path: Path) -> None:
    job = index_job.start(str(photos), str(tiny_bundle_path))
    assert job.wait(SECONDS)
    assert job.report is not None
    assert (job.report.encoded, job.problem, job.running) == (24, None, False)
    again = index_job.start(str(photos), str(tiny_bundle_path))
    assert again.wait(SECONDS)
    assert again.report is not None
    assert (again.report.encoded, again.report.unchanged) == (0, 24)
    assert index_job.job_of(str(photos)) is again


def test_stopped_it_keeps_what_was_encoded(
    photos: Path, tiny_bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    tell = index_job.Job._tell

    def slow(self: index_job.Job, progress: Progress) -> None:
        if progress.done:
            reached.set()
            go_on.wait(SECONDS)
        tell(self, progress)

    monkeypatch.setattr(index_job.Job, "_tell", slow)
    job = index_job.start(str(photos), str(tiny_bundle_path))
    assert reached.wait(SECONDS)
    assert index_job.start(str(photos), str(tiny_bundle_path)) is job  # not begun a second time
    job.stop()
    go_on.set()
    assert job.wait(SECONDS)
    assert (job.report, job.problem) == (None, None)
    with Gallery.open(photos) as gallery:
        kept = gallery.database.count()
        assert kept > 0
        assert gallery.index().encoded == 24 - kept


@pytest.mark.parametrize(("bundle", "reason"), [("/no/such/bundle", "bundle"), (None, "no such folder")])
def test_a_failure_is_told(tmp_path: Path, tiny_bundle_path: Path, bundle: str | None, reason: str) -> None:
    folder = tmp_path if bundle else tmp_path / "none"
    job = index_job.start(str(folder), bundle or str(tiny_bundle_path))
    assert job.wait(SECONDS)
    assert reason in str(job.problem)
