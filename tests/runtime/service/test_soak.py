"""A service under load of any duration: its folder changes, indexing is killed, indexes are damaged."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from changing_gallery import index_in_a_child
from photoseek import Bundle, Gallery
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.gallery.snapshot.current import current_id
from running_service import client_of, process
from tiny_bundle import COLORS
from tiny_photos import write_color
from torture import report, seconds, seed
from typed_commands import environment

CALLERS = 4
MOST = 40  # changing photos
ODD = ["", "+", "\ud800", "[SEP]", "x" * 100_000, "red - red", "\0", "2:red + -", "🙂" * 500]
GROWTH = 40_000_000  # bytes: memory that allocators retain after a few million requests


class Folder:
    """Photos that change and photos that do not, with every valid score of each path."""

    def __init__(self, root: Path, bundle: Bundle, rng: random.Random) -> None:
        self.root, self.rng = root, rng
        self._encoder = ImageEncoder(bundle)
        self._query = TextEncoder(bundle).encode(["red"])[0]
        self.scores: dict[str, set[float]] = {}
        for path in root.rglob("*.png"):
            self._note(path)

    def change(self) -> None:
        """Add, change, rename or remove a photo."""
        names = sorted((self.root / "changing").glob("*.png"))
        kind = self.rng.choice(["add", "add", "change", "rename", "remove"])
        if not names or (kind == "add" and len(names) < MOST):
            self._write(self.root / "changing" / f"{self.rng.randrange(10**6)}.png")
        elif kind == "change":
            self._write(self.rng.choice(names))
        elif kind == "rename":
            new = self.root / "changing" / f"{self.rng.randrange(10**6)}.png"
            self._note(self.rng.choice(names).replace(new))
        else:
            self.rng.choice(names).unlink()

    def expect(self, hits: list[dict[str, object]]) -> None:
        """Expect ordered hits, each with a score of a content that its path has had.

        The query also matches the folder "red" by name, whose photos may come before others with a higher score.
        """
        by_match: dict[object, list[float]] = {None: [], "folder": []}
        for hit in hits:
            path, score = str(hit["path"]), float(str(hit["score"]))
            assert (hit.get("matched") == "folder") == path.startswith("red/"), hit
            assert any(abs(score - known) < 1e-4 for known in self.scores[path]), hit
            by_match[hit.get("matched")].append(score)
        for scores in by_match.values():
            assert scores == sorted(scores, reverse=True)

    def _write(self, path: Path) -> None:
        draft = write_color(path.with_suffix(".draft.png"), COLORS["red"], seed=self.rng.randrange(2**31))
        self._note(draft, path)
        draft.replace(path)

    def _note(self, file: Path, path: Path | None = None) -> None:
        """Store the score of a file before readers can see it."""
        name = (path or file).relative_to(self.root).as_posix()
        self.scores.setdefault(name, set()).add(float(self._encoder.encode([file])[0] @ self._query))


def call(port: int, folder: Folder, photo: bytes, stop: threading.Event) -> Counter[str]:
    """Search until stopped; expect unchanged photos in every response, and no photo that never existed."""
    rng, counts = random.Random(threading.get_ident()), Counter[str]()
    with client_of(port) as client:
        while not stop.is_set():
            found = client.post("/v1/search", json={"text": "red", "k": rng.randrange(1, 30)})
            assert found.status_code == 200, found.text
            folder.expect(found.json()["hits"])
            stays = client.post("/v1/search", json={"text": "blue", "k": 4, "folder": rng.choice(["blue", None])})
            assert {hit["path"] for hit in stays.json()["hits"]} == {f"blue/blue-{n}.png" for n in range(4)}, stays.text
            like = client.post("/v1/search", files={"photo": photo}, data={"k": "1"})
            assert like.json()["hits"][0]["path"] == "blue/blue-1.png", like.text
            odd = client.post(
                "/v1/search",
                content=json.dumps({"text": rng.choice(ODD)}),
                headers={"Content-Type": "application/json"},
            )
            assert odd.status_code in (200, 422), odd.text
            counts.update(answered=3, odd=1)
    return counts


def usage(pid: int) -> tuple[int, int, int]:
    """Return open files, threads, and bytes of memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")), pages * os.sysconf("SC_PAGE_SIZE")


