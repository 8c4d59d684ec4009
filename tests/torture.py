"""How long the tests that could go on for ever go on: bounded as a rule, and ``PHOTOSEEK_TORTURE`` times as long."""

from __future__ import annotations

import json
import os
from pathlib import Path

FACTOR = int(os.environ.get("PHOTOSEEK_TORTURE") or 1)


def rounds(count: int) -> int:
    """How many rounds a test runs, of which it runs ``count`` as a rule."""
    return count * FACTOR


def report(what: str, count: int) -> None:
    """Note what was done, as a JSON line of the file that ``PHOTOSEEK_TORTURE_REPORT`` names, if it names one."""
    if name := os.environ.get("PHOTOSEEK_TORTURE_REPORT"):
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, "count": count}) + "\n")
