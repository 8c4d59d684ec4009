"""What a gallery has to do with bundles: which it holds, taking one in beside its own, letting one go."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryIncompatible, PhotoseekError
from photoseek.gallery.database.bundles import (
    GalleryBundle,
    delete_bundle,
    list_bundles,
    save_bundle,
    set_primary,
    to_record,
)
from photoseek.gallery.database.database import Database
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.snapshot.stale import remove_stale_files
from photoseek.gallery.trust import Trust
from photoseek.system.user_paths import absolute


class GalleryBundles(ABC):
    """The part of a ``Gallery`` that is about its bundles."""

    path: Path
    database: Database
    trust: Trust

    @property
    @abstractmethod
    def reindex_command(self) -> str:
        """What indexes this gallery again, to stand in a message."""

    @property
    def fingerprint(self) -> str:
        """Of the gallery's own bundle."""
        return self.database.meta()["fingerprint"]

    def bundles(self) -> tuple[GalleryBundle, ...]:
        """The bundles whose vectors are here: the gallery's own first, then those that were taken in beside it."""
        return list_bundles(self.database)

    def held(self, bundle: Bundle | str) -> GalleryBundle | None:
        """What is known of a bundle, or of a fingerprint; None where the gallery does not hold it."""
        fingerprint = bundle if isinstance(bundle, str) else bundle.fingerprint
        return next((held for held in self.bundles() if held.fingerprint == fingerprint), None)

    def load_bundle(self, name: str | Path | None = None) -> Bundle:
        """A bundle that the gallery holds, from where it lay when it was last named.

        Args:
            name: A bundle's folder, ``demo``, or what the gallery knows it by: its name, or the first eight or more
                characters of its fingerprint. None: the gallery's own.

        Raises:
            BundleError: It is not there any more, or is damaged.
            GalleryIncompatible: Another bundle lies there now.
            GalleryUntrusted: The gallery records a bundle that this user has not named on this computer.
        """
        helds = self.bundles()
        known = helds[0] if name is None else next((held for held in helds if held.matches(str(name))), None)
        if known is None or (name is not None and os.path.isdir(absolute(name))):
            return Bundle.load(str(name))
        bundle = self.trust.load_bundle(known.reference, known.fingerprint)
        if bundle.fingerprint != known.fingerprint:
            if known.own:
                self.check_bundle(bundle)
            raise GalleryIncompatible(
                f"{bundle.path}: expected bundle {known.name!r} ({known.fingerprint[:12]}), found {bundle.name!r} "
                f"({bundle.fingerprint[:12]}); name the folder that it lies in now"
            )
        return bundle

    def check_bundle(self, bundle: Bundle) -> GalleryBundle:
        """Make sure that the gallery answers with a bundle's vectors; tells what is known of it.

        Raises:
            GalleryIncompatible: It does not.
        """
        own, held = self.bundles()[0], self.held(bundle)
        if held is None:
            raise GalleryIncompatible(
                f"gallery holds {own.dim}-d vectors of bundle {own.name!r} ({own.fingerprint[:12]}), but bundle "
                f"{bundle.name!r} ({bundle.fingerprint[:12]}) makes other {bundle.dim}-d ones; re-index with: "
                f"{self.reindex_command} --bundle {bundle.path} --rebuild, or hold both with "
                "--add-bundle instead"
            )
        return held

    def add_bundle(self, bundle: Bundle, *, precision: str | None = None) -> GalleryBundle:
        """Take a bundle in beside the gallery's own; ``index`` encodes every photo with it, and keeps it current.

        Args:
            bundle: Of any dimension.
            precision: Of its image tower. None: that which this CPU runs fastest.

        Raises:
            BundleIncompatible: The bundle lacks the precision.
            GalleryBusy: Another process is writing this gallery.
        """
        held = self.held(bundle)
        chosen = bundle.select_precision(
            precision or (held.precision if held and held.precision in bundle.precisions else None)
        )
        if held is None or not held.own:
            with exclusive_writer(self.path):
                save_bundle(self.database, to_record(bundle, precision=chosen))
        self.save_bundle_path(bundle)
        return self.check_bundle(bundle)

    def save_bundle_path(self, bundle: Bundle) -> None:
        """Note where a bundle lies that the gallery holds, and its name, should they have changed.

        Raises:
            GalleryBusy: Another process is writing this gallery.
        """
        held = self.held(bundle)
        if held is not None:
            self.trust.accept_bundle(bundle)
        if held is not None and held.own:
            self._save_primary(bundle)
        elif held is not None and (held.reference, held.name) != (bundle.reference, bundle.name):
            with exclusive_writer(self.path):
                save_bundle(self.database, to_record(bundle, precision=held.precision))

    def remove_bundle(self, bundle: Bundle | str) -> int:
        """Let a bundle go that was taken in, with all of its vectors; tells how many photos had one.

        Args:
            bundle: It, its folder, or its name or fingerprint as ``load_bundle`` takes them.

        Raises:
            GalleryIncompatible: The gallery does not hold it, or it is the gallery's own.
            GalleryBusy: Another process is writing this gallery.
        """
        held = self._named(bundle)
        if held.own:
            raise GalleryIncompatible(
                f"bundle {held.name!r} is the gallery's primary bundle and cannot be removed; to switch bundles, run: "
                f"{self.reindex_command} --bundle BUNDLE --rebuild"
            )
        with exclusive_writer(self.path):
            dropped = delete_bundle(self.database, held.fingerprint)
            remove_stale_files(self.path, self.bundles())
        return dropped

    def _named(self, bundle: Bundle | str) -> GalleryBundle:
        """The bundle that is meant, among those held."""
        name = bundle.fingerprint if isinstance(bundle, Bundle) else bundle
        place = str(absolute(name))
        for held in self.bundles():
            if held.matches(name) or held.reference == place:
                return held
        names = ", ".join(repr(held.name) for held in self.bundles())
        raise GalleryIncompatible(f"expected a bundle that the gallery holds, one of {names}; found {name!r}")

    def _save_primary(self, bundle: Bundle) -> None:
        """Make a bundle the gallery's own; one that was taken in beside it has no row of its own any more."""
        self.trust.accept_bundle(bundle)
        if not primary_record(bundle).items() <= self.database.meta().items():
            with exclusive_writer(self.path):
                set_primary(self.database, self.held(bundle) or to_record(bundle), primary_record(bundle))

    def _load_additional(self) -> dict[str, Bundle | str]:
        """Load each additional bundle, by its fingerprint; a text says why one cannot be loaded."""
        loaded: dict[str, Bundle | str] = {}
        for held in self.bundles()[1:]:
            try:
                loaded[held.fingerprint] = self.load_bundle(held.fingerprint)
            except PhotoseekError as error:
                loaded[held.fingerprint] = str(error)
        return loaded

    def image_precision(self, bundle: Bundle, precision: str | None = None) -> str:
        """The precision of the image tower: as asked; else as before, so that photos are encoded alike.

        Of a gallery from before it was noted, the most exact; of a new one, that which this CPU runs fastest. Each of
        a gallery's bundles has its own.

        Raises:
            BundleIncompatible: The bundle lacks the precision that is asked for.
        """
        held = self.held(bundle)
        if held is not None and not held.own:
            before: str | None = held.precision
        else:
            before = self.database.meta().get("precision", bundle.precisions[0] if self.database.count() else None)
        return bundle.select_precision(precision or (before if before in bundle.precisions else None))


def primary_record(bundle: Bundle) -> dict[str, str]:
    """What a gallery notes of its own bundle."""
    return {
        "bundle": bundle.reference,
        "bundle_name": bundle.name,
        "fingerprint": bundle.fingerprint,
        "dim": str(bundle.dim),
    }
