"""The facts of a photo on its card and in the viewer."""

from __future__ import annotations

from typing import Any

from photoseek.gallery.listing import ListedPhoto
from photoseek.page.exposure import is_shared
from photoseek.page.strings import strings
from photoseek.search.hits import Hit
from photoseek.system.filenames import decode_filename

_VERY_LIKELY, _LIKELY = 0.75, 0.4  # confidences


def card_facts(photo: Hit | ListedPhoto, best_score: float = 0.0) -> dict[str, Any]:
    """Return the date and, of a hit, its likeness in [0, 1] with a word and exact values, and which text matches.

    The likeness is the confidence. Without one, it is the cosine, compared with the one of the best hit; a text that
    the bundle does not read has none.
    """
    facts = {
        "date": (photo.taken or "")[:10],
        **({"incomplete": strings().incomplete} if photo.incomplete else {}),
    }
    if isinstance(photo, ListedPhoto) or (photo.from_unread_text and not photo.matched):
        return facts
    confidence = photo.confidence
    likeness = confidence if confidence is not None else photo.score / best_score if best_score > 0 else 0.0
    return {
        **facts,
        "likeness": round(min(max(likeness, 0.0), 1.0), 3),
        "word": likeness_word(photo),
        "exact": " · ".join(f"{name} {value}" for name, value in _likeness(photo)),
        "matched": matched_in(photo),
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
    """Return how likely a hit matches by its calibrated confidence; an empty string if the bundle is not calibrated."""
    now = strings()
    if hit.low_confidence:
        return now.less_likely
    if hit.confidence is None:
        return ""
    if hit.confidence >= _VERY_LIKELY:
        return now.very_likely
    return now.likely if hit.confidence >= _LIKELY else now.possible


def matched_in(hit: Hit) -> str:
    """Return the field that contains the words of the query, or an empty string."""
    now = strings()
    fields = {"name": now.in_name, "title": now.in_title, "keyword": now.in_keyword, "folder": now.in_folder}
    return fields[hit.matched] if hit.matched else ""


def copied_path(hit: Hit | ListedPhoto) -> str | None:
    """Return the path that the viewer copies, or None if the page is shared."""
    return None if is_shared() else decode_filename(str(hit.file))


def confidence_of(hit: Hit) -> str:
    """Return the confidence of a hit in percent, or an empty string if the bundle is not calibrated."""
    if hit.confidence is None:
        return ""
    percent = round(100 * hit.confidence)
    return "> 99 %" if percent > 99 else "< 1 %" if percent < 1 else f"{percent} %"


def _date_of(hit: Hit | ListedPhoto) -> str:
    """Return the date of a photo, and where it comes from."""
    now = strings()
    names = {"exif": "EXIF", "xmp": "XMP", "sidecar": now.date_of_sidecar, "name": now.date_of_name}
    return f"{hit.taken} ({names[hit.taken_from]})" if hit.taken and hit.taken_from else ""


def _likeness(hit: Hit) -> list[tuple[str, str]]:
    now, confidence = strings(), "" if hit.matched else confidence_of(hit)
    return [*([(now.confidence, confidence)] if confidence else []), (now.score, f"{hit.score:.3f}")]
