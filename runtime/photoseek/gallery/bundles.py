"""What a gallery has to do with bundles: which it holds, taking one in beside its own, letting one go."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryIncompatible, PhotoseekError
from photoseek.gallery.database.bundles import HeldBundle, drop_held, held_as, held_bundles, make_own, put_held
from photoseek.gallery.database.database import Database
from photoseek.gallery.lock import only_writer
from photoseek.gallery.snapshot.stale import sweep_all
from photoseek.gallery.trust import Trust
from photoseek.system.user_paths import absolute


class BundleHolder(ABC):
    """The part of a :class:`photoseek.gallery.gallery.Gallery` that is about its bundles."""

    path: Path
    database: Database
    trust: Trust

    @property
    @abstractmethod
    def index_command(self) -> str:
        """What indexes this gallery again, to stand in a message."""

    @property
    def fingerprint(self) -> str:
        """Of the gallery's own bundle."""
        return self.database.meta()["fingerprint"]

    def bundles(self) -> tuple[HeldBundle, ...]:
        """The bundles whose vectors are here: the gallery's own first, then those that were taken in beside it."""
        return held_bundles(self.database)

    def held(self, bundle: Bundle | str) -> HeldBundle | None:
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
        known = helds[0] if name is None else next((held for held in helds if held.is_called(str(name))), None)
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

    def check_bundle(self, bundle: Bundle) -> HeldBundle:
        """Make sure that the gallery answers with a bundle's vectors; tells what is known of it.

        Raises:
            GalleryIncompatible: It does not.
        """
        own, held = self.bundles()[0], self.held(bundle)
        if held is None:
            raise GalleryIncompatible(
                f"gallery holds {own.dim}-d vectors of bundle {own.name!r} ({own.fingerprint[:12]}), but bundle "
                f"{bundle.name!r} ({bundle.fingerprint[:12]}) makes other {bundle.dim}-d ones; re-index with: "
                f"{self.index_command} --bundle {bundle.path} --rebuild, or hold both with "
                "--add instead"
            )
        return held

    def add_bundle(self, bundle: Bundle, *, precision: str | None = None) -> HeldBundle:
        """Take a bundle in beside the gallery's own; :meth:`index` encodes every photo with it, and keeps it current.

        Args:
            bundle: Of any dimension.
            precision: Of its image tower. None: that which this CPU runs fastest.

        Raises:
            BundleIncompatible: The bundle lacks the precision.
            GalleryBusy: Another process is writing this gallery.
        """
        held = self.held(bundle)
        chosen = bundle.choose(precision or (held.precision if held and held.precision in bundle.precisions else None))
        if held is None or not held.own:
            with only_writer(self.path):
                put_held(self.database, held_as(bundle, precision=chosen))
        self.note_bundle(bundle)
        return self.check_bundle(bundle)

    def note_bundle(self, bundle: Bundle) -> None:
        """Note where a bundle lies that the gallery holds, and its name, should they have changed.

        Raises:
            GalleryBusy: Another process is writing this gallery.
        """
        held = self.held(bundle)
        if held is not None:
            self.trust.accept_bundle(bundle)
        if held is not None and held.own:
            self._note_own(bundle)
        elif held is not None and (held.reference, held.name) != (bundle.reference, bundle.name):
            with only_writer(self.path):
                put_held(self.database, held_as(bundle, precision=held.precision))

    def forget_bundle(self, bundle: Bundle | str) -> int:
        """Let a bundle go that was taken in, with all of its vectors; tells how many photos had one.

        Args:
            bundle: It, its folder, or its name or fingerprint as :meth:`load_bundle` takes them.

        Raises:
            GalleryIncompatible: The gallery does not hold it, or it is the gallery's own.
            GalleryBusy: Another process is writing this gallery.
        """
        held = self._named(bundle)
        if held.own:
            raise GalleryIncompatible(
                f"bundle {held.name!r} is the gallery's own and cannot be forgotten; go over to another one with: "
                f"{self.index_command} --bundle BUNDLE --rebuild"
            )
        with only_writer(self.path):
            dropped = drop_held(self.database, held.fingerprint)
            sweep_all(self.path, self.bundles())
        return dropped

    def _named(self, bundle: Bundle | str) -> HeldBundle:
        """The bundle that is meant, among those held."""
        name = bundle.fingerprint if isinstance(bundle, Bundle) else bundle
        place = str(absolute(name))
        for held in self.bundles():
            if held.is_called(name) or held.reference == place:
                return held
        names = ", ".join(repr(held.name) for held in self.bundles())
        raise GalleryIncompatible(f"expected a bundle that the gallery holds, one of {names}; found {name!r}")

    def _note_own(self, bundle: Bundle) -> None:
        """Make a bundle the gallery's own; one that was taken in beside it has no row of its own any more."""
        self.trust.accept_bundle(bundle)
        if not own_facts(bundle).items() <= self.database.meta().items():
            with only_writer(self.path):
                make_own(self.database, self.held(bundle) or held_as(bundle), own_facts(bundle))

    def _load_further(self) -> dict[str, Bundle | str]:
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
        return bundle.choose(precision or (before if before in bundle.precisions else None))


def own_facts(bundle: Bundle) -> dict[str, str]:
    """What a gallery notes of its own bundle."""
    return {
        "bundle": bundle.reference,
        "bundle_name": bundle.name,
        "fingerprint": bundle.fingerprint,
        "dim": str(bundle.dim),
    }
