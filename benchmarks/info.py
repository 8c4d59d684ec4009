"""How long does ``photoseek info`` take for a gallery of a million photos, in a new process?

    python benchmarks/info.py

``photoseek --version`` is the time of Python and of the command line alone. Creating the gallery takes some minutes,
once.
"""

from __future__ import annotations

import sys

from contest import Contest, process_costs
from synthetic_gallery import synthetic_gallery

_COUNT = 1_000_000


def _costs(*arguments: str) -> dict[str, float]:
    processor, wall = process_costs(["-m", "photoseek", *arguments])
    return {"processor_ms": round(1000 * processor, 1), "wall_ms": round(1000 * wall, 1)}


CONTEST = Contest(
    "info",
    f"Milliseconds of `photoseek info` from a new process, {_COUNT:,} photos",
    {
        "photoseek info": lambda: _costs("info", str(synthetic_gallery(_COUNT))),
        "photoseek --version": lambda: _costs("--version"),
    },
)

if __name__ == "__main__":
    synthetic_gallery(_COUNT)
    CONTEST.main(sys.argv[1:], rounds=5)
