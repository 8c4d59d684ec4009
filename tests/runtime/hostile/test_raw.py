"""Thousands of damaged raw files: each is decoded or refused with a reason, within limits of time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import decode_mutations
from photo_mutations import raw_seeds
from photoseek.photos import formats
from torture import report, rounds

pytestmark = pytest.mark.skipif(not formats.has_extra("raw"), reason="rawpy is not installed")
EACH = 200


def test_the_seeds_are_valid() -> None:
    assert {decode_mutations.outcome(data) for data in raw_seeds().values()} == {"picture"}


@pytest.mark.parametrize("turn", range(rounds(1)))
def test_a_damaged_raw_file_is_a_picture_or_a_reason(turn: int) -> None:
    """LibRaw prints about some of them, and rawpy has no switch for that."""
    script = Path(decode_mutations.__file__)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(turn), str(EACH), "raw"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(script.parent), *sys.path])},
        timeout=600,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr[-2_000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = {line["format"]: line["outcomes"] for line in lines if "outcomes" in line}
    assert {name: sum(found.values()) for name, found in outcomes.items()} == dict.fromkeys(raw_seeds(), EACH)
    assert {"picture", "PhotoError"} <= set().union(*outcomes.values())
    report("damaged raw files", EACH * len(outcomes))
