"""What indexing shows: a bar while it runs, then what was done and which photos cannot be read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from photoseek import console

if TYPE_CHECKING:
    from photoseek.bundle import Bundle
    from photoseek.gallery import Gallery
    from photoseek.indexing import IndexReport, Progress


def index_with_bar(
    gallery: Gallery,
    bundle: Bundle,
    precision: str | None = None,
    recall: float | None = None,
    *,
    quiet: bool = False,
) -> IndexReport:
    """Bring a gallery up to date before the user's eyes; an interruption exits and keeps what was encoded."""
    try:
        with console.progress_bar("indexing") as tell:

            def show(progress: Progress) -> None:
                if progress.phase == "encode":
                    tell(progress.done, progress.total)

            report = gallery.index(bundle, precision=precision, progress=show, recall=recall)
    except KeyboardInterrupt:
        console.fail("photoseek", "interrupted; what was encoded is kept, run it again to go on", console.INTERRUPTED)
    if not quiet:
        _print_report(report)
    return report


def report_json(report: IndexReport) -> dict[str, Any]:
    """The form that ``index --json`` prints."""
    unreadable = [{"path": path, "reason": reason} for path, reason in report.unreadable]
    return {**vars(report), "unreadable": unreadable, "seconds": round(report.seconds, 3)}


def _print_report(report: IndexReport) -> None:
    parts = {"encoded": report.encoded, "reused": report.reused, "unchanged": report.unchanged, "gone": report.removed}
    told = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    print(f"{report.photos:,} photos: {told or 'nothing to do'} ({report.seconds:.1f} s)", file=sys.stderr)
    for path, reason in report.unreadable:
        print(f"unreadable: {path}: {reason}", file=sys.stderr)
