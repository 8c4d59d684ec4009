"""Thousands of damaged photos: each is decoded or refused with a reason, within limits of time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import decode_mutations
from photo_mutations import seeds
from torture import report, rounds

FORMATS = seeds()
ROUNDS = rounds(1)
EACH = 60  # photos of each format in one round


def test_the_seeds_are_valid_photos_of_every_format() -> None:
    assert {name: decode_mutations.outcome(data) for name, data in FORMATS.items()} == dict.fromkeys(FORMATS, "picture")


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_damaged_photo_is_a_picture_or_a_reason(turn: int) -> None:
    """In a process that turns warnings into errors, and with nothing on standard error."""
    lines = run(str(turn), EACH)
    outcomes = {line["format"]: line["outcomes"] for line in lines if "outcomes" in line}
    assert {name: sum(found.values()) for name, found in outcomes.items()} == dict.fromkeys(FORMATS, EACH)
    classes = set().union(*outcomes.values())
    assert {"picture", "OSError", "ValueError", "UnidentifiedImageError"} <= classes
    report("damaged photos", EACH * len(FORMATS))


def run(seed: str, count: int) -> list[dict[str, object]]:
    """Return the output of a process that decodes damaged photos; a failure names the last photo that it started."""
    script = Path(decode_mutations.__file__)
    paths = [str(script.parent), *sys.path]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), seed, str(count)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        timeout=600,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, ""), f"exit {done.returncode} at {lines[-1:]}: {done.stderr}"
    return [json.loads(line) for line in lines]
