"""A larger model in the background: download, indexing, stop and resume, and failures that can be tried again."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import huggingface_hub.constants
import pytest

from hub_server import Hub
from photoseek import Gallery, Searcher
from photoseek.gallery.indexing.report import Progress
from photoseek.models.recommendation import recommended_model
from photoseek.page import index_job, model_job
from photoseek.page.model_job import ModelJob

SECONDS = 120
MODEL = recommended_model("en")


@dataclass(kw_only=True)
class PausedJob(ModelJob):
    """A job that pauses in a phase."""

    phase: str
    reached: threading.Event = field(default_factory=threading.Event)
    proceed: threading.Event = field(default_factory=threading.Event)

    def update(self, progress: Progress) -> None:
        if progress.phase == self.phase and progress.done:
            self.reached.set()
            self.proceed.wait(SECONDS)
        super().update(progress)


def searchable(photos: Path) -> dict[str, int]:
    """Return the number of searchable photos by bundle, of those that are indexed."""
    with Gallery.open(photos) as gallery:
        status = gallery.status()
    return {each.bundle: each.searchable for each in (status, *status.additional) if each.generation}


@pytest.mark.parametrize("phase", ["download", "encode"])
def test_the_first_bundle_answers_meanwhile_and_a_stopped_job_resumes(small: Path, hub: Hub, phase: str) -> None:
    job = PausedJob(small, MODEL.name, model=MODEL, phase=phase)
    assert index_job.begin(job) is job
    assert job.reached.wait(SECONDS), job.error
    assert model_job.start(str(small), MODEL) is job
    assert index_job.start(str(small), "demo") is job
    with Gallery.open(small) as gallery:
        assert len(Searcher(gallery).search("a red picture", k=5)) == 5
    job.stop()
    job.proceed.set()
    assert job.wait(SECONDS)
    assert (job.report, job.error) == (None, None)
    assert searchable(small) == {"photoseek-demo": 24}
    again = model_job.start(str(small), MODEL)
    assert again.wait(SECONDS)
    assert again.report is not None, again.error
    assert searchable(small) == {"photoseek-demo": 24, MODEL.name: 24}
    assert len(hub.downloaded()) == len(set(hub.downloaded()))
    with Gallery.open(small) as gallery:
        found = Searcher(gallery, bundle=gallery.bundles.load(MODEL.name)).search("red", k=4)
    assert {hit.path.partition("/")[0] for hit in found} == {"red"}


def test_an_installed_model_is_not_downloaded_again(small: Path, hub: Hub) -> None:
    assert model_job.start(str(small), MODEL).wait(SECONDS)
    assert MODEL.is_installed
    with Gallery.open(small) as gallery:
        assert gallery.bundles.remove(MODEL.name) == 24
    hub.requests.clear()
    assert model_job.start(str(small), MODEL).wait(SECONDS)
    assert searchable(small) == {"photoseek-demo": 24, MODEL.name: 24}
    assert hub.requests == []


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (401, {}, "set HF_TOKEN"),
        (404, {"X-Error-Code": "RepoNotFound"}, "expected a repository, found none"),
        (429, {"Retry-After": "12"}, "wait 12 seconds, or set HF_TOKEN, then try again"),
    ],
)
def test_a_refusal_of_the_hub_is_the_error_and_another_try_succeeds(
    small: Path, hub: Hub, status: int, headers: dict[str, str], reason: str
) -> None:
    hub.statuses[MODEL.repository] = (status, headers)
    job = model_job.start(str(small), MODEL)
    assert job.wait(SECONDS)
    assert reason in str(job.error)
    assert searchable(small) == {"photoseek-demo": 24}
    hub.statuses.clear()
    again = model_job.start(str(small), MODEL)
    assert again.wait(SECONDS)
    assert again.error is None


def test_without_a_network_the_error_says_what_to_do(small: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as offline:
        offline.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        job = model_job.start(str(small), MODEL)
        assert job.wait(SECONDS)
    assert "unset HF_HUB_OFFLINE" in str(job.error)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    job = model_job.start(str(small), MODEL)
    assert job.wait(SECONDS)
    assert "cannot be reached" in str(job.error)
    assert hub.requests == []


def test_a_full_disk_is_the_error(small: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    job = model_job.start(str(small), MODEL)
    assert job.wait(SECONDS)
    assert "of free space, found 0.0 MB; free some, or set PHOTOSEEK_MODELS" in str(job.error)
    assert hub.downloaded() == []


def test_a_download_that_is_larger_than_shown_is_refused(small: Path, hub: Hub) -> None:
    job = model_job.start(str(small), replace(MODEL, megabytes=0))
    assert job.wait(SECONDS)
    assert "expected 0 MB, found" in str(job.error)
    assert hub.downloaded() == []
