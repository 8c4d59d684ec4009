"""What a scan left out, in the language of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from photoseek.page.strings import strings
from photoseek.photos import formats
from photoseek.sources import exclusion
from photoseek.sources.companions import RAW_BESIDE_PICTURE
from photoseek.sources.left_out import LeftOut, UnreadKind


def count_left_out(left_out: Sequence[LeftOut], unread: Sequence[UnreadKind]) -> int:
    """Return the number of folders, photos and other files that a scan left out."""
    return sum(each.folders + each.photos for each in left_out) + sum(each.files for each in unread)


def left_out_rows(left_out: Sequence[LeftOut], unread: Sequence[UnreadKind]) -> Iterator[tuple[str, str]]:
    """Yield what was left out, with numbers, and why, with an example."""
    now = strings()
    for each in left_out:
        counts = (folder_count(each.folders), photo_count(each.photos))
        yield now.list_separator.join(filter(None, counts)), _with_example(_reason(each.reason), each.example)
    for kind in unread:
        extra = "" if kind.extra is None else now.needs_extra.format(extra=kind.extra)
        yield f"{_kind(kind.kind)}: {kind.files:,}", _with_example(extra or now.kind_not_read, kind.example)


def photo_count(count: int) -> str:
    """Return a number of photos as text; empty for none."""
    now = strings()
    return "" if not count else now.one_photo if count == 1 else now.photo_count.format(count=f"{count:,}")


def folder_count(count: int) -> str:
    """Return a number of folders as text; empty for none."""
    now = strings()
    return "" if not count else now.one_folder if count == 1 else now.folder_count.format(count=f"{count:,}")


def _with_example(reason: str, example: str) -> str:
    return strings().such_as.format(reason=reason, example=example)


def _reason(reason: str) -> str:
    now = strings()
    if reason.startswith(exclusion.BY):
        return now.left_by.format(rule=reason.removeprefix(exclusion.BY))
    known = {
        exclusion.HIDDEN: now.left_hidden,
        exclusion.MARKED: now.left_marked,
        exclusion.LINKED: now.left_linked,
        exclusion.RECYCLED: now.left_recycled,
        exclusion.SNAPSHOTS: now.left_snapshots,
        exclusion.SYSTEM: now.left_system,
        exclusion.PREVIEWS: now.left_previews,
        exclusion.DERIVATIVES: now.left_derivatives,
        RAW_BESIDE_PICTURE: now.left_raw,
    }
    return known.get(reason, reason)


def _kind(name: str) -> str:
    now = strings()
    known = {
        formats.HEIC.name: now.kind_heic,
        formats.RAW.name: now.kind_raw,
        formats.JPEG_XL.name: now.kind_jxl,
        formats.VIDEOS.name: now.kind_videos,
        "layered images": now.kind_layered,
        "vector images": now.kind_vector,
        "PDF documents": now.kind_pdf,
    }
    return known.get(name, name)
