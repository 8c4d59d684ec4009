"""What each member of a crew is told once: where the photos are, and which tower encodes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from photoseek import __version__
from photoseek.crew.shipping import ShippedBundle
from photoseek.embedding import Embedder
from photoseek.encoders import ImageEncoder
from photoseek.errors import CrewError
from photoseek.folders.folder import PhotoFolder


@dataclass(frozen=True)
class Task:
    """Goes to every member; holds no session, which could not be sent.

    Attributes:
        version: Of photoseek, which has to be the same everywhere: preprocessing may change from one to the next.
        folder: Where the photos are.
        bundle: What encodes them.
        precision: Of its image tower.
        known: A reference to the contents that have their vector already, inside a list so that it is not fetched
            before it is needed.
        attempts: An actor, see :class:`photoseek.crew.attempts.Attempts`.
    """

    version: str
    folder: PhotoFolder
    bundle: ShippedBundle
    precision: str
    known: Sequence[Any]
    attempts: Any

    def embedder(self) -> Embedder:
        """Open all of it, on the machine that works: one thread, for each processor has a member.

        Raises:
            CrewError: Another version of photoseek is installed there.
            PhotoseekError: The bundle cannot be opened.
        """
        import ray

        if self.version != __version__:
            raise CrewError(
                f"expected photoseek {self.version}, found {__version__}; install the same version on every machine"
            )
        encoder = ImageEncoder(self.bundle.open(), self.precision, threads=1, mode="service")
        return Embedder(self.folder, encoder, ray.get(self.known[0]))
