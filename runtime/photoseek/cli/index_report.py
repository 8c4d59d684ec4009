"""The report of ``photoseek index``, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from photoseek.cli import output
from photoseek.photos.formats import INSTALL_HINT
from photoseek.sources.left_out import counted
from photoseek.system.filenames import decode_filename

if TYPE_CHECKING:
    from photoseek.gallery.gallery import Gallery
    from photoseek.gallery.indexing.report import IndexReport
    from photoseek.sources.left_out import UnreadKind


def to_json(report: IndexReport, gallery: Gallery) -> dict[str, Any]:
    """Return the form that ``index --json`` prints."""
    lists = {
        name: [{"path": path, "reason": reason} for path, reason in found]
        for name, found in (("unreadable", report.unreadable), ("skipped", report.skipped))
    }
    return {
        **asdict(report),
        **lists,
        "seconds": round(report.seconds, 3),
        "gallery": decode_filename(str(gallery.path)),
    }


def print_report(report: IndexReport, before: AbstractSet[str] = frozenset()) -> set[str]:
    """Print the counts of a report, what was left out, unreadable and incomplete photos, and a faster engine.

    Args:
        report: The report.
        before: Lines that are not printed again.

    Returns:
        The lines about what was left out, and about unreadable photos.
    """
    counts = {
        "encoded": report.encoded,
        "reused": report.reused,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "not checked, kept": report.kept_missing,
    }
    summary = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    output.print_line(f"{report.photos:,} photos: {summary or 'nothing to do'} ({report.seconds:.1f} s)", error=True)
    for each in report.additional:
        if each.encoded or each.problem:
            output.print_line(f"bundle {each.bundle}: {each.problem or f'{each.encoded:,} encoded'}", error=True)
    lines = list(_lines(report))
    for line in lines:
        if line not in before:
            output.print_line(line, error=True)
    return set(lines)


def _lines(report: IndexReport) -> Iterator[str]:
    """Yield a line for each reason to leave something out, for all kinds that are not read, and for each problem."""
    yield from (f"left out: {each}" for each in report.left_out)
    if report.unread:
        yield f"not read: {'; '.join(_unread(report.unread))}"
    for path, reason in (*report.unreadable, *report.skipped):
        if reason != INSTALL_HINT:  # counted as a kind that is not read
            yield f"unreadable: {decode_filename(path)}: {reason}"
    for path in report.incomplete:
        yield f"incomplete: {decode_filename(path)}: the file ends early; what can be shown is indexed"
    if report.hint is not None:
        yield report.hint


def _unread(kinds: list[UnreadKind]) -> Iterator[str]:
    """Yield the kinds that nothing reads, and those that an extra reads with the command that installs it."""
    if names := _names(kind for kind in kinds if kind.extra is None):
        yield names
    needing = [kind for kind in kinds if kind.extra is not None]
    if needing:
        extras = ",".join(sorted({kind.extra or "" for kind in needing}))
        count = counted(sum(kind.files for kind in needing), "file")
        yield f"{count} of kinds that need an extra: pip install 'photoseek[{extras}]' ({_names(needing)})"


def _names(kinds: Iterator[UnreadKind] | list[UnreadKind]) -> str:
    return ", ".join(counted(kind.files, kind.kind.removesuffix("s")) for kind in kinds)
