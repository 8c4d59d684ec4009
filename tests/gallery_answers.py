"""What tests compare of a gallery: counts of an indexing, and paths that a search finds."""

from __future__ import annotations

from photoseek import Gallery, Searcher
from photoseek.gallery.indexing.report import IndexReport


def counts(report: IndexReport) -> dict[str, int]:
    """Return the counts of a report that are not zero."""
    names = ("photos", "encoded", "reused", "unchanged", "removed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def found(gallery: Gallery, text: str, k: int = 4) -> list[str]:
    """Return the paths of the best photos."""
    return [hit.path for hit in Searcher(gallery).search(text, k=k)]
