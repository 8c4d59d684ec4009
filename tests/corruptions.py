"""Damage to the files of a gallery, and its effect; as a script, the process that may crash.

``python tests/corruptions.py TEMPLATE OTHER WORK`` reads trials from standard input, a line of JSON each, and writes an
outcome for each: ``right``, the name of an error of photoseek, or a sentence that begins with ``wrong``.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from changing_gallery import Answers, answers
from photoseek import Bundle, Gallery
from photoseek.errors import PhotoseekError
from photoseek.vector_index.registry import ENGINES, is_available
from typed_commands import environment

DATABASE = "gallery.sqlite"
_SECONDS = 20  # per trial; a longer one counts as a hang
_INDEXED = 40  # one of this many trials is followed by indexing


@dataclass(frozen=True)
class Trial:
    """Damage to one file, given by its path in the gallery."""

    file: str
    kind: str
    at: int = 0
    other: str = ""
    index: bool = False

    def apply(self, gallery: Path, foreign: Path) -> None:
        """Damage the file; ``foreign`` is a gallery of other photos."""
        path = gallery / self.file
        content = path.read_bytes()
        if self.kind == "delete":
            path.unlink()
        elif self.kind == "swap":
            path.write_bytes((gallery / self.other).read_bytes())
            (gallery / self.other).write_bytes(content)
        elif self.kind == "foreign":
            path.write_bytes((foreign / self.file).read_bytes())
        else:
            path.write_bytes(self._damaged(content))

    def _damaged(self, content: bytes) -> bytes:
        if self.kind == "truncate":
            return content[: self.at]
        if self.kind == "zeros":
            return content[: self.at] + bytes(len(content) - self.at)
        if self.kind == "garbage":
            return random.Random(self.at).randbytes(len(content))
        if self.kind == "longer":
            return content + bytes(self.at)
        flipped = bytearray(content)
        flipped[self.at // 8] ^= 1 << self.at % 8
        return bytes(flipped)


def trials_over(gallery: Path, flips: int, rng: random.Random) -> list[Trial]:
    """Return every kind of damage to every file, at the boundaries of pages, headers and nodes and at random."""
    current = (gallery / "CURRENT").read_text().split()[0]
    paths = [*gallery.glob("*"), *(gallery / "generations" / current).glob("*")]
    files = sorted(path.relative_to(gallery).as_posix() for path in paths if path.is_file() and path.name != "LOCK")
    found = []
    for file in files:
        size = (gallery / file).stat().st_size
        lengths = {0, 76, 128, 4096, size - 76, size - 1}
        cuts = sorted({*(at for at in lengths if 0 <= at < size), rng.randrange(size + 1)})
        found += [Trial(file, kind, at) for kind in ("truncate", "zeros") for at in cuts if at < size]
        found += [Trial(file, kind, rng.randrange(1, 99)) for kind in ("delete", "garbage", "longer", "foreign")]
        found += [Trial(file, "swap", other=other) for other in files if other > file]
        found += [Trial(file, "flip", rng.randrange(8 * size)) for _ in range(flips) if size]
    return [Trial(**{**asdict(each), "index": number % _INDEXED == 0}) for number, each in enumerate(found)]


def outcomes(trials: Sequence[Trial], template: Path, foreign: Path, work: Path) -> Iterator[tuple[Trial, str]]:
    """Return the result of each damage, from child processes: a new one after each crash."""
    left = list(trials)
    while left:
        command = [sys.executable, __file__, str(template), str(foreign), str(work)]
        lines = "".join(json.dumps(asdict(trial)) + "\n" for trial in left)
        done = subprocess.run(command, input=lines, capture_output=True, text=True, env=environment())
        printed = done.stdout.splitlines()
        yield from zip(left, printed, strict=False)
        left = left[len(printed) :]
        if left:
            yield left.pop(0), f"wrong: the process ended with {done.returncode}: {done.stderr[-2000:]}"


def _try(trial: Trial, template: Path, foreign: Path, work: Path, bundle: Bundle, expected: Answers) -> str:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(template, work)
    trial.apply(work / ".photoseek", foreign / ".photoseek")
    outcome = "right"
    with suppress(PhotoseekError), Gallery.open(work) as gallery:
        gallery.verify()
        outcome = "right, and unnoticed" if trial.kind != "none" else outcome
    for engine in filter(is_available, ENGINES):
        try:
            with Gallery.open(work) as gallery:
                found = answers(gallery, bundle, engine)
        except PhotoseekError as error:
            return type(error).__name__
        if found != expected:
            return f"wrong: {engine} answers {found}"
    if trial.index and trial.file != DATABASE and trial.other != DATABASE:
        with Gallery.open(work) as gallery:
            gallery.index()
            gallery.verify()
            if answers(gallery, bundle) != expected:
                return "wrong: indexed, and not cured"
    return outcome


def main() -> None:
    """Run the trials that standard input lists."""
    template, foreign, work = map(Path, sys.argv[1:])
    with Gallery.open(template) as gallery:
        bundle = gallery.bundles.load()
        expected = answers(gallery, bundle)
    for line in sys.stdin:
        signal.alarm(_SECONDS)
        print(_try(Trial(**json.loads(line)), template, foreign, work, bundle, expected), flush=True)
        signal.alarm(0)


if __name__ == "__main__":
    main()
