"""What is in a gallery, in figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.database.database import Database
from photoseek.gallery.snapshot.build import check_matches_database, database_state
from photoseek.gallery.snapshot.current import current_id
from photoseek.gallery.snapshot.snapshot import open_current


@dataclass(frozen=True)
class SecondaryStatus:
    """What a gallery has of a bundle beside its own.

    Attributes:
        bundle: Its name.
        dim: Length of its vectors.
        searchable: Photos with a vector.
        recall: As that of the gallery.
        generation: What answers with it; None before it was indexed with.
        fresh: Whether that shows all that has been indexed.
        damaged: As that of the gallery.
    """

    bundle: str
    fingerprint: str
    dim: int
    searchable: int
    recall: float | None
    generation: str | None
    fresh: bool
    damaged: list[str]


def secondary_status(gallery: Path, database: Database, held: GalleryBundle) -> SecondaryStatus:
    """What is there of a further bundle.

    Raises:
        GalleryError: What answers with it cannot be opened.
    """
    folder = held.folder(gallery)
    name = current_id(folder)
    generation = open_current(folder) if name else None
    if generation is not None:
        check_matches_database(generation, database)
    manifest, shown = generation.manifest if generation else None, database_state(database, held.fingerprint)
    return SecondaryStatus(
        bundle=held.name,
        fingerprint=held.fingerprint,
        dim=held.dim,
        searchable=database.count_searchable(held.fingerprint),
        recall=manifest.tuning.recall_of("auto") if manifest else None,
        generation=name,
        fresh=manifest is not None and (manifest.revision, manifest.state) == (shown.revision, shown.state),
        damaged=generation.damaged() if generation else [],
    )


@dataclass(frozen=True)
class GalleryStatus:
    """What is in a gallery.

    Attributes:
        photos: Photos found, readable or not.
        searchable: Those that a query can find.
        unreadable: Those that cannot be decoded.
        captions: Sentences that photos can be described with.
        bundle: Name of the bundle.
        dim: Length of its vectors.
        recall: Measured recall@10 of what ``auto`` takes against exact search; None before the first indexing.
        search: The recall asked for, what was measured with each engine (milliseconds, recalls by kind of query,
            parameters), and the engine that ``auto`` takes; None before the first indexing.
        generation: What answers queries now; None before the first indexing.
        fresh: Whether that shows all that has been indexed.
        damaged: What is wrong with files of approximate search; exact search answers instead, until the next indexing.
        bytes: Size of the gallery on disk.
        beside: What there is of each bundle beside the gallery's own, which all of the above is about.
    """

    path: str
    photos_root: str
    photos: int
    searchable: int
    unreadable: int
    captions: int
    bundle: str
    fingerprint: str
    dim: int
    recall: float | None
    search: dict[str, Any] | None
    generation: str | None
    fresh: bool
    damaged: list[str]
    bytes: int
    beside: list[SecondaryStatus]

    def to_json(self) -> dict[str, Any]:
        """The form that ``info --json`` prints."""
        return asdict(self)
