"""How long does ``photoseek info`` take for a gallery of a million photos, in a new process?

    python benchmarks/info.py

``photoseek info demo`` describes a bundle: the time of Python and of the command line. Creating the gallery takes some
minutes, once.
"""

from __future__ import annotations

import os
import sys

from contest import Contest, process_costs
from synthetic_gallery import synthetic_gallery

_COUNT = 1_000_000


def _costs(*arguments: str) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = ["-m", "photoseek", *arguments]
    process_costs(command, environment=environment)  # compiles modules, as users have them
    processor, wall = process_costs(command, environment=environment)
    return {"processor_ms": round(1000 * processor, 1), "wall_ms": round(1000 * wall, 1)}


CONTEST = Contest(
    "info",
    f"Milliseconds of `photoseek info` from a new process, {_COUNT:,} photos",
    {
        "photoseek info": lambda: _costs("info", str(synthetic_gallery(_COUNT))),
        "photoseek info demo": lambda: _costs("info", "demo"),
    },
)

if __name__ == "__main__":
    synthetic_gallery(_COUNT)
    CONTEST.main(sys.argv[1:], rounds=5)
