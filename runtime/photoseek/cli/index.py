"""What indexing shows: a bar while it runs, then what was done and which photos cannot be read."""

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
    from photoseek.gallery.indexing.index import IndexReport, Progress
    from photoseek.gallery.indexing.pipeline import EncodingBackend
    from photoseek.gallery.trust import Answer


def require_one_of(given: dict[str, bool]) -> None:
    """Refuse options that say different things."""
    named = [name for name, is_given in given.items() if is_given]
    if len(named) > 1:
        raise typer.BadParameter(f"expected one of {', '.join(given)}, found {' and '.join(named)}")


def bundle_of(photos: str, gallery: Path | None, name: str | None, trust: Answer = False) -> Bundle:
    """The bundle that is named; else that of the gallery, or the embedded one where there is no gallery yet."""
    from photoseek.bundle.bundle import DEMO, Bundle
    from photoseek.gallery.gallery import Gallery

    try:
        with Gallery.open(gallery or photos, recover=True, trust=trust) as opened:
            return opened.load_bundle(name)
    except GalleryNotFound:
        return Bundle.load(DEMO if name is None else name)


def remove_bundle(gallery: Gallery, name: str, *, as_json: bool) -> None:
    """Let a bundle go that a gallery holds beside its own."""
    forgotten = gallery.remove_bundle(name)
    if as_json:
        output.print_json({"forgotten": forgotten, "gallery": decode_filename(str(gallery.path))})
    else:
        output.print_line(f"{forgotten:,} vectors of bundle {name} forgotten")


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
    """Bring a gallery up to date before the user's eyes; an interruption exits and keeps what was encoded."""
    try:
        with nullcontext() if backend is None else ray_output.silence_ray(), output.progress_bar("indexing") as tell:

            def show(progress: Progress) -> None:
                if progress.phase == "encode":
                    tell(progress.done, progress.total)

            report = gallery.index(
                bundle, precision=precision, progress=show, recall=recall, backend=backend, rehash=rehash
            )
    except KeyboardInterrupt:
        output.fail("photoseek", "interrupted; what was encoded is kept, run it again to go on", output.INTERRUPTED)
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
    """Keep a gallery current until the user interrupts: a line for each update, with ``as_json`` a JSON object."""
    from photoseek.gallery.watch import watch_gallery

    before: set[tuple[str, str]] = set()
    try:
        for report in watch_gallery(gallery, bundle, precision=precision, recall=recall):
            if as_json:
                output.print_json({**report_json(report), "gallery": decode_filename(str(gallery.path))}, indent=None)
                output.flush()
            else:
                _print_report(report, before)
                before = {*report.unreadable, *report.unseen}
    except KeyboardInterrupt:
        pass
    output.fail("photoseek", "stopped watching; what was encoded is kept", output.INTERRUPTED)


def report_json(report: IndexReport) -> dict[str, Any]:
    """The form that ``index --json`` prints."""
    lists = {
        name: [{"path": path, "reason": reason} for path, reason in found]
        for name, found in (("unreadable", report.unreadable), ("unseen", report.unseen))
    }
    beside = [asdict(each) for each in report.beside]
    return {**vars(report), **lists, "beside": beside, "seconds": round(report.seconds, 3)}


def _print_report(report: IndexReport, before: AbstractSet[tuple[str, str]] = frozenset()) -> None:
    """Print what was done, and what could not be read unless it stands in ``before``."""
    parts = {"encoded": report.encoded, "reused": report.reused, "unchanged": report.unchanged, "gone": report.removed}
    parts["not looked at, kept"] = report.kept
    told = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    output.print_line(f"{report.photos:,} photos: {told or 'nothing to do'} ({report.seconds:.1f} s)", error=True)
    for each in report.beside:
        if each.encoded or each.problem:
            output.print_line(f"bundle {each.bundle}: {each.problem or f'{each.encoded:,} encoded'}", error=True)
    for path, reason in (*report.unreadable, *report.unseen):
        if (path, reason) not in before:
            output.print_line(f"unreadable: {decode_filename(path)}: {reason}", error=True)
