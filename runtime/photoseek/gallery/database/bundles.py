"""Records of a gallery's bundles in its database.

The primary bundle is described by rows of the ``meta`` table. Each additional bundle has one row there, and a folder
with its snapshots, so adding or removing one is a single transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.schema import BASE
from photoseek.gallery.file_names import BUNDLES
from photoseek.system.atomic_write import fsync_dir, mkdir_durable
from photoseek.system.folder_tag import expect_folder, make_tagged

if TYPE_CHECKING:
    from photoseek.bundle.bundle import Bundle

_ROW = "bundle:"  # prefix of the key of an additional bundle, before its fingerprint
_SHORT = 16  # characters of a fingerprint that name a folder
_REPAIR_HINT = "photoseek does not follow links inside a gallery; remove it, and run: photoseek index PHOTOS"


@dataclass(frozen=True)
class GalleryBundle:
    """The record of a bundle whose vectors a gallery contains.

    Attributes:
        fingerprint: Key of its vectors in the database.
        name: Its name.
        reference: Path from which it was last loaded; see ``Bundle.reference``.
        dim: Length of its vectors.
        precision: Precision of its image tower; empty before the first indexing.
        is_primary: Whether it is the primary bundle of the gallery.
    """

    fingerprint: str
    name: str
    reference: str
    dim: int
    precision: str = ""
    is_primary: bool = False

    def folder(self, gallery: Path) -> Path:
        """Return the folder of its snapshots.

        Raises:
            GalleryDamaged: The folder, or the one that it is in, is a symbolic link.
        """
        if self.is_primary:
            return gallery
        folder = gallery / BUNDLES / self.fingerprint[:_SHORT]
        expect_folder(folder.parent, _REPAIR_HINT)
        expect_folder(folder, _REPAIR_HINT)
        return folder

    def create_folder(self, gallery: Path) -> Path:
        """Create the folder of its snapshots, unless it exists, and return it.

        Raises as ``folder``.
        """
        folder = self.folder(gallery)
        if not self.is_primary:
            mkdir_durable(folder.parent)
            make_tagged(folder)
            fsync_dir(folder.parent)
        return folder

    def matches(self, name: str) -> bool:
        """Return whether a text is its name, its path or the beginning of its fingerprint."""
        return name in (self.name, self.reference) or (len(name) >= 8 and self.fingerprint.startswith(name))


def list_bundles(database: Database) -> tuple[GalleryBundle, ...]:
    """Return the primary bundle, then the additional ones by name.

    Raises:
        GalleryDamaged: A record is invalid.
    """
    meta = database.meta()
    facts = (meta["fingerprint"], meta["bundle_name"], meta["bundle"], int(meta["dim"]), meta.get("precision", ""))
    primary = GalleryBundle(*facts, is_primary=True)
    rows = {key.removeprefix(_ROW): value for key, value in meta.items() if key.startswith(_ROW)}
    rows.pop(primary.fingerprint, None)
    others = [_parse(database, fingerprint, row) for fingerprint, row in rows.items()]
    return (primary, *sorted(others, key=lambda record: (record.name, record.fingerprint)))


def to_record(bundle: Bundle, *, precision: str = "") -> GalleryBundle:
    """Return the record of an additional bundle."""
    return GalleryBundle(bundle.fingerprint, bundle.name, bundle.reference, bundle.dim, precision)


def primary_record(bundle: Bundle) -> dict[str, str]:
    """Return the ``meta`` rows of a primary bundle."""
    return {
        "bundle": bundle.reference,
        "bundle_name": bundle.name,
        "fingerprint": bundle.fingerprint,
        "dim": str(bundle.dim),
    }


def save_bundle(database: Database, record: GalleryBundle) -> None:
    """Add or replace the record of an additional bundle."""
    facts = asdict(record)
    fingerprint = facts.pop("fingerprint")
    del facts["is_primary"]
    database.set_meta(**{_ROW + fingerprint: json.dumps(facts, ensure_ascii=False)})


def set_primary(database: Database, record: GalleryBundle, facts: Mapping[str, str]) -> None:
    """Make a bundle the primary one; ``facts`` are its ``primary_record``. An additional one keeps its precision."""
    with database.writing() as connection:
        connection.execute("DELETE FROM meta WHERE key = ?", (_ROW + record.fingerprint,))
        database.clear_state(connection, record.fingerprint)
        database.set_meta(**facts, **({"precision": record.precision} if record.precision else {}))


def delete_bundle(database: Database, fingerprint: str) -> int:
    """Delete an additional bundle, then its vectors; return how many photos had one.

    If the process is killed in between, ``prune_vectors`` deletes the remaining vectors.
    """
    with database.writing() as connection:
        connection.execute("DELETE FROM caption_vectors WHERE fingerprint = ?", (fingerprint,))
        connection.execute("DELETE FROM meta WHERE key = ?", (_ROW + fingerprint,))
        database.clear_state(connection, fingerprint)
    return database.remove_vectors("fingerprint = ?", fingerprint)


def prune_vectors(database: Database, fingerprints: Sequence[str]) -> int:
    """Delete vectors of contents that no photo has, or of bundles other than these; return how many."""
    places = ",".join("?" * len(fingerprints))
    with database.writing() as connection:
        kept = [BASE + fingerprint for fingerprint in fingerprints]
        connection.execute(f"DELETE FROM meta WHERE key LIKE '{BASE}%' AND key NOT IN ({places})", kept)
    return database.remove_vectors(
        f"fingerprint NOT IN ({places}) OR NOT EXISTS (SELECT 1 FROM photos WHERE photos.sha256 = vectors.sha256)",
        *fingerprints,
    )


def _parse(database: Database, fingerprint: str, row: object) -> GalleryBundle:
    try:
        record = GalleryBundle(fingerprint, **json.loads(str(row)))
        texts = (record.name, record.reference, record.precision)
        if not all(isinstance(text, str) and "\0" not in text for text in texts):
            raise ValueError("invalid text")
        if type(record.dim) is not int or record.dim < 1 or record.is_primary:
            raise ValueError("invalid dim or is_primary")
    except (TypeError, ValueError, RecursionError) as error:
        raise GalleryDamaged(
            f"{database.path}: the record of bundle {fingerprint[:12]} cannot be read: {error}; "
            "restore the database from a backup, or index into another folder"
        ) from error
    return record
