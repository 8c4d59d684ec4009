"""What is in a gallery, in figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


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

    def to_json(self) -> dict[str, Any]:
        """The form that ``info --json`` prints."""
        return asdict(self)
