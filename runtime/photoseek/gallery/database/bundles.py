"""The bundles that a gallery holds vectors of: its own, and others beside it.

The facts of the gallery's own bundle stand in its database as they always have. Each further one has a row of its own
among those facts, of which an older photoseek knows nothing and which it leaves as they are; what is derived from its
vectors lies in a folder of its own. So each bundle answers by itself, and taking one in or letting one go is one
transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.database import Database
from photoseek.gallery.file_names import BUNDLES
from photoseek.system.atomic_write import fsync_dir, mkdir_durable
from photoseek.system.folder_tag import expect_folder, make_tagged

if TYPE_CHECKING:
    from photoseek.bundle.bundle import Bundle

_ROW = "bundle:"  # and the fingerprint: the name of a further bundle's row
_SHORT = 16  # characters of a fingerprint that name a folder
_REPAIR_HINT = "photoseek does not follow links inside a gallery; remove it, and run: photoseek index PHOTOS"


@dataclass(frozen=True)
class GalleryBundle:
    """A bundle whose vectors a gallery holds.

    Attributes:
        fingerprint: What its vectors are kept by.
        name: What people call it.
        reference: Where it lay when it was last named; see ``Bundle.reference``.
        dim: Length of its vectors.
        precision: Of its image tower; empty where none has been chosen yet.
        own: Whether it is the gallery's own one, and not beside it.
    """

    fingerprint: str
    name: str
    reference: str
    dim: int
    precision: str = ""
    own: bool = False

    def folder(self, gallery: Path) -> Path:
        """Return the folder of the generations of its vectors.

        Raises:
            GalleryDamaged: The folder, or the one that it is in, is a symbolic link.
        """
        if self.own:
            return gallery
        folder = gallery / BUNDLES / self.fingerprint[:_SHORT]
        expect_folder(folder.parent, _REPAIR_HINT)
        expect_folder(folder, _REPAIR_HINT)
        return folder

    def create_folder(self, gallery: Path) -> Path:
        """Create the folder of the generations of its vectors, unless it exists, and return it.

        Raises as ``folder``.
        """
        folder = self.folder(gallery)
        if not self.own:
            mkdir_durable(folder.parent)
            make_tagged(folder)
            fsync_dir(folder.parent)
        return folder

    def matches(self, name: str) -> bool:
        """Whether a name means it: its own, where it lay, or the beginning of its fingerprint."""
        return name in (self.name, self.reference) or (len(name) >= 8 and self.fingerprint.startswith(name))


def list_bundles(database: Database) -> tuple[GalleryBundle, ...]:
    """All of them, the gallery's own first, then in the order of their names.

    Raises:
        GalleryDamaged: A row says what cannot be.
    """
    meta = database.meta()
    facts = (meta["fingerprint"], meta["bundle_name"], meta["bundle"], int(meta["dim"]), meta.get("precision", ""))
    own = GalleryBundle(*facts, own=True)
    rows = {key.removeprefix(_ROW): value for key, value in meta.items() if key.startswith(_ROW)}
    others = [_read(database, fingerprint, row) for fingerprint, row in rows.items() if fingerprint != own.fingerprint]
    return (own, *sorted(others, key=lambda held: (held.name, held.fingerprint)))


def to_record(bundle: Bundle, *, precision: str = "") -> GalleryBundle:
    """How a gallery would hold a bundle beside its own."""
    return GalleryBundle(bundle.fingerprint, bundle.name, bundle.reference, bundle.dim, precision)


def save_bundle(database: Database, held: GalleryBundle) -> None:
    """Take a further bundle in, or replace what is known of it."""
    facts = asdict(held)
    fingerprint = facts.pop("fingerprint")
    del facts["own"]
    database.set_meta(**{_ROW + fingerprint: json.dumps(facts, ensure_ascii=False)})


def set_primary(database: Database, held: GalleryBundle, facts: Mapping[str, str]) -> None:
    """Have a bundle be the gallery's own, with these facts; one that was beside it keeps the precision it had."""
    with database.writing() as connection:
        connection.execute("DELETE FROM meta WHERE key = ?", (_ROW + held.fingerprint,))
        database.clear_state(connection, held.fingerprint)
        database.set_meta(**facts, **({"precision": held.precision} if held.precision else {}))


def delete_bundle(database: Database, fingerprint: str) -> int:
    """Remove a further bundle at once, then its vectors; return how many vectors of photos there were.

    If the process is killed meanwhile, ``Database.prune`` removes the others.
    """
    with database.writing() as connection:
        connection.execute("DELETE FROM caption_vectors WHERE fingerprint = ?", (fingerprint,))
        connection.execute("DELETE FROM meta WHERE key = ?", (_ROW + fingerprint,))
        database.clear_state(connection, fingerprint)
    return database.remove_vectors("fingerprint = ?", fingerprint)


def _read(database: Database, fingerprint: str, row: object) -> GalleryBundle:
    try:
        held = GalleryBundle(fingerprint, **json.loads(str(row)))
        texts = (held.name, held.reference, held.precision)
        if not all(isinstance(text, str) and "\0" not in text for text in texts):
            raise ValueError("invalid text")
        if type(held.dim) is not int or held.dim < 1 or held.own:
            raise ValueError("a number that cannot be")
    except (TypeError, ValueError, RecursionError) as error:
        raise GalleryDamaged(
            f"{database.path}: what it says of bundle {fingerprint[:12]} cannot be read: {error}; "
            "restore it from a backup, or index anew into another folder"
        ) from error
    return held
