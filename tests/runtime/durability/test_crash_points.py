"""Kills and disk errors at each system call that changes the gallery leave the old state or the new one."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from changing_gallery import REFUSED, Changing, index_in_a_child
from torture import report, rounds, seed

CALLS = (
    *("write", "pwrite64", "fsync", "fdatasync", "ftruncate"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "rmdir"),
)
FAULTS = {
    "signal=SIGKILL": CALLS,
    "error=ENOSPC": ("write", "pwrite64", "ftruncate", "mkdir"),
    "error=EIO": tuple(call for call in CALLS if call != "rmdir"),
}
TRACE = ("strace", "-f", "-y", "-s", "0", "-e", "signal=none")
POINTS = 6  # in one round


@dataclass(frozen=True)
class Call:
    """A system call of a traced process: the ``number``-th of its name in its thread, from 1."""

    name: str
    number: int
    arguments: str


@pytest.fixture(scope="module", params=["one bundle", "two bundles", "delta"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def changing(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Changing:
    return Changing.make(tmp_path_factory.mktemp("changing"), additional=kind == "two bundles")


@pytest.fixture(scope="module")
def calls(changing: Changing, kind: str, tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """The system calls on the gallery during indexing without faults, in order."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run([*TRACE, "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        pytest.skip("strace may not trace here")
    folder = tmp_path_factory.mktemp("traced")
    photos = changing.copy(folder / "photos")
    trace = [*TRACE, "-e", f"trace={','.join(CALLS)}", "-o", str(folder / "log")]
    done = index_in_a_child(photos, trace, delta=kind == "delta")
    assert done.returncode == 0, done.stderr
    return [call for call in traced(folder / "log") if f"{photos}/.photoseek" in call.arguments]


def traced(log: Path) -> list[Call]:
    """Return the system calls in an strace log, numbered per thread, as ``when`` counts them."""
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for line in log.read_text("utf-8", "replace").splitlines():
        if match := re.match(r"(\d+) +(\w+)\((.*)", line):
            thread, name, arguments = match.groups()
            counts[thread, name] += 1
            found.append(Call(name, counts[thread, name], arguments))
    return found


def test_a_fault_at_any_call_leaves_the_old_state_or_the_new_one(
    changing: Changing, kind: str, calls: list[Call], tmp_path: Path
) -> None:
    points = [(fault, call) for fault, names in FAULTS.items() for call in calls if call.name in names]
    stride = max(1, len(points) // rounds(POINTS))
    chosen = points[seed("crash points") % stride :: stride]
    hit = broken = 0
    for fault, call in chosen:
        photos = changing.copy(tmp_path / "photos")
        log = tmp_path / "log"
        inject = ["-e", f"trace={call.name}", "-e", f"inject={call.name}:{fault}:when={call.number}"]
        done = index_in_a_child(photos, [*TRACE, *inject, "-o", str(log)], delta=kind == "delta")
        message = f"{fault} at {call}: {done.returncode} {done.stderr}"
        # an error during cleanup may be ignored
        ends = {-signal.SIGKILL, 128 + signal.SIGKILL} if "SIGKILL" in fault else {0, REFUSED}
        hit += (was_hit := "(INJECTED)" in log.read_text("utf-8", "replace") or done.returncode in ends - {0, REFUSED})
        assert done.returncode in (ends if was_hit else {0}), message
        try:
            broken += changing.check(photos)
        except Exception as error:
            raise AssertionError(message) from error
    assert hit > 0.6 * len(chosen)  # the number of trees tried, and so of calls, depends on timing
    report(f"crash points of {len(points)}", hit)
    report("crash points after which verify reported a problem that the next indexing repaired", broken)


@pytest.mark.parametrize("additional", [False, True], ids=["primary", "additional"])
def test_a_snapshot_is_synced_before_current_names_it(
    changing: Changing, kind: str, calls: list[Call], additional: bool
) -> None:
    """fsync(each file), rename(generation), fsync(its folder), fsync(new pointer), rename(pointer), fsync(gallery)."""
    if additional and changing.additional is None:
        pytest.skip("a gallery of one bundle")
    calls = [call for call in calls if ("/bundles/" in call.arguments) == additional]
    top = r"/bundles/\w+" if additional else r"/\.photoseek"

    def places(name: str, pattern: str) -> list[int]:
        return [at for at, call in enumerate(calls) if call.name == name and re.search(pattern, call.arguments)]

    moved = places("rename", r'\.partial", ".*/generations/\d+"')
    named = places("rename", r'/CURRENT\.\d+\.partial", ".*/CURRENT"')
    assert (len(moved), len(named)) == (1, 1)
    last = "removed.npy" if kind == "delta" else "index.ann"
    for file in ("ids.npy", "vectors.npy", last, r"manifest\.json\.\d+\.partial"):
        written, synced = places("write", rf"partial/{file}"), places("fsync", rf"partial/{file}>")
        assert len(synced) == 1, file
        assert max(written, default=0) < synced[0] < moved[0], file
    folder = places("fsync", r"/generations/\d+\.partial>")
    assert max(places("rename", r'partial/[\w.]+", ')) < max(folder) < moved[0]
    assert moved[0] < places("fsync", r"/generations>")[0] < named[0]
    assert places("write", r"/CURRENT\.")[-1] < places("fsync", r"/CURRENT\.\d+\.partial>")[0] < named[0]
    assert named[0] < places("fsync", rf"{top}>")[0]
    removed = places("unlinkat", r"/generations/\d+>")
    assert not removed or named[0] < min(removed)
