"""A collection of photos on disk, and its vectors."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.captions import Caption
from photoseek.errors import (
    BundleError,
    GalleryError,
    GalleryIncompatible,
    GalleryNotFound,
    PhotoseekError,
    QueryError,
)
from photoseek.gallery.bundles import GalleryBundles, primary_record
from photoseek.gallery.database.bundles import GalleryBundle, save_bundle, to_record
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.sentences import Sentences
from photoseek.gallery.file_names import DATABASE
from photoseek.gallery.folder import create_folder, expect_database
from photoseek.gallery.indexing.index import IndexReport, Progress, encode_sentences, index_gallery
from photoseek.gallery.indexing.pipeline import EncodingBackend
from photoseek.gallery.lock import exclusive_writer as exclusive_writer
from photoseek.gallery.lock import is_writing
from photoseek.gallery.photo_check import PhotoMismatch, check_photos
from photoseek.gallery.repair import Repaired, repair_gallery, verify_gallery
from photoseek.gallery.snapshot.build import check_matches_database, database_state
from photoseek.gallery.snapshot.current import current_id
from photoseek.gallery.snapshot.snapshot import Snapshot, open_current
from photoseek.gallery.snapshot.stale import stale_files
from photoseek.gallery.status import GalleryStatus, secondary_status
from photoseek.gallery.trust import Answer, Trust
from photoseek.photos.photo_file import PhotoFile
from photoseek.sources.base import PhotoSource
from photoseek.sources.local import LocalSource
from photoseek.sources.resolve import open_source, source_from_record
from photoseek.system.filenames import decode_filename
from photoseek.system.permissions import OWNER, access_of
from photoseek.system.user_paths import absolute, shown, why_no_folder

FOLDER = ".photoseek"
"""The gallery's folder inside the photo folder, unless another place is named."""


