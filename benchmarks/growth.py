"""How much processor time do ten new photos in a gallery of 300,000 cost, until a search finds them?

Contestants: a delta of the ten photos, and a new base, which indexes all photos again. The gallery has files without
content, whose vectors are drawn in clusters; the new photos are real ones. Scanning the folder is also timed alone, and
so is a bare walk that reads the state of each file, which finding a changed photo takes at least. The gallery stays in
``build/benchmarks``, for the next run.

    python benchmarks/growth.py            # 3 minutes with a gallery of an earlier run, otherwise 6
    python benchmarks/growth.py 30000      # another size
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from contest import CACHE, HERE, write
from PIL import Image

from photoseek import Bundle, Gallery, Searcher
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.snapshot import build
from photoseek.sources.base import PhotoEntry, ScanGaps
from photoseek.vectors import normalize

PHOTOS = 300_000
NEW = 10
ROUNDS = 3
_FOLDER = 1_000  # photos in one folder
_SUBJECTS = 3_000


def seconds(work: Callable[[], Any]) -> dict[str, float]:
    """Return the processor and the wall time of a function."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {"cpu_s": time.process_time() - processor, "wall_s": time.perf_counter() - wall}


def make_gallery(root: Path, count: int) -> None:
    """Create a folder of empty files, and a gallery with a vector for each, without a snapshot."""
    shutil.rmtree(root, ignore_errors=True)
    for start in range(0, count, _FOLDER):
        folder = root / "photos" / f"{start // _FOLDER:04d}"
        folder.mkdir(parents=True)
        for number in range(start, min(count, start + _FOLDER)):
            (folder / f"IMG_{number:07d}.jpg").touch()
    bundle = Bundle.load("demo")
    rng = np.random.default_rng(0)
    subjects = rng.normal(size=(_SUBJECTS, bundle.dim)).astype(np.float32)
    with (
        Gallery.create(root / "photos", bundle, root / "gallery") as gallery,
        exclusive_writer(gallery.path),
        gallery.database.writing() as connection,
    ):
        found = list(gallery.photos.source.scan(ScanGaps()))
        for start in range(0, count, _FOLDER):
            part = found[start : start + _FOLDER]
            noise = rng.normal(size=(len(part), bundle.dim)).astype(np.float32)
            vectors = normalize(subjects[rng.integers(_SUBJECTS, size=len(part))] + 0.8 * noise)
            contents = [sha256(photo.path.encode()).hexdigest() for photo in part]
            _insert(connection, bundle.fingerprint, list(zip(part, contents, vectors, strict=True)))
        gallery.database.mark_changed()


def _insert(connection: Any, fingerprint: str, rows: list[tuple[PhotoEntry, str, np.ndarray]]) -> None:
    connection.executemany(
        "INSERT INTO photos (path, bytes, mtime_ns, ctime_ns, inode, sidecar, sha256, titles, camera) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, '', '')",
        [(*photo, content) for photo, content, _ in rows],
    )
    connection.executemany(
        "INSERT INTO vectors (sha256, fingerprint, width, height, vector, taken) VALUES (?, ?, 4000, 3000, ?, '')",
        [(content, fingerprint, vector.astype("<f4").tobytes()) for _, content, vector in rows],
    )


def add_photos(root: Path) -> dict[str, float]:
    """Add new photos, and return the time until a search finds one of them; in this process, with loaded towers."""
    rng = np.random.default_rng()
    names = [root / "photos" / "new" / f"{rng.integers(10**12)}.png" for _ in range(NEW)]
    names[0].parent.mkdir(exist_ok=True)
    for name in names:
        Image.fromarray(rng.integers(0, 255, (600, 800, 3), dtype=np.uint8)).save(name)
    with Gallery.open(root / "gallery", trust=True) as gallery:
        bundle = gallery.bundles.load()
        searcher = Searcher(gallery, bundle=bundle)
        query = searcher.query(photo=names[0])
        searcher.nearest(query, 1)
        bare = seconds(lambda: walk(str(root / "photos")))
        scan = seconds(lambda: list(gallery.photos.source.scan(ScanGaps())))
        index = seconds(lambda: gallery.index(bundle))
        search = seconds(lambda: expect(searcher.nearest(query, 1)[0].path, f"new/{names[0].name}"))
    parts = {"scan": scan, "walk": bare, "search": search}
    figures = {"all_cpu_s": index["cpu_s"] + search["cpu_s"]}
    figures |= {f"{name}_cpu_s": part["cpu_s"] for name, part in parts.items()}
    return {**figures, "wall_s": index["wall_s"] + search["wall_s"]}


def walk(folder: str) -> None:
    """Read the state of each file in a folder and its subfolders."""
    pending = [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    entry.stat()


def new_base(root: Path) -> dict[str, float]:
    """Index all photos again, and return the time."""
    build.MAX_DELTA = -1
    with Gallery.open(root / "gallery", trust=True) as gallery:
        bundle = gallery.bundles.load()
        with exclusive_writer(gallery.path), gallery.database.writing():
            gallery.database.mark_changed()
        found = seconds(lambda: gallery.index(bundle))
    return {"all_cpu_s": found["cpu_s"], "wall_s": found["wall_s"]}


def expect(found: str, expected: str) -> None:
    """Raise unless a search found a new photo."""
    if found != expected:
        raise SystemExit(f"expected {expected} to be found first, found {found}")


def main(count: int) -> None:
    """Make the gallery, index it, and add photos several times."""
    root = CACHE / f"growth-{count}"
    if not (root / "gallery" / "gallery.sqlite").exists():
        make_gallery(root, count)
    turns = {"new base": [one("base", root)], f"delta of {NEW} photos": [one("add", root) for _ in range(ROUNDS)]}
    rows = {
        name: {key: round(statistics.median(turn[key] for turn in found), 3) for key in found[0]}
        for name, found in turns.items()
    }
    base, delta = rows.values()
    delta["times less processor time"] = round(base["all_cpu_s"] / delta["all_cpu_s"], 1)
    question = f"processor time until {NEW} new photos among {count:,} are found"
    write("growth", question, rows, ROUNDS)


def one(what: str, root: Path) -> dict[str, float]:
    """Return the figures of a new process."""
    command = [sys.executable, str(HERE / "growth.py"), "--one", what, str(root)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps({"base": new_base, "add": add_photos}[sys.argv[2]](Path(sys.argv[3]))))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else PHOTOS)
