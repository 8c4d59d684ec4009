"""Print the extras for users, without those for development and benchmarks."""

from __future__ import annotations

import tomllib
from pathlib import Path

_OURS = {"bench", "bench-clip", "dev"}


def extras() -> list[str]:
    """Return the names of the extras for users."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    return [name for name in project["optional-dependencies"] if name not in _OURS]


if __name__ == "__main__":
    print(*extras())