class Gallery(GalleryBundles):
    """A folder that knows the photos of another folder, and the vector of each.

    Get one from ``create``, ``open`` or ``open_or_create``. It may be shared between threads, and is
    closed by ``close`` or at the end of a ``with`` block.
    """

    def __init__(self, path: Path, database: Database, trust: Answer = False) -> None:
        self.path = path
        self.trust = Trust(path, trust)
        self.database = database
        self.sentences = Sentences(database)

    def __repr__(self) -> str:
        return f"Gallery({str(self.path)!r})"

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; the gallery and its searchers are of no use afterwards."""
        self.database.close()

    @classmethod
    def create(cls, photos: str | Path, bundle: Bundle, path: str | Path | None = None) -> Gallery:
        """Make an empty gallery for a folder of photos.

        Args:
            photos: The folder, or its address in object storage, such as ``s3://bucket/photos``.
            bundle: What will encode the photos.
            path: Where the gallery lies. None: in ``.photoseek`` inside the photo folder.

        Raises:
            GalleryError: There is a gallery already, or other files are in its folder.
            GalleryNotFound: There is no such folder of photos.
            PhotoSourceUnreachable: The object storage cannot be reached, or refuses.
            QueryError: An address of another kind; photos in object storage, and no ``path``.
        """
        source = open_source(photos)
        folder = _resolve_location(source, path)
        source.check_available()
        _expect_none(folder)
        create_folder(folder, access_of(source.root, folder) if isinstance(source, LocalSource) else OWNER)
        meta = {"photos": _stored(source, folder), **primary_record(bundle)}
        with exclusive_writer(folder):
            _expect_none(folder)
            gallery = cls(folder, Database.create(folder / DATABASE, meta))
        gallery.trust.accept_photos(source)
        gallery.trust.accept_bundle(bundle)
        return gallery

    @classmethod
    def open(cls, path: str | Path, *, recover: bool = False, trust: Answer = False) -> Gallery:
        """Open a gallery by its own folder, or by the photo folder that holds it.

        Args:
            path: Of either folder.
            recover: Whether to complete first what a killed process left unfinished in the database. Without it nothing
                is written; where such a database cannot be read, the error says so.
            trust: Whether to use photos outside the folder that contains the gallery, and bundles, that the gallery
                records and that this user has not named on this computer; what is used is remembered. A function is
                called with a question. See ``photoseek.gallery.trust``.

        Raises:
            GalleryNotFound: There is none; this holds for any text, even one that cannot name a folder.
            GalleryDamaged: Its database cannot be read, or is a symbolic link.
            GalleryIncompatible: Its format is newer than this version's.
        """
        folder = absolute(path)
        found = find_gallery(folder)
        if found is None:
            found_instead = why_no_folder(folder)
            reason = f": {found_instead}" if found_instead else ""
            raise GalleryNotFound(
                f"no gallery at {shown(folder)}{reason}; make one with: photoseek index PHOTOS --bundle BUNDLE"
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
        """Open the gallery of a photo folder, or make it.

        Args:
            photos: The folder, or its address in object storage.
            bundle: What encodes the photos.
            path: Where the gallery lies. None: in ``.photoseek`` inside the photo folder.
            rebuild: Whether a gallery of another bundle goes over to this one, every photo encoded anew.
            add_bundle: Whether a gallery of another bundle takes this one in beside its own; see ``add_bundle``.
            relocate: Whether the photos of the gallery lie in ``photos`` now; see ``relocate``.
            trust: As for ``open``. The photo folder and the bundle that are named here are always trusted.

        Raises:
            GalleryIncompatible: The gallery belongs to another bundle or to other photos.
        """
        source = open_source(photos)
        folder = _resolve_location(source, path)
        if find_gallery(folder) != folder:
            return cls.create(photos, bundle, folder)
        gallery = cls.open(folder, recover=True, trust=trust)
        if relocate:
            gallery.relocate(photos)
        elif not (before := gallery.recorded_folder).same_as(source):
            gone = isinstance(before, LocalSource) and not before.root.is_dir()
            there = ", which is not there now" if gone else ""
            raise GalleryIncompatible(
                f"{folder}: belongs to the photos in {before.address}{there}, not in {source.address}; "
                "if they have moved, add --relocate, and no photo is encoded again; else name another --gallery"
            )
        else:
            gallery.trust.accept_photos(before)
        if add_bundle:
            gallery.add_bundle(bundle)
        elif rebuild:
            gallery._save_primary(bundle)
        else:
            gallery.check_bundle(bundle)
            gallery.save_bundle_path(bundle)
        return gallery

    @property
    def photo_folder(self) -> PhotoSource:
        """Where the photos lie: a folder of this machine, or a prefix of a bucket.

        Raises:
            GalleryUntrusted: The gallery records a place elsewhere that this user has not named.
        """
        folder = self.recorded_folder
        self.trust.expect_photos(folder)
        return folder

    @property
    def recorded_folder(self) -> PhotoSource:
        """What the gallery records as its photo folder, trusted or not: to name it, not to read in it."""
        return source_from_record(self.database.meta()["photos"], self.path)

    def expect_trust(self) -> None:
        """Make sure that the gallery's photo folder and each of its bundles may be used.

        Raises:
            GalleryUntrusted: One of them may not.
        """
        self.trust.expect_photos(self.recorded_folder)
        for held in self.bundles():
            with suppress(BundleError):  # one that is missing or damaged is reported where it is used
                self.trust.load_bundle(held.reference, held.fingerprint)

    @property
    def photos_root(self) -> Path:
        """The folder of photos.

        Raises:
            GalleryError: They lie in object storage; see ``photo_folder``.
        """
        folder = self.photo_folder
        if not isinstance(folder, LocalSource):
            raise GalleryError(f"{self.path}: expected photos in a folder of this machine, found {folder.address}")
        return folder.root

    @property
    def reindex_command(self) -> str:
        """What brings this gallery up to date, on a command line."""
        folder = self.recorded_folder
        beside = isinstance(folder, LocalSource) and self.path == folder.root / FOLDER
        return f"photoseek index {folder.address}" + ("" if beside else f" --gallery {self.path}")

    def file_of(self, path: str) -> PhotoFile:
        """Where the photo of a path lies, as hits have it in ``Hit.path``."""
        return self.photo_folder.photo_file(path)

    def relocate(self, photos: str | Path) -> None:
        """Say that the photos lie in another folder now, or in object storage; all that is known of them is kept.

        Raises:
            GalleryNotFound: There is no such folder, or not one of the gallery's photos is in it.
            PhotoSourceUnreachable: The object storage cannot be reached, or refuses.
            GalleryBusy: Another process is writing this gallery.
        """
        source = open_source(photos)
        known = self.database.paths()
        source.check_available()
        if known and not source.contains_any(known):
            raise GalleryNotFound(
                f"{source.address}: expected the photos that were in {self.recorded_folder.address}, such as "
                f"{min(known)}, found none of {len(known):,}; name the folder that they have moved to"
            )
        with exclusive_writer(self.path):
            self.database.set_meta(photos=_stored(source, self.path))
        self.trust.accept_photos(source)

    def index(
        self,
        bundle: Bundle | None = None,
        *,
        precision: str | None = None,
        progress: Callable[[Progress], None] | None = None,
        recall: float | None = None,
        backend: EncodingBackend | None = None,
        rehash: bool = False,
    ) -> IndexReport:
        """Bring the gallery up to date with its folder: only what is new or changed is encoded, by each of its bundles.

        Interrupt it when you like: what was encoded is kept, and the next call goes on from there. A bundle beside the
        gallery's own that is not where it lay is told in the report, and left as it is.

        Args:
            bundle: One that the gallery holds. None: its own, from where it lay.
            precision: Of that bundle's image tower. None: see ``image_precision``.
            progress: Called after each batch, in the calling thread.
            recall: Share of the true ten best, within (0, 1], that approximate search has to find; it is measured on
                this gallery. None: as before, at first 0.99.
            backend: What encodes the photos, such as a ``RayBackend``. None: threads of
                this process.
            rehash: Whether every photo is read and its SHA-256 compared, also where size, timestamps and inode are as
                they were; photos whose content changed are encoded.

        Raises:
            QueryError: Invalid recall.
            GalleryBusy: Another process is indexing this gallery.
            GalleryNotFound: The photo folder is gone, or holds no photo where it held some before.
            GalleryIncompatible: The gallery does not hold the bundle.
            PhotoSourceUnreachable: The object storage with the photos cannot be reached, or refuses.
            IndexingError: The backend fails to encode the photos.
        """
        if recall is not None and not 0 < recall <= 1:
            raise QueryError(f"recall: expected a share within (0, 1], found {recall}")
        bundle = bundle or self.load_bundle()
        held = self.check_bundle(bundle)
        chosen = self.image_precision(bundle, precision)
        own, further = bundle if held.own else self.load_bundle(), self._load_additional()
        with exclusive_writer(self.path):
            if not held.own:
                further[held.fingerprint] = bundle
                save_bundle(self.database, to_record(bundle, precision=chosen))
                self.trust.accept_bundle(bundle)
            self.database.set_meta(precision=chosen if held.own else self.image_precision(own))
            return index_gallery(
                self.path, self.database, self.photo_folder, own, further, progress, recall, backend, rehash=rehash
            )

    def add_captions(
        self,
        captions: Iterable[Caption],
        bundle: Bundle | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Keep captions, so that photos can be described with them; tells how many were new.

        Interrupt it when you like: what was encoded is kept, and the next call goes on from there.

        Args:
            captions: With the names of their photos, as paths inside the photo folder; those need not be there.
            bundle: As at creation. None: ``load_bundle``.
            progress: Called after each batch.

        Raises:
            GalleryBusy: Another process is writing this gallery.
            GalleryIncompatible: The bundle is not the gallery's.
        """
        bundle = bundle or self.load_bundle()
        self.check_bundle(bundle)
        encoding = {bundle.fingerprint: bundle, **self._load_additional()}
        with exclusive_writer(self.path):
            added = self.sentences.add(captions)
            for each in encoding.values():
                if isinstance(each, Bundle):  # another one gets them by the next indexing, once it is there
                    encode_sentences(self.sentences, each, progress or (lambda _: None))
        return added

    def prune(self) -> int:
        """Forget vectors of photos that are gone and of bundles that the gallery does not hold; tells how many."""
        with exclusive_writer(self.path):
            return self.database.prune([held.fingerprint for held in self.bundles()])

    def generation(self, held: GalleryBundle | None = None) -> Snapshot:
        """What answers queries now, with the gallery's own bundle or another one that it holds.

        Raises:
            GalleryDamaged: It is not what it should be, or was made from another database.
            GalleryError: See ``open_current``.
        """
        generation = open_current(self.path if held is None else held.folder(self.path))
        check_matches_database(generation, self.database)
        return generation

    def unreadable(self) -> list[tuple[str, str]]:
        """Path and reason of each photo that cannot be decoded."""
        return self.database.unreadable()

    def status(self) -> GalleryStatus:
        """What is in the gallery."""
        meta = self.database.meta()
        name = current_id(self.path)
        generation = self.generation() if name else None
        manifest = generation.manifest if generation else None
        shown = database_state(self.database, meta["fingerprint"])
        return GalleryStatus(
            path=decode_filename(str(self.path)),
            photos_root=decode_filename(self.recorded_folder.address),
            photos=self.database.count(),
            searchable=self.database.count_searchable(meta["fingerprint"]),
            unreadable=len(self.unreadable()),
            captions=self.sentences.count(),
            bundle=meta["bundle_name"],
            fingerprint=meta["fingerprint"],
            dim=int(meta["dim"]),
            recall=manifest.tuning.recall_of("auto") if manifest else None,
            search={**asdict(manifest.tuning), "auto": manifest.tuning.fastest} if manifest else None,
            generation=name,
            fresh=manifest is not None and (manifest.revision, manifest.state) == (shown.revision, shown.state),
            damaged=generation.damaged() if generation else [],
            bytes=sum(map(_size, self.path.rglob("*"))),
            beside=[secondary_status(self.path, self.database, held) for held in self.bundles()[1:]],
        )

    def verify(self) -> None:
        """Check the database, row by row, and every derived file.

        Raises:
            GalleryDamaged: The first thing that is wrong, and its cure.
        """
        verify_gallery(self.path, self.database)

    def verify_photos(self, progress: Callable[[int, int], None] | None = None) -> list[PhotoMismatch]:
        """Read every photo, and compare its SHA-256 with that of the content that was encoded; nothing is written.

        Args:
            progress: Called with the number of photos that were read and their total, in the calling thread.

        Returns:
            The photos that are missing, cannot be read or have another content; index again to encode these.

        Raises:
            GalleryNotFound: The photo folder does not exist.
            PhotoSourceUnreachable: The object storage cannot be reached, or refuses.
        """
        folder = self.photo_folder
        folder.check_available()
        return check_photos(self.database, folder, progress or (lambda *_: None))

    def stale_files(self) -> list[Path]:
        """Return stale files of interrupted runs, which ``index`` and ``repair`` remove; [] during indexing."""
        return [] if is_writing(self.path) else stale_files(self.path, self.bundles())

    def repair(self) -> Repaired:
        """Make the gallery whole again without encoding a photo: see ``repair_gallery``.

        Raises:
            GalleryBusy: Another process is writing this gallery.
            GalleryDamaged: The database itself cannot be read, and so not be repaired.
        """
        bundles = self._load_additional()
        try:
            bundles[self.fingerprint] = self.load_bundle()
        except PhotoseekError as error:
            bundles[self.fingerprint] = str(error)
        with exclusive_writer(self.path):
            repaired = repair_gallery(self.path, self.database, bundles)
        self.verify()
        return repaired


