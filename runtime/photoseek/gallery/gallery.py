"""A gallery: photos of a folder, with their vectors and captions in a database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from photoseek.bundle.bundle import Bundle
from photoseek.captions import Caption
from photoseek.errors import BundleError, GalleryNotFound
from photoseek.gallery.albums import Albums
from photoseek.gallery.bundles import GalleryBundles
from photoseek.gallery.database.bundles import (
    GalleryBundle,
    primary_record,
    save_bundle,
    to_record,
)
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.excluded import exclude_settings
from photoseek.gallery.database.pixel_limit import (
    max_pixels,
    pixel_limit_settings,
    retry_refused_photos,
    retry_unreadable_photos,
)
from photoseek.gallery.database.sentences import Sentences
from photoseek.gallery.file_names import DATABASE
from photoseek.gallery.folder import create_folder, expect_database
from photoseek.gallery.location import expect_no_gallery, find_gallery, record_of, reindex_command, resolve_location
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.maintenance import Maintenance
from photoseek.gallery.photos import GalleryPhotos
from photoseek.gallery.snapshot.build import check_matches_database, index_settings
from photoseek.gallery.snapshot.snapshot import Snapshot, open_current
from photoseek.gallery.trust import Answer, Trust
from photoseek.gallery.writable import expect_writable
from photoseek.sources.local import LocalSource
from photoseek.sources.resolve import open_source
from photoseek.system.permissions import OWNER, access_of
from photoseek.system.user_paths import absolute, printable, why_no_folder
from photoseek.vector_index.registry import Engine

if TYPE_CHECKING:  # a search needs no indexing: the methods import it
    import numpy.typing as npt

    from photoseek.gallery.indexing.pipeline import EncodingBackend
    from photoseek.gallery.indexing.report import IndexReport, Progress


class Gallery(Maintenance):
    """A folder with the vectors of the photos of another folder.

    ``create``, ``open`` and ``open_or_create`` return one. It may be shared between threads. Close it with ``close``,
    or use it in a ``with`` block.

    Attributes:
        path: Its folder.
        photos: Its photo folder.
        bundles: Its primary and additional bundles.
        sentences: Its captions.
        albums: Its albums.
    """

    def __init__(self, path: Path, database: Database, trust: Answer = False) -> None:
        self.path = path
        self.database = database
        self.trust = Trust(path, trust)
        self.photos = GalleryPhotos(path, database, self.trust)
        self.bundles = GalleryBundles(path, database, self.trust)
        self.sentences = Sentences(database)
        self.albums = Albums(path, database)

    def __repr__(self) -> str:
        return f"Gallery({str(self.path)!r})"

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; the gallery and its searchers cannot be used afterward."""
        self.database.close()

    @classmethod
    def create(cls, photos: str | Path, bundle: Bundle, path: str | Path | None = None) -> Gallery:
        """Create an empty gallery for a folder of photos.

        Args:
            photos: The folder, or its address in object storage, such as ``s3://bucket/photos``.
            bundle: Encodes the photos.
            path: The folder of the gallery. None: ``.photoseek`` inside the photo folder.

        Raises:
            GalleryError: There is a gallery already, or the folder contains other files.
            GalleryNotFound: The photo folder does not exist.
            PhotoSourceUnreachable: The object storage cannot be reached, or denies access.
            QueryError: An unsupported address, or photos in object storage and no ``path``.
        """
        source = open_source(photos)
        folder = resolve_location(source, path)
        source.check_available()
        expect_no_gallery(folder)
        with expect_writable(folder):
            create_folder(folder, access_of(source.root, folder) if isinstance(source, LocalSource) else OWNER)
        meta = {"photos": record_of(source, folder), **primary_record(bundle)}
        with exclusive_writer(folder):
            expect_no_gallery(folder)
            gallery = cls(folder, Database.create(folder / DATABASE, meta))
        gallery.trust.accept_photos(source)
        gallery.trust.accept_bundle(bundle)
        return gallery

    @classmethod
    def open(cls, path: str | Path, *, recover: bool = False, trust: Answer = False) -> Gallery:
        """Open a gallery.

        Args:
            path: Its folder, or the photo folder that contains it.
            recover: Whether to complete the transaction of a killed process first. By default, nothing is written, and
                a database that cannot be read without that is reported.
            trust: Whether to use a photo folder outside the folder that contains the gallery, and bundles, that the
                gallery records and that this user has not named on this computer; what is used is recorded. A function
                is called with a question. See ``photoseek.gallery.trust``.

        Raises:
            GalleryNotFound: There is no gallery, or the path is not a valid file name.
            GalleryDamaged: Its database cannot be read, or is a symbolic link.
            GalleryIncompatible: Its format is newer than this version supports.
        """
        folder = absolute(path)
        found = find_gallery(folder)
        if found is None:
            found_instead = why_no_folder(folder)
            reason = f": {found_instead}" if found_instead else ""
            raise GalleryNotFound(
                f"no gallery at {printable(folder)}{reason}; create one with: photoseek index PHOTOS --bundle BUNDLE"
            )
        expect_database(found)
        return cls(found, Database(found / DATABASE, recover=recover), trust)

    @classmethod
    def open_or_create(
        cls,
        photos: str | Path,
        bundle: Bundle,
        path: str | Path | None = None,
        *,
        rebuild: bool = False,
        add_bundle: bool = False,
        relocate: bool = False,
        trust: Answer = False,
    ) -> Gallery:
        """Open the gallery of a photo folder, or create it.

        Args:
            photos: The folder, or its address in object storage.
            bundle: Encodes the photos.
            path: The folder of the gallery. None: ``.photoseek`` inside the photo folder.
            rebuild: Whether this bundle replaces the primary one of the gallery; ``index`` encodes every photo again.
            add_bundle: Whether to add this bundle to a gallery of another one; see ``GalleryBundles.add``.
            relocate: Whether the photos of the gallery have moved to ``photos``; see ``GalleryPhotos.relocate``.
            trust: As for ``open``. The photo folder and the bundle that are named here are always trusted.

        Raises:
            GalleryIncompatible: The gallery belongs to another bundle or to other photos.
        """
        source = open_source(photos)
        folder = resolve_location(source, path)
        if find_gallery(folder) != folder:
            return cls.create(photos, bundle, folder)
        gallery = cls.open(folder, recover=True, trust=trust)
        if relocate:
            gallery.photos.relocate(photos)
        else:
            gallery.photos.expect_same(source)
        if add_bundle:
            gallery.bundles.add(bundle)
        elif rebuild:
            gallery.bundles.set_primary(bundle)
        else:
            gallery.bundles.require(bundle)
            gallery.bundles.save_path(bundle)
        return gallery

    def expect_trust(self) -> None:
        """Raise unless the gallery's photo folder and bundles may be used.

        Raises:
            GalleryUntrusted: One of them may not.
        """
        self.trust.expect_photos(self.photos.recorded)
        for record in self.bundles:
            with suppress(BundleError):  # one that is missing or damaged is reported where it is used
                self.trust.load_bundle(record.reference, record.fingerprint)

    @property
    def reindex_command(self) -> str:
        """The command line that brings this gallery up to date."""
        return reindex_command(self.path, self.database)

    def index(
        self,
        bundle: Bundle | None = None,
        *,
        precision: str | None = None,
        progress: Callable[[Progress], None] | None = None,
        recall: float | None = None,
        engines: Collection[Engine] | None = None,
        backend: EncodingBackend | None = None,
        rehash: bool = False,
        exclude: Collection[str] | None = None,
        pixel_limit: int | None = None,
        previews: bool = False,
        retry: bool = False,
    ) -> IndexReport:
        """Update the gallery from its photo folder: encode new and changed photos with each of its bundles.

        It can be interrupted at any time: encoded photos are saved, and the next call resumes. An additional bundle
        that cannot be loaded is reported, and its vectors are left unchanged.

        Args:
            bundle: A bundle of the gallery, loaded. None: the primary one, from the path that is recorded.
            precision: Of that bundle's image tower. None: see ``GalleryBundles.image_precision``.
            progress: Called after each batch, in the calling thread.
            recall: Target recall@10 of approximate search, within (0, 1]. None: as before, at first 0.99.
            engines: Engines to build in addition to the fastest one. None: as before, at first none.
            backend: Encodes the photos, such as a ``RayBackend``. None: threads of this process.
            rehash: Whether to read every photo and compare its SHA-256, even if size, timestamps and inode are
                unchanged.
            exclude: Patterns, as in ``.gitignore``, of folders and photos to leave out, now and in later runs. None:
                as before.
            pixel_limit: Megapixels of the largest photo that is decoded; see ``MAX_PIXELS`` and ``MAX_JPEG_PIXELS`` of
                ``photoseek.photos.formats``. None: as before, at first 150.
            previews: Whether the primary bundle answers queries about the photos so far during the run, from snapshots
                that are written every few seconds.
            retry: Whether to try photos again that could not be decoded, although they have not changed.

        Raises:
            MissingExtra: The library of an engine is not installed.
            QueryError: Invalid recall, engine, pattern or limit.
            GalleryBusy: Another process is indexing this gallery.
            GalleryNotFound: The photo folder does not exist, or all of its photos have disappeared.
            GalleryIncompatible: The gallery does not contain the bundle.
            PhotoSourceUnreachable: The object storage cannot be reached, or denies access.
            IndexingError: The backend fails to encode the photos.
        """
        from photoseek.gallery.indexing.index import index_gallery

        settings = index_settings(recall, engines) | exclude_settings(exclude) | pixel_limit_settings(pixel_limit)
        bundle = bundle or self.bundles.load()
        record = self.bundles.require(bundle)
        chosen = self.bundles.image_precision(bundle, precision)
        primary = bundle if record.is_primary else self.bundles.load()
        additional = self.bundles.load_additional()
        with exclusive_writer(self.path):
            if not record.is_primary:
                additional[record.fingerprint] = bundle
                save_bundle(self.database, to_record(bundle, precision=chosen))
                self.trust.accept_bundle(bundle)
            of_primary = chosen if record.is_primary else self.bundles.image_precision(primary)
            self._record({**settings, "precision": of_primary})
            if retry:
                retry_unreadable_photos(self.database)
            places = self.path, self.database, self.photos.source, primary, additional
            return index_gallery(*places, progress=progress, backend=backend, rehash=rehash, previews=previews)

    def _record(self, settings: Mapping[str, str]) -> None:
        """Record settings of indexing; photos that a new pixel limit concerns are tried again."""
        limit_before = max_pixels(self.database)
        self.database.set_meta(**settings)
        retry_refused_photos(self.database, limit_before)

    def add_vectors(self, paths: Sequence[str], vectors: npt.ArrayLike, *, fingerprint: str) -> int:
        """Add photos with vectors that were encoded elsewhere, and return how many are new; other photos wait.

        Photos that have a vector of their content keep it. Each photo is read and decoded once.

        Args:
            paths: Paths of photos relative to the photo folder, with forward slashes.
            vectors: Unit vectors of floats, (len(paths), dim), in the order of the paths.
            fingerprint: Fingerprint of the bundle of the gallery that they come from.

        Raises:
            QueryError: Wrong shape, type or length of the vectors, or there is no photo at a path.
            GalleryIncompatible: The gallery does not contain the bundle.
            PhotoseekError: As for ``index``.
        """
        from photoseek.gallery.indexing.given_vectors import given_vectors

        bundle = self.bundles.load_exactly(fingerprint)
        backend = given_vectors(self.photos.source, self.database, bundle, paths, vectors)
        before = self.database.count_searchable(fingerprint)
        self.index(bundle, backend=backend)
        return self.database.count_searchable(fingerprint) - before

    def add_captions(
        self,
        captions: Iterable[Caption],
        bundle: Bundle | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Add captions to describe photos with; return how many were new.

        It can be interrupted at any time: encoded captions are saved, and the next call resumes.

        Args:
            captions: The photos that they name need not exist; paths are relative to the photo folder.
            bundle: A bundle of the gallery, loaded. None: the primary one, from the path that is recorded.
            progress: Called after each batch.

        Raises:
            GalleryBusy: Another process is writing this gallery.
            GalleryIncompatible: The gallery does not contain the bundle.
        """
        from photoseek.gallery.indexing.encode import encode_sentences

        bundle = bundle or self.bundles.load()
        self.bundles.require(bundle)
        encoding = {bundle.fingerprint: bundle, **self.bundles.load_additional()}
        with exclusive_writer(self.path):
            added = self.sentences.add(captions)
            for each in encoding.values():
                if isinstance(each, Bundle):  # ``index`` encodes them with the others once these can be loaded
                    encode_sentences(self.sentences, each, progress or (lambda _: None))
        return added

    def generation(self, record: GalleryBundle | None = None, opened: Snapshot | None = None) -> Snapshot:
        """Open the snapshot that answers queries with the primary bundle, or with another one of the gallery.

        Args:
            record: The other bundle.
            opened: See ``open_current``.

        Raises:
            GalleryDamaged: It is damaged, or was built from another database.
            GalleryError: See ``open_current``.
        """
        snapshot = open_current(self.path if record is None else record.folder(self.path), opened)
        check_matches_database(snapshot, self.database)
        return snapshot
