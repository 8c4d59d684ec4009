"""The facts of a photo on its card and in the viewer."""

from __future__ import annotations

from typing import Any

from photoseek.page.exposure import is_shared
from photoseek.page.strings import strings
from photoseek.search.hits import Hit
from photoseek.system.filenames import decode_filename


def card_facts(hit: Hit, best_score: float) -> dict[str, Any]:
    """Return the date, the likeness in [0, 1] with its exact values, and which text contains the words of the query.

    The likeness is the confidence. Without one, it is the cosine, compared with the one of the best hit.
    """
    likeness = hit.confidence if hit.confidence is not None else hit.score / best_score if best_score > 0 else 0.0
    return {
        "date": (hit.taken or "")[:10],
        "likeness": round(min(max(likeness, 0.0), 1.0), 3),
        "exact": " · ".join(f"{name} {value}" for name, value in _likeness(hit)),
        "matched": matched_in(hit),
        **({"incomplete": strings().incomplete} if hit.incomplete else {}),
    }


def viewer_facts(hit: Hit) -> list[tuple[str, str]]:
    """Return the name and the value of each fact in the viewer."""
    now = strings()
    incomplete = f", {now.incomplete}" if hit.incomplete else ""
    rows = [
        (now.taken, _date_of(hit)),
        (now.size, f"{hit.width} × {hit.height} ({hit.width * hit.height / 1e6:.1f} MP){incomplete}"),
        (now.file, hit.path),
        (now.matched, matched_in(hit)),
        *_likeness(hit),
        *((now.score_by.format(bundle=each.bundle), f"{each.score:.3f}") for each in hit.scores[1:] if each.score),
    ]
    return [(name, value) for name, value in rows if value]


def matched_in(hit: Hit) -> str:
    """Return the field that contains the words of the query, or an empty string."""
    now = strings()
    fields = {"name": now.in_name, "title": now.in_title, "keyword": now.in_keyword, "folder": now.in_folder}
    return fields[hit.matched] if hit.matched else ""


def copied_path(hit: Hit) -> str | None:
    """Return the path that the viewer copies, or None if the page is shared."""
    return None if is_shared() else decode_filename(str(hit.file))


def confidence_of(hit: Hit) -> str:
    """Return the confidence of a hit in percent, or an empty string if the bundle is not calibrated."""
    if hit.confidence is None:
        return ""
    percent = round(100 * hit.confidence)
    return "> 99 %" if percent > 99 else "< 1 %" if percent < 1 else f"{percent} %"


def _date_of(hit: Hit) -> str:
    """Return the date of a photo, and where it comes from."""
    now = strings()
    names = {"exif": "EXIF", "xmp": "XMP", "sidecar": now.date_of_sidecar, "name": now.date_of_name}
    return f"{hit.taken} ({names[hit.taken_from]})" if hit.taken and hit.taken_from else ""


def _likeness(hit: Hit) -> list[tuple[str, str]]:
    now, confidence = strings(), "" if hit.matched else confidence_of(hit)
    return [*([(now.confidence, confidence)] if confidence else []), (now.score, f"{hit.score:.3f}")]
