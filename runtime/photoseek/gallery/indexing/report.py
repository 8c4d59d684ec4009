"""Progress and results of indexing."""

from __future__ import annotations

from dataclasses import dataclass, field

from photoseek.sources.left_out import LeftOut, UnreadKind


@dataclass(frozen=True)
class Progress:
    """Progress of one bundle; ``phase`` is ``encode`` or ``build``, or on the search page ``download`` of a model."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class BundleReport:
    """Results of one indexing run for an additional bundle.

    Attributes:
        bundle: Its name.
        encoded: Photos encoded in this run.
        problem: Why the bundle was skipped; None if it was not.
    """

    bundle: str
    encoded: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class IndexReport:
    """Results of one indexing run.

    Attributes:
        photos: Photos in the folder.
        encoded: Encoded in this run.
        reused: New, renamed or replaced photos whose content was encoded before.
        unchanged: Photos with the same content as before, including those read because their metadata changed.
        removed: No longer in the folder.
        unreadable: Path and reason of each photo that could not be decoded, now or before.
        seconds: Duration.
        kept_missing: Photos that were not found or read, but kept, because they may be in a skipped folder or file.
        skipped: Path and reason of each folder or file that could not be read.
        incomplete: Path of each photo whose file ends early, now or before; what can be shown of it is indexed.
        additional: Results for each additional bundle; the counts above are those of the primary bundle.
        left_out: Folders and photos that were left out, by reason.
        unread: Files of kinds that are not read, by kind. Photos among them are in ``unreadable`` as well.
        hint: Which package makes search faster, and how to install it; None if none does.
    """

    photos: int
    encoded: int
    reused: int
    unchanged: int
    removed: int
    unreadable: list[tuple[str, str]]
    seconds: float
    kept_missing: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    additional: list[BundleReport] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unread: list[UnreadKind] = field(default_factory=list)
    hint: str | None = None
