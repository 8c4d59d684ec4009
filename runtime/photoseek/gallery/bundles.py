"""The bundles of a gallery: its primary bundle, and additional ones that are searched separately."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryIncompatible, PhotoseekError
from photoseek.gallery.database.bundles import (
    GalleryBundle,
    delete_bundle,
    list_bundles,
    primary_record,
    save_bundle,
    set_primary,
    to_record,
)
from photoseek.gallery.database.database import Database
from photoseek.gallery.location import reindex_command
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.snapshot.stale import remove_stale_files
from photoseek.gallery.trust import Trust
from photoseek.system.user_paths import absolute


class GalleryBundles:
    """The bundles whose vectors a gallery contains; iteration yields the primary one first, then the others by name."""

    def __init__(self, gallery: Path, database: Database, trust: Trust) -> None:
        self._gallery = gallery
        self._database = database
        self._trust = trust

    def __iter__(self) -> Iterator[GalleryBundle]:
        return iter(list_bundles(self._database))

    @property
    def primary(self) -> GalleryBundle:
        """The bundle that answers queries unless another one is named."""
        return next(iter(self))

    def get(self, bundle: Bundle | str) -> GalleryBundle | None:
        """Return the record of a bundle, or of a fingerprint; None if the gallery does not contain it."""
        fingerprint = bundle if isinstance(bundle, str) else bundle.fingerprint
        return next((record for record in self if record.fingerprint == fingerprint), None)

    def require(self, bundle: Bundle) -> GalleryBundle:
        """Return the record of a bundle.

        Raises:
            GalleryIncompatible: The gallery does not contain it.
        """
        if (record := self.get(bundle)) is not None:
            return record
        primary = self.primary
        raise GalleryIncompatible(
            f"gallery has {primary.dim}-d vectors of bundle {primary.name!r} ({primary.fingerprint[:12]}), but "
            f"bundle {bundle.name!r} ({bundle.fingerprint[:12]}) makes different {bundle.dim}-d ones; re-index with: "
            f"{reindex_command(self._gallery, self._database)} --bundle {bundle.path} --rebuild, or with --add-bundle "
            "instead to keep both"
        )

    def load(self, name: str | Path | None = None) -> Bundle:
        """Load a bundle from the path that is recorded for it.

        Args:
            name: A bundle folder, ``demo``, or the name or the first eight or more characters of the fingerprint of a
                bundle of the gallery. None: the primary bundle.

        Raises:
            BundleError: There is no bundle at its path, or it is damaged.
            GalleryIncompatible: Another bundle is at its path.
            GalleryUntrusted: The gallery records a bundle that this user has not named on this computer.
        """
        record = self.primary if name is None else next((each for each in self if each.matches(str(name))), None)
        if record is None or (name is not None and os.path.isdir(absolute(name))):
            return Bundle.load(str(name))
        bundle = self._trust.load_bundle(record.reference, record.fingerprint)
        if bundle.fingerprint != record.fingerprint:
            if record.is_primary:
                self.require(bundle)
            raise GalleryIncompatible(
                f"{bundle.path}: expected bundle {record.name!r} ({record.fingerprint[:12]}), found {bundle.name!r} "
                f"({bundle.fingerprint[:12]}); name the folder that contains it now"
            )
        return bundle

    def load_exactly(self, fingerprint: str) -> Bundle:
        """Load the bundle with a fingerprint.

        Raises:
            BundleError: As for ``load``.
            GalleryIncompatible: The gallery does not contain it.
        """
        if self.get(fingerprint) is None:
            names = ", ".join(f"{record.name!r} ({record.fingerprint[:12]}...)" for record in self)
            raise GalleryIncompatible(
                f"expected the fingerprint of a bundle of the gallery, {names}, found {fingerprint!r:.80}"
            )
        return self.load(fingerprint)

    def load_additional(self) -> dict[str, Bundle | str]:
        """Load each additional bundle, by its fingerprint; a str is the reason why one cannot be loaded."""
        return {record.fingerprint: self._load_or_reason(record) for record in self if not record.is_primary}

    def load_all(self) -> dict[str, Bundle | str]:
        """Load each bundle, as ``load_additional``."""
        return {record.fingerprint: self._load_or_reason(record) for record in self}

    def _load_or_reason(self, record: GalleryBundle) -> Bundle | str:
        try:
            return self.load(record.fingerprint)
        except PhotoseekError as error:
            return str(error)

    def add(self, bundle: Bundle, *, precision: str | None = None) -> GalleryBundle:
        """Add a bundle; ``Gallery.index`` encodes every photo with it, and keeps it current.

        Args:
            bundle: Of any dimension.
            precision: Precision of its image tower. None: the fastest on this CPU.

        Raises:
            BundleIncompatible: The bundle lacks the precision.
            GalleryBusy: Another process is writing this gallery.
        """
        record = self.get(bundle)
        before = record.precision if record and record.precision in bundle.precisions else None
        chosen = bundle.select_precision(precision or before)
        if record is None or not record.is_primary:
            with exclusive_writer(self._gallery):
                save_bundle(self._database, to_record(bundle, precision=chosen))
        self.save_path(bundle)
        return self.require(bundle)

    def remove(self, bundle: Bundle | str) -> int:
        """Remove an additional bundle and its vectors, and return how many photos had one.

        Args:
            bundle: The bundle, its folder, or its name or fingerprint as for ``load``.

        Raises:
            GalleryIncompatible: The gallery does not contain it, or it is the primary bundle.
            GalleryBusy: Another process is writing this gallery.
        """
        record = self._find(bundle)
        if record.is_primary:
            raise GalleryIncompatible(
                f"bundle {record.name!r} is the gallery's primary bundle and cannot be removed; to switch bundles, "
                f"run: {reindex_command(self._gallery, self._database)} --bundle BUNDLE --rebuild"
            )
        with exclusive_writer(self._gallery):
            deleted = delete_bundle(self._database, record.fingerprint)
            remove_stale_files(self._gallery, list_bundles(self._database))
        return deleted

    def set_primary(self, bundle: Bundle) -> None:
        """Make a bundle the primary one; if it was an additional one, it keeps its vectors and precision.

        Raises:
            GalleryBusy: Another process is writing this gallery.
        """
        self._trust.accept_bundle(bundle)
        facts = primary_record(bundle)
        if not facts.items() <= self._database.meta().items():
            with exclusive_writer(self._gallery):
                set_primary(self._database, self.get(bundle) or to_record(bundle), facts)

    def save_path(self, bundle: Bundle) -> None:
        """Record the path and the name of a bundle of the gallery, if they have changed.

        Raises:
            GalleryBusy: Another process is writing this gallery.
        """
        if (record := self.get(bundle)) is None:
            return
        if record.is_primary:
            self.set_primary(bundle)
            return
        self._trust.accept_bundle(bundle)
        if (record.reference, record.name) != (bundle.reference, bundle.name):
            with exclusive_writer(self._gallery):
                save_bundle(self._database, to_record(bundle, precision=record.precision))

    def image_precision(self, bundle: Bundle, precision: str | None = None) -> str:
        """Return the precision of a bundle's image tower.

        Args:
            bundle: A bundle, in the gallery or not.
            precision: The requested one. None: the one that encoded the photos so far, or in a new gallery the fastest
                on this CPU.

        Raises:
            BundleIncompatible: The bundle lacks the requested precision.
        """
        record = self.get(bundle)
        if record is not None and not record.is_primary:
            before: str | None = record.precision
        else:
            default = bundle.precisions[0] if self._database.count() else None
            before = self._database.meta().get("precision", default)
        return bundle.select_precision(precision or (before if before in bundle.precisions else None))

    def _find(self, bundle: Bundle | str) -> GalleryBundle:
        """Return the record of a bundle by any of its names."""
        name = bundle.fingerprint if isinstance(bundle, Bundle) else bundle
        place = str(absolute(name))
        for record in self:
            if record.matches(name) or record.reference == place:
                return record
        names = ", ".join(repr(record.name) for record in self)
        raise GalleryIncompatible(f"expected a bundle of the gallery, one of {names}; found {name!r}")
