"""A larger model in the background: download, then indexing with it as an additional bundle of the gallery."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.installed_models import find_model
from photoseek.errors import ModelRefused
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.index_job import Job
from photoseek.gallery.indexing.report import IndexReport, Progress
from photoseek.models.recommendation import Recommendation
from photoseek.page import index_job
from photoseek.system.user_paths import absolute

DOWNLOAD = "download"
"""Phase of the progress in bytes."""

_MAX_EXCESS = 1.5  # size of a download, relative to what the page has shown


@dataclass(kw_only=True)
class ModelJob(Job):
    """The download of a model, unless it is installed, and the indexing of a gallery's photos with it.

    Meanwhile, the other bundles of the gallery answer queries. A stopped or failed job resumes where it was.

    Attributes:
        model: The model that the user has agreed to download.
    """

    model: Recommendation

    def work(self) -> IndexReport:
        """Download and index, and return the report."""
        bundle = Bundle.load(find_model(self.model.name) or self._download())
        with Gallery.open(self.folder, recover=True) as gallery:
            gallery.bundles.add(bundle)
            return gallery.index(bundle, progress=self.update)

    def _download(self) -> Path:
        from photoseek.models.pull import plan_pull, run_pull

        plan = plan_pull(self.model.name, self.model.precision)
        if plan.bytes > _MAX_EXCESS * 1e6 * self.model.megabytes:
            raise ModelRefused(
                f"{self.model.address}: expected {self.model.megabytes:,} MB, found {plan.bytes / 1e6:,.0f} MB; to "
                f"download it anyway, run: {self.model.pull_command}"
            )
        return run_pull(plan, lambda done, total: self.update(Progress(DOWNLOAD, done, total)))


def start(folder: str, model: Recommendation) -> Job:
    """Start to download a model and to index a gallery with it, and return the job, or the running one of the gallery.

    Args:
        folder: Folder of the gallery or of its photos.
        model: The model; a download needs the user's consent.
    """
    return index_job.begin(ModelJob(absolute(folder), model.name, model=model))
