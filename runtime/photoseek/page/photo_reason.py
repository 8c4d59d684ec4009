"""Why a photo cannot be read, in the language of the page."""

from __future__ import annotations

import re

from photoseek.page.strings import strings

_CUT = re.compile(r"damaged: the file ends after (\d+%) of the picture")


def photo_reason(reason: str) -> str:
    """Return the reason of a ``PhotoError``, translated if it is a frequent one."""
    now = strings()
    kind, _, detail = reason.partition(": ")
    if cut := _CUT.fullmatch(reason):
        return now.reason_cut.format(share=cut[1])
    if kind == "damaged" and detail:
        return now.reason_damaged.format(detail=detail)
    if reason.startswith("not a photo of a known format"):
        return now.reason_format
    known = {
        "the file is empty": now.reason_empty,
        "not a regular file": now.reason_irregular,
        "Permission denied": now.reason_denied,
    }
    return known.get(reason, reason)
