"""Checks, repair and statistics of a gallery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from photoseek.gallery.bundles import GalleryBundles
from photoseek.gallery.database.bundles import list_bundles, prune_vectors
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.recorded import incomplete_photos
from photoseek.gallery.lock import exclusive_writer, is_writing
from photoseek.gallery.photo_check import PhotoMismatch, check_photos
from photoseek.gallery.photos import GalleryPhotos
from photoseek.gallery.snapshot.stale import stale_files
from photoseek.gallery.status import GalleryStatus, gallery_status

if TYPE_CHECKING:  # a search needs no repair: the methods import it
    from photoseek.gallery.repair import Repaired


class Maintenance:
    """The part of ``Gallery`` that checks, repairs and describes it; the attributes are those of ``Gallery``."""

    path: Path
    database: Database
    bundles: GalleryBundles
    photos: GalleryPhotos

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the primary bundle."""
        return self.database.meta()["fingerprint"]

    def prune(self) -> int:
        """Delete vectors of removed photos and of removed bundles; return how many."""
        with exclusive_writer(self.path):
            return prune_vectors(self.database, [record.fingerprint for record in self.bundles])

    def unreadable(self) -> list[tuple[str, str]]:
        """Return the path of each photo that cannot be decoded, and the reason."""
        return self.database.unreadable()

    def incomplete(self) -> list[str]:
        """Return the path of each photo whose file ends early: what can be shown of it is indexed."""
        return incomplete_photos(self.database, self.fingerprint)

    def status(self) -> GalleryStatus:
        """Return statistics of the gallery."""
        return gallery_status(self.path, self.database)

    def verify(self) -> None:
        """Verify every row of the database and every file that is derived from it.

        Raises:
            GalleryDamaged: The first problem found, and how to repair it.
        """
        from photoseek.gallery.repair import verify_gallery

        verify_gallery(self.path, self.database)

    def verify_photos(self, progress: Callable[[int, int], None] | None = None) -> list[PhotoMismatch]:
        """Read every photo, and compare its SHA-256 with that of the encoded content; nothing is written.

        Args:
            progress: Called with the number of photos read and their total, in the calling thread.

        Returns:
            Photos that are missing, unreadable or changed; index again to encode these.

        Raises:
            GalleryNotFound: The photo folder does not exist.
            PhotoSourceUnreachable: The object storage cannot be reached, or denies access.
        """
        folder = self.photos.source
        folder.check_available()
        return check_photos(self.database, folder, progress or (lambda *_: None))

    def stale_files(self) -> list[Path]:
        """Return stale files of interrupted runs, which ``index`` and ``repair`` remove; [] during indexing."""
        return [] if is_writing(self.path) else stale_files(self.path, list_bundles(self.database))

    def repair(self) -> Repaired:
        """Rebuild everything that is derived from the database, and delete its invalid rows: see ``repair_gallery``.

        Raises:
            GalleryBusy: Another process is writing this gallery.
            GalleryDamaged: The database itself cannot be read.
        """
        from photoseek.gallery.repair import repair_gallery

        bundles = self.bundles.load_all()
        with exclusive_writer(self.path):
            repaired = repair_gallery(self.path, self.database, bundles)
        self.verify()
        return repaired
