"""The table of hits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from photoseek.cli import output
from photoseek.system.filenames import decode_filename

if TYPE_CHECKING:
    from photoseek.search.hits import Hit


def print_table(hits: Sequence[Hit]) -> None:
    """Print hits as a table; a column that is empty for every hit is omitted."""
    reranked = next((hit.scores[1].bundle for hit in hits if hit.scores), "")
    columns = {"photo": [_path(hit) for hit in hits], "score": [f"{hit.score:.3f}" for hit in hits]}
    if reranked:
        columns[f"score by {reranked}"] = [_rerank_score(hit) for hit in hits]
    if any(hit.confidence is not None for hit in hits):
        columns["confidence"] = [_confidence(hit) for hit in hits]
    if any(hit.matched for hit in hits):
        columns["matched"] = [hit.matched or "" for hit in hits]
    if any(hit.duplicates for hit in hits):
        columns["duplicates"] = [f"+{len(hit.duplicates)}" for hit in hits]
    output.print_table(list(columns), list(zip(*columns.values(), strict=True)))


def _path(hit: Hit) -> str:
    name = decode_filename(str(hit.file))
    missing = isinstance(hit.file, Path) and not hit.file.exists()  # object storage is not queried
    return f"{name} (missing; index again)" if missing else f"{name} (incomplete)" if hit.incomplete else name


def _rerank_score(hit: Hit) -> str:
    found = hit.scores[1].score if hit.scores else None
    return "-" if found is None else f"{found:.3f}"


def _confidence(hit: Hit) -> str:
    if hit.confidence is None:
        return ""
    return f"{hit.confidence:.0%}" if hit.confidence >= 0.005 else "<1%"
