"""Progress and reports of ``photoseek index``."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from photoseek.cli import output, ray_output
from photoseek.errors import GalleryNotFound
from photoseek.system.filenames import decode_filename

if TYPE_CHECKING:
    from photoseek.bundle.bundle import Bundle
    from photoseek.gallery.gallery import Gallery
    from photoseek.gallery.indexing.pipeline import EncodingBackend
    from photoseek.gallery.indexing.report import IndexReport, Progress
    from photoseek.gallery.trust import Answer


def require_one_of(given: dict[str, bool]) -> None:
    """Raise a usage error if more than one of the options is given."""
    named = [name for name, is_given in given.items() if is_given]
    if len(named) > 1:
        raise typer.BadParameter(f"expected one of {', '.join(given)}, found {' and '.join(named)}")


def bundle_of(photos: str, gallery: Path | None, name: str | None, trust: Answer = False) -> Bundle:
    """Return the named bundle. Defaults to the gallery's bundle, or to the demo bundle for a new gallery."""
    from photoseek.bundle.bundle import DEMO, Bundle
    from photoseek.gallery.gallery import Gallery

    try:
        with Gallery.open(gallery or photos, recover=True, trust=trust) as opened:
            return opened.bundles.load(name)
    except GalleryNotFound:
        return Bundle.load(DEMO if name is None else name)


def remove_bundle(gallery: Gallery, name: str, *, as_json: bool) -> None:
    """Remove an additional bundle from a gallery and print the number of deleted vectors."""
    deleted = gallery.bundles.remove(name)
    if as_json:
        output.print_json({"forgotten": deleted, "gallery": decode_filename(str(gallery.path))})
    else:
        output.print_line(f"{deleted:,} vectors of bundle {name} deleted")


def index_with_progress(
    gallery: Gallery,
    bundle: Bundle,
    precision: str | None = None,
    recall: float | None = None,
    *,
    backend: EncodingBackend | None = None,
    rehash: bool = False,
    quiet: bool = False,
) -> IndexReport:
    """Index a gallery with a progress bar; on an interrupt, keep the encoded photos and exit."""
    try:
        with nullcontext() if backend is None else ray_output.silence_ray(), output.progress_bar("indexing") as update:

            def show(progress: Progress) -> None:
                if progress.phase == "encode":
                    update(progress.done, progress.total)

            report = gallery.index(
                bundle, precision=precision, progress=show, recall=recall, backend=backend, rehash=rehash
            )
    except KeyboardInterrupt:
        output.fail(
            "photoseek", "interrupted; encoded photos are saved, run the command again to resume", output.INTERRUPTED
        )
    if not quiet:
        _print_report(report)
    return report


def watch_and_print(
    gallery: Gallery,
    bundle: Bundle,
    precision: str | None = None,
    recall: float | None = None,
    *,
    as_json: bool = False,
) -> NoReturn:
    """Re-index a gallery on every change until interrupted, and print a line or JSON object for each update."""
    from photoseek.gallery.watch import watch_gallery

    before: set[tuple[str, str]] = set()
    try:
        for report in watch_gallery(gallery, bundle, precision=precision, recall=recall):
            if as_json:
                output.print_json({**report_json(report), "gallery": decode_filename(str(gallery.path))}, indent=None)
                output.flush()
            else:
                _print_report(report, before)
                before = {*report.unreadable, *report.skipped}
    except KeyboardInterrupt:
        pass
    output.fail("photoseek", "stopped watching; encoded photos are saved", output.INTERRUPTED)


def report_json(report: IndexReport) -> dict[str, Any]:
    """Return the JSON object that ``index --json`` prints."""
    lists = {
        name: [{"path": path, "reason": reason} for path, reason in found]
        for name, found in (("unreadable", report.unreadable), ("skipped", report.skipped))
    }
    additional = [asdict(each) for each in report.additional]
    return {**vars(report), **lists, "additional": additional, "seconds": round(report.seconds, 3)}


def _print_report(report: IndexReport, before: AbstractSet[tuple[str, str]] = frozenset()) -> None:
    """Print the counts of a report and its unreadable photos, except those in ``before``."""
    parts = {
        "encoded": report.encoded,
        "reused": report.reused,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "not checked, kept": report.kept_missing,
    }
    summary = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    output.print_line(f"{report.photos:,} photos: {summary or 'nothing to do'} ({report.seconds:.1f} s)", error=True)
    for each in report.additional:
        if each.encoded or each.problem:
            output.print_line(f"bundle {each.bundle}: {each.problem or f'{each.encoded:,} encoded'}", error=True)
    for path, reason in (*report.unreadable, *report.skipped):
        if (path, reason) not in before:
            output.print_line(f"unreadable: {decode_filename(path)}: {reason}", error=True)
