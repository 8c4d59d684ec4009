"""Duration and counts of the torture tests.

``PHOTOSEEK_TORTURE`` multiplies their rounds (1: a few seconds each), ``PHOTOSEEK_TORTURE_SEED`` repeats a run, and
``PHOTOSEEK_TORTURE_REPORT`` names a file to which counts are appended, one JSON object per line.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path


def rounds(count: int) -> int:
    """Return ``count`` times the factor, at least 1."""
    return max(1, round(count * float(os.environ.get("PHOTOSEEK_TORTURE", "1"))))


def seconds(short: float, long: float) -> float:
    """Return ``short``, or ``long`` if the factor is 10 or more."""
    return long if float(os.environ.get("PHOTOSEEK_TORTURE", "1")) >= 10 else short


def seed(what: str) -> int:
    """Return and print the seed of a test's random choices: the given one, or a new one each time."""
    chosen = int(os.environ.get("PHOTOSEEK_TORTURE_SEED", random.randrange(2**31)))
    print(f"{what}: PHOTOSEEK_TORTURE_SEED={chosen}")
    return chosen


def report(what: str, count: int) -> None:
    """Record how often an action succeeded."""
    print(f"{what}: {count:,}")
    if file := os.environ.get("PHOTOSEEK_TORTURE_REPORT"):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"what": what, "count": count}) + "\n")
