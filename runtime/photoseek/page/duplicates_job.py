"""The search for near-duplicates in the background, once for each snapshot that all sessions of the server share."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

from photoseek.errors import PhotoError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.snapshot.columns import PIXELS, TAKEN
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.thumbnail_cache import ThumbnailCache
from photoseek.search.near_duplicates import find_near_duplicates
from photoseek.search.same_picture import SamePicture
from photoseek.system.background_job import BackgroundJob

_log = logging.getLogger(__name__)

_MOST = 4  # snapshots whose groups are kept
_jobs: OrderedDict[str, DuplicatesJob] = OrderedDict()
_lock = threading.Lock()


@dataclass
class DuplicatesJob(BackgroundJob):
    """The search in one snapshot.

    Attributes:
        snapshot: The snapshot.
        gallery: Its gallery.
        thumbnails: Thumbnails of the photos, of which those with similar vectors are read.
        share: Share of the work that is done, within [0, 1].
        groups: Ids of the photos of each group, the one with the most pixels first, of equally large ones the one with
            the largest file: groups with the most photos first, then those with the newest photo. None before the job
            has ended.
        failed: Whether the job has failed; the error is logged.
    """

    thread_name = "photoseek-duplicates"

    snapshot: Snapshot
    gallery: Gallery
    thumbnails: ThumbnailCache
    share: float = 0.0
    groups: list[list[int]] | None = None
    failed: bool = False

    def _run(self) -> None:
        try:
            values, ids = self.snapshot.columns.values, self.snapshot.ids
            same = SamePicture(self._thumbnail)
            found = find_near_duplicates(self.snapshot.vectors, values[PIXELS], same, self._update)
            found.sort(key=lambda rows: (-len(rows), -int(values[TAKEN][rows].max())))
            in_groups = [photo for rows in found for photo in ids[rows].tolist()]
            size = dict(self.gallery.database.of_values("SELECT id, bytes FROM photos WHERE id IN", (), in_groups))

            def sizes(row: int) -> tuple[int, int]:
                return int(values[PIXELS][row]), size.get(int(ids[row]), 0)

            self.groups = [ids[sorted(rows.tolist(), key=sizes, reverse=True)].tolist() for rows in found]
        except Exception:
            _log.exception("cannot find near-duplicates in %s", self.snapshot.path)
            self.failed = True

    def _thumbnail(self, row: int) -> tuple[bytes, tuple[int, int]]:
        """Return the thumbnail, and width and height, of the photo of a row.

        Raises:
            PhotoError: It is no longer in the gallery, or cannot be read.
        """
        photo = int(self.snapshot.ids[row])
        stored = self.gallery.database.photos([photo], self.snapshot.manifest.fingerprint).get(photo)
        if stored is None:
            raise PhotoError("no longer in the gallery")
        thumbnail = self.thumbnails.thumbnail(self.gallery.photos.file_of(stored.path))
        return thumbnail, (stored.width, stored.height)

    def _update(self, done: int, total: int) -> None:
        self.share = done / total


def duplicates_job(opened: OpenGallery) -> DuplicatesJob:
    """Return the job of the current snapshot of a gallery, which is started unless it is known."""
    snapshot = opened.searcher.snapshot
    key = str(snapshot.path)
    with _lock:
        job = _jobs.get(key)
        if job is None or job.failed or job.snapshot.manifest != snapshot.manifest:
            job = _jobs[key] = DuplicatesJob(snapshot, opened.searcher.gallery, opened.thumbnails).start()
        _jobs.move_to_end(key)
        while len(_jobs) > _MOST:
            _jobs.popitem(last=False)
    return job
