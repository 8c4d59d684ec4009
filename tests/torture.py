"""How long the tests of hostile input run, and what they count: the same tests, bounded or for hours."""

from __future__ import annotations

import json
import os
from pathlib import Path


def rounds(n: int) -> int:
    """``n`` times ``PHOTOSEEK_TORTURE``, which is 1 where it is not set."""
    return n * int(os.environ.get("PHOTOSEEK_TORTURE") or 1)


def report(what: str, count: int) -> None:
    """Note a count as a line of JSON in the file that ``PHOTOSEEK_TORTURE_REPORT`` names, if it does."""
    if file := os.environ.get("PHOTOSEEK_TORTURE_REPORT"):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"what": what, "count": count}) + "\n")