def find_gallery(folder: Path) -> Path | None:
    """The folder of the gallery that a folder is or holds; None for any path that cannot be looked at."""
    places = (folder, folder / FOLDER)
    return next((place for place in places if os.path.isfile(place / DATABASE)), None)


def _expect_none(folder: Path) -> None:
    if (folder / DATABASE).is_file():
        raise GalleryError(f"{folder}: there is a gallery already; open it with Gallery.open")


def _resolve_location(source: PhotoSource, path: str | Path | None) -> Path:
    """Where the gallery lies; the photo folder itself stands for the folder inside it, as in ``Gallery.open``."""
    if not isinstance(source, LocalSource):
        if path is None:
            raise QueryError(
                f"{source.address}: expected --gallery DIR as well, a folder of this machine: a gallery of photos in "
                "object storage does not lie beside them"
            )
        return absolute(path)
    folder = source.root if path is None else absolute(path)
    return source.root / FOLDER if folder == source.root else folder


def _stored(source: PhotoSource, folder: Path) -> str:
    """How a gallery remembers its photo folder: by the way to it where it lies inside, so that both may move."""
    if not isinstance(source, LocalSource):
        return source.address
    return decode_filename(
        os.path.relpath(source.root, folder) if folder.is_relative_to(source.root) else str(source.root)
    )


def _size(file: Path) -> int:
    """Bytes of a file; 0 of what is none, or has gone meanwhile."""
    try:
        status = file.lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