def torment(folder: Folder, gallery: Path, counts: Counter[str]) -> None:
    """Change and index the folder; sometimes kill the indexing or damage an index."""
    for _ in range(folder.rng.randrange(1, 5)):
        folder.change()
    if folder.rng.random() < 0.3:
        code = "import sys; from photoseek import Gallery; Gallery.open(sys.argv[1]).index()"
        with subprocess.Popen([sys.executable, "-c", code, str(folder.root)], env=environment()) as child:
            time.sleep(folder.rng.uniform(0.2, 2))
            child.kill()
        counts["kills"] += 1
    if folder.rng.random() < 0.2 and (name := current_id(gallery)):
        damage(gallery / "generations" / name / "index.ann", folder.rng)
        counts["damaged indexes"] += 1
    done = index_in_a_child(folder.root)
    assert done.returncode == 0, done.stderr
    counts["indexings"] += 1


def damage(file: Path, rng: random.Random) -> None:
    """Replace a file by a damaged copy; open files keep their content."""
    content = bytearray(file.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    draft = file.with_suffix(".damaged")
    draft.write_bytes(content)
    draft.replace(file)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_service_under_load_is_correct_and_does_not_grow(gallery: Gallery, photos: Path, tiny_bundle: Bundle) -> None:
    folder = Folder(photos, tiny_bundle, random.Random(seed("soak")))
    (photos / "changing").mkdir()
    lasts, counts, stop = seconds(8, 20 * 60), Counter[str](), threading.Event()
    with process("--gallery", gallery.path) as (service, client), ThreadPoolExecutor(CALLERS) as pool:
        port, began, usages = client.base_url.port, time.monotonic(), []
        assert port is not None
        photo = (photos / "blue" / "blue-1.png").read_bytes()
        callers = [pool.submit(call, port, folder, photo, stop) for _ in range(CALLERS)]
        try:
            while time.monotonic() - began < lasts and not any(caller.done() for caller in callers):
                torment(folder, gallery.path, counts)
                usages.append(usage(service.pid))
        finally:
            stop.set()
        for caller in callers:
            counts += caller.result()
        assert client.get("/readyz").json()["status"] == "ready"
        expect_flat(usages)
    assert counts["indexings"] > 1
    for what, count in sorted(counts.items()):
        report(f"soak of a service, {what}", count)
    report("soak of a service, seconds", round(time.monotonic() - began))


def expect_flat(usages: list[tuple[int, int, int]]) -> None:
    """Expect the same usage in both halves of a long run."""
    files, threads, memory = np.array(usages).T
    middle = len(usages) // 2
    if middle >= 10:
        assert files[middle:].max() <= files[:middle].max() + 3
        assert threads[middle:].max() <= threads[:middle].max()
        assert np.median(memory[middle:]) - np.median(memory[:middle]) < GROWTH


def test_the_client_detects_wrong_hits(photos: Path, tiny_bundle: Bundle) -> None:
    folder = Folder(photos, tiny_bundle, random.Random(0))
    scores = {path: next(iter(known)) for path, known in folder.scores.items()}

    def hits(start: str, **matched: str) -> list[dict[str, object]]:
        found = [{"path": path, "score": score, **matched} for path, score in scores.items() if path.startswith(start)]
        return sorted(found, key=lambda hit: -float(str(hit["score"])))

    others, named = hits("blue/"), hits("red/", matched="folder")
    folder.expect([*named, *others])
    folder.expect([*others, *named])
    for wrong in (
        [{**named[0], "score": float(str(named[0]["score"])) - 0.01}],
        named[::-1],
        others[::-1],
        hits("red/"),
        hits("blue/", matched="folder"),
    ):
        with pytest.raises(AssertionError):
            folder.expect(wrong)
    with pytest.raises(KeyError):
        folder.expect([{"path": "never.png", "score": 0.9}])
