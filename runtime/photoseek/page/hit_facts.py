"""The facts of a photo on its card and in the viewer."""

from __future__ import annotations

from typing import Any

from photoseek.gallery.listing import ListedPhoto
from photoseek.page.exposure import is_shared
from photoseek.page.strings import strings
from photoseek.search.hits import Hit
from photoseek.system.filenames import decode_filename

_VERY_LIKELY, _LIKELY = 0.75, 0.4  # confidences


def card_facts(photo: Hit | ListedPhoto) -> dict[str, Any]:
    """Return the date and, of a hit, which text matches, or that it likely matches, with the exact values.

    Other hits have no word: the ones that probably do not match are under a heading of their own, and without a
    confidence, only the order counts.
    """
    facts = {
        "date": (photo.taken or "")[:10],
        **({"incomplete": strings().incomplete} if photo.incomplete else {}),
    }
    if isinstance(photo, ListedPhoto):
        return facts
    word = matched_in(photo) or ("" if photo.low_confidence else likeness_word(photo))
    if not word:
        return facts
    return {
        **facts,
        "word": word,
        "exact": " · ".join(f"{name} {value}" for name, value in _likeness(photo)),
        "matched": photo.matched is not None,
    }


def viewer_facts(photo: Hit | ListedPhoto) -> list[tuple[str, str]]:
    """Return the name and the value of each fact in the viewer."""
    now = strings()
    incomplete = f", {now.incomplete}" if photo.incomplete else ""
    rows = [
        (now.taken, _date_of(photo)),
        (now.size, f"{photo.width} × {photo.height} ({photo.width * photo.height / 1e6:.1f} MP){incomplete}"),
        (now.camera, photo.camera or ""),
        (now.file, photo.path),
    ]
    if isinstance(photo, Hit):
        scores = [each for each in photo.scores[1:] if each.score]
        rows += [
            (now.matched, matched_in(photo)),
            (now.match, "" if photo.matched else likeness_word(photo)),
            *_likeness(photo),
            *((now.score_by.format(bundle=each.bundle), f"{each.score:.3f}") for each in scores),
        ]
    return [(name, value) for name, value in rows if value]


def likeness_word(hit: Hit) -> str:
    """Return whether a hit is below the line, or that it likely matches by its calibrated confidence, or nothing."""
    now = strings()
    if hit.low_confidence:
        return now.less_likely
    if hit.confidence is None or hit.confidence < _LIKELY:
        return ""
    return now.very_likely if hit.confidence >= _VERY_LIKELY else now.likely


def matched_in(hit: Hit) -> str:
    """Return the field that contains the words of the query, or an empty string."""
    now = strings()
    fields = {"name": now.in_name, "title": now.in_title, "keyword": now.in_keyword, "folder": now.in_folder}
    return fields[hit.matched] if hit.matched else ""


def copied_path(hit: Hit | ListedPhoto) -> str | None:
    """Return the path that the viewer copies, or None if the page is shared."""
    return None if is_shared() else decode_filename(str(hit.file))


def confidence_of(hit: Hit) -> str:
    """Return the confidence of a hit in percent, or an empty string if the bundle is not calibrated.

    Values below 10% have a decimal, since the line between hits that match and those that do not is among them.
    """
    if hit.confidence is None:
        return ""
    percent = 100 * hit.confidence
    if percent < 0.95:
        return "< 1 %"
    return "> 99 %" if percent >= 99.5 else f"{percent:.1f} %" if percent < 9.95 else f"{percent:.0f} %"


def _date_of(hit: Hit | ListedPhoto) -> str:
    """Return the date of a photo, and where it comes from."""
    now = strings()
    names = {"exif": "EXIF", "xmp": "XMP", "sidecar": now.date_of_sidecar, "name": now.date_of_name}
    return f"{hit.taken} ({names[hit.taken_from]})" if hit.taken and hit.taken_from else ""


def _likeness(hit: Hit) -> list[tuple[str, str]]:
    now, confidence = strings(), "" if hit.matched else confidence_of(hit)
    return [*([(now.confidence, confidence)] if confidence else []), (now.score, f"{hit.score:.3f}")]
