"""One text query from a new process with CLIP ViT-B/32: ``photoseek search`` against ``rclip``, 96 photos.

    python benchmarks/clip_cold.py

Both have the same weights, see ``clip_models.py``; rclip runs with ``--no-indexing``. The first start of photoseek,
which fills its cache, is not counted. Processor time is that of the process from start to end.
"""

from __future__ import annotations

import os
import statistics
import time

from contest import CACHE, milliseconds, process_costs, write
from photos import jpegs

import clip_models
from photoseek import Bundle, Gallery

_STARTS = 11
_QUERY = "a red car next to a tree at night"


def main() -> None:
    """Run the benchmark and write the result."""
    photos = jpegs("1024")[0].parent
    environment = {**os.environ, "RCLIP_DATADIR": str(clip_models.RCLIP), "XDG_CACHE_HOME": str(CACHE / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled modules
    gallery = Gallery.open_or_create(photos, Bundle.load(clip_models.BUNDLE), CACHE / "clip/gallery", rebuild=True)
    gallery.index()
    search = ["-m", "photoseek", "search", _QUERY, "--gallery", str(gallery.path), "--json", "--precision"]
    commands = {
        "photoseek int8": [*search, "int8"],
        "photoseek fp32": [*search, "fp32"],
        "rclip": ["-m", "rclip", "--no-indexing", _QUERY],
    }
    process_costs(["-m", "rclip", _QUERY], photos, environment)  # indexes the photos
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(_STARTS + 2):
        for name, command in commands.items():
            costs = process_costs(command, photos, environment)
            if turn >= 2:  # the first ones fill photoseek's and the system's caches
                found[name].append(costs)
        time.sleep(0 if turn else 3)  # hashes of files that are so new are not cached
    rows = {
        name: {
            "processor_ms": round(1000 * statistics.median(processor for processor, _ in costs), 1),
            **milliseconds([seconds for _, seconds in costs]),
        }
        for name, costs in found.items()
    }
    write("clip_cold", "Milliseconds of one query from a new process, CLIP ViT-B/32", rows, _STARTS)


if __name__ == "__main__":
    main()
