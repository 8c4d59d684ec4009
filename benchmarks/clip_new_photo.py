"""One new photo in a folder of 81: ``photoseek index`` and ``photoseek search`` against ``rclip``, CLIP ViT-B/32.

    python benchmarks/clip_new_photo.py

Both have the same weights, see ``clip_models.py``. ``rclip QUERY`` indexes what is new and answers, in one process;
photoseek does so in two. Each turn copies a photo of 1024 x 768 into the folder and removes it afterwards. Processor
time is that of the processes from start to end.
"""

from __future__ import annotations

import os
import shutil
import statistics
from pathlib import Path

from contest import CACHE, process_costs, write
from photos import jpegs

import clip_models

_PHOTOS, _ROUNDS = 81, 5
_QUERY = "a red car next to a tree at night"


def main() -> None:
    """Run the benchmark and write the result."""
    folder, environment = _folder(), {**os.environ, "XDG_CACHE_HOME": str(CACHE / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled modules
    gallery = CACHE / "clip/new-photo-gallery"
    shutil.rmtree(gallery, ignore_errors=True)
    index = ["-m", "photoseek", "index", str(folder), "--gallery", str(gallery)]
    search = ["-m", "photoseek", "search", _QUERY, "--gallery", str(gallery), "--json"]
    rclip = CACHE / "clip/new-photo-rclip"
    shutil.rmtree(rclip, ignore_errors=True)
    shutil.copytree(clip_models.RCLIP, rclip, ignore=shutil.ignore_patterns("*.sqlite3*", "*.db"))
    environment["RCLIP_DATADIR"] = str(rclip)
    process_costs([*index, "--bundle", str(clip_models.BUNDLE)], folder, environment)
    process_costs(search, folder, environment)
    process_costs(["-m", "rclip", _QUERY], folder, environment)
    found: dict[str, list[tuple[float, ...]]] = {"photoseek": [], "rclip": []}
    for turn in range(_ROUNDS):
        new = folder / f"new-{turn}.jpg"
        shutil.copyfile(jpegs("1024")[_PHOTOS + turn], new)
        indexed, searched = (process_costs(command, folder, environment) for command in (index, search))
        found["photoseek"].append((indexed[0] + searched[0], indexed[1] + searched[1], indexed[0], searched[0]))
        found["rclip"].append(process_costs(["-m", "rclip", _QUERY], folder, environment))
        new.unlink()
    names = ("processor_ms", "wall_ms", "of it index", "of it search")
    rows = {
        name: {
            figure: round(1000 * statistics.median(values), 1)
            for figure, values in zip(names, zip(*turns, strict=True), strict=False)
        }
        for name, turns in found.items()
    }
    write("clip_new_photo", "Milliseconds until one new photo among 81 is found, CLIP ViT-B/32", rows, _ROUNDS)


def _folder() -> Path:
    folder = CACHE / "clip/new-photo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for photo in jpegs("1024")[:_PHOTOS]:
        shutil.copyfile(photo, folder / photo.name)
    return folder


if __name__ == "__main__":
    main()
