"""A second bundle's vectors of a gallery's photos: read from the gallery, or encoded and cached in memory.

Searching writes nothing to the gallery. A bundle that is added to it is encoded once, when the gallery is indexed.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import PhotoError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.indexing.pipeline import BATCH, Content, encode
from photoseek.photos.decode import read_photo
from photoseek.system.cpu import available_cores
from photoseek.system.fork_safety import ForkAware
from photoseek.vectors import Vectors

_log = logging.getLogger(__name__)

CACHE_BYTES = 64 * 2**20
"""Maximum size of the cache in memory."""

_ENTRY_BYTES = 512  # overhead per entry: the key, the array object and the slot of the dictionary


class RerankVectors(ForkAware):
    """Vectors of a gallery's photos by one bundle, whether or not the gallery contains it.

    May be shared between threads. Two threads that need the same new photo at the same time may both encode it.
    """

    def __init__(self, gallery: Gallery, encoder: ImageEncoder) -> None:
        """Create an empty cache; the tower is loaded when a photo has to be encoded.

        Args:
            gallery: The gallery of the photos.
            encoder: Image tower of the bundle.
        """
        self.gallery = gallery
        self.encoder = encoder
        self._capacity = max(1, CACHE_BYTES // (4 * encoder.bundle.dim + _ENTRY_BYTES))
        self._cache: OrderedDict[str, Vectors] = OrderedDict()  # by SHA-256, the least recently used first
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread of the parent may have locked."""
        self._lock = threading.Lock()

    def vectors(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """Return the vectors of photos, without those that were removed or changed, or cannot be read.

        Args:
            ids: Photo ids.

        Returns:
            Unit vector (dim,) of each photo, by its id.

        Raises:
            BundleError: The image tower is needed, and damaged.
            GalleryDamaged: A stored vector is invalid.
        """
        bundle = self.encoder.bundle
        found = self.gallery.database.vectors_of(ids, bundle.fingerprint, bundle.dim)
        missing = [photo for photo in ids if photo not in found]
        if missing:
            contents = self.gallery.database.contents_of(missing)
            others = self._vectors_of({sha256: path for path, sha256 in contents.values()})
            found |= {photo: others[sha256] for photo, (_, sha256) in contents.items() if sha256 in others}
        return found

    def _vectors_of(self, paths: Mapping[str, str]) -> dict[str, Vectors]:
        """Return the vectors of contents, by SHA-256, from the cache or from a file; ``paths``: one of each content."""
        cached = self._cached(paths)
        wanted = [(sha256, path) for sha256, path in paths.items() if sha256 not in cached]
        batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
        if len(batches) > 1:
            with ThreadPoolExecutor(
                min(len(batches), available_cores()), thread_name_prefix="photoseek-rerank"
            ) as pool:
                encoded = list(pool.map(self._encode, batches))
        else:
            encoded = [self._encode(batch) for batch in batches]
        fresh = {sha256: vector for batch in encoded for sha256, vector in batch.items()}
        self._add(fresh)
        return cached | fresh

    def _encode(self, batch: Iterable[tuple[str, str]]) -> dict[str, Vectors]:
        """Encode a few photos, without those that cannot be decoded. Runs in a worker thread."""
        contents = [found for content in batch if (found := self._decode(*content)) is not None]
        # copies, because a row would keep the vectors of its batch in memory
        return {record.sha256: record.vector.copy() for record in encode(self.encoder, contents)}

    def _decode(self, sha256: str, path: str) -> Content | None:
        """Return the content at a path; None if it changed or cannot be decoded."""
        try:
            data = read_photo(self.gallery.photos.file_of(path))
            if hashlib.sha256(data).hexdigest() == sha256:
                return Content.of(data, sha256, self.encoder.bundle.preprocessing)
        except PhotoError as error:
            _log.info("%s: not encoded: %s", path, error)
        return None

    def _cached(self, wanted: Iterable[str]) -> dict[str, Vectors]:
        """Return the cached vectors of these contents, and mark them as recently used."""
        with self._lock:
            found = {sha256: self._cache[sha256] for sha256 in wanted if sha256 in self._cache}
            for sha256 in found:
                self._cache.move_to_end(sha256)
        return found

    def _add(self, fresh: Mapping[str, Vectors]) -> None:
        """Add vectors to the cache, and evict the least recently used ones."""
        with self._lock:
            self._cache.update(fresh)
            while len(self._cache) > self._capacity:
                self._cache.popitem(last=False)
