"""The vectors that a second bundle has of a gallery's photos: those that are kept, and the others made now and kept.

They are kept in the gallery's database, where indexing puts them, unless that cannot be written: it is read-only, or
being indexed by another process. Then they are kept in memory, and put there at the next chance.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import GalleryError, PhotoError
from photoseek.gallery.database.bundles import save_bundle, to_record
from photoseek.gallery.database.database import ContentRecord
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.indexing.pipeline import BATCH, Content, encode
from photoseek.gallery.lock import exclusive_writer
from photoseek.photos.decode import read_photo
from photoseek.system.cpu import available_cores
from photoseek.system.fork_safety import ForkAware
from photoseek.vectors import Vectors

_log = logging.getLogger(__name__)

_IN_MEMORY = 50_000  # vectors: some KB each


class RerankVectors(ForkAware):
    """Looks at photos of a gallery with the image tower of a bundle. May be shared between threads."""

    def __init__(self, gallery: Gallery, encoder: ImageEncoder) -> None:
        """``encoder``: of the bundle, which the gallery may hold or not."""
        self.gallery = gallery
        self.encoder = encoder
        self._unkept: dict[str, ContentRecord] = {}
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock."""
        self._lock = threading.Lock()

    def vectors(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """The unit vector (dim,) of each photo; none of one that is gone, cannot be read, or is another picture now.

        Raises:
            BundleError: The image tower is needed, and damaged.
            GalleryDamaged: A kept vector is none.
        """
        bundle = self.encoder.bundle
        found = self.gallery.database.vectors_of(ids, bundle.fingerprint, bundle.dim)
        missing = [photo for photo in ids if photo not in found]
        if missing:
            contents = self.gallery.database.contents_of(missing)
            made = self._made({sha256: path for path, sha256 in contents.values()})
            found |= {photo: made[sha256].vector for photo, (_, sha256) in contents.items() if sha256 in made}
        return found

    def _made(self, paths: dict[str, str]) -> dict[str, ContentRecord]:
        """What is made of contents that have no vector in the database, by their SHA-256, each at one of its paths."""
        with self._lock:
            made = {sha256: self._unkept[sha256] for sha256 in paths if sha256 in self._unkept}
        wanted = [(sha256, path) for sha256, path in paths.items() if sha256 not in made]
        parts = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
        if len(parts) > 1:
            with ThreadPoolExecutor(min(len(parts), available_cores()), thread_name_prefix="photoseek-look") as pool:
                looked = list(pool.map(self._look, parts))
        else:
            looked = [self._look(part) for part in parts]
        fresh = {record.sha256: record for part in looked for record in part}
        if fresh:
            self._keep(fresh)
        return made | fresh

    def _look(self, part: Iterable[tuple[str, str]]) -> list[ContentRecord]:
        """Decode and encode a few photos, without those that cannot be decoded. Runs in a worker thread."""
        return encode(self.encoder, [found for content in part if (found := self._decode(*content)) is not None])

    def _decode(self, sha256: str, path: str) -> Content | None:
        """Return the content at a path; None where it is another one now, or cannot be decoded."""
        try:
            data = read_photo(self.gallery.file_of(path))
            if hashlib.sha256(data).hexdigest() == sha256:
                return Content.of(data, sha256, self.encoder.bundle.preprocessing)
        except PhotoError as error:
            _log.info("%s: not encoded: %s", path, error)
        return None

    def _keep(self, fresh: dict[str, ContentRecord]) -> None:
        """In the database, with what could not be put there before; else in memory."""
        with self._lock:
            records = [*self._unkept.values(), *fresh.values()]
            try:
                self._put(records)
                self._unkept.clear()
            except (GalleryError, OSError) as error:  # OSError: the lock cannot be written
                _log.debug("kept in memory: %s", error)
                self._unkept = {record.sha256: record for record in records[-_IN_MEMORY:]}

    def _put(self, records: Sequence[ContentRecord]) -> None:
        """As the only writer: an indexing that runs counts what is there."""
        database, bundle = self.gallery.database, self.encoder.bundle
        with exclusive_writer(self.gallery.path), database.transaction():
            if self.gallery.held(bundle) is None:  # so that the vectors are told of, and not pruned
                save_bundle(database, to_record(bundle, precision=self.encoder.precision, whole=False))
                self.gallery.trust.accept_bundle(bundle)
            database.save_contents(bundle.fingerprint, records)
