"""The current snapshot is followed at the cost of one system call, and its mapped vectors occupy no memory unread."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from photoseek.gallery.snapshot import current
from photoseek.gallery.snapshot.arrays import mmap_vectors, write_array
from photoseek.gallery.snapshot.current import CurrentSnapshot, clear_current, write_current
from vector_gallery import scattered

SHA256 = "0" * 64


def test_current_is_read_again_only_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str | None] = []
    read = current.current_id
    monkeypatch.setattr(current, "current_id", lambda gallery: reads.append(read(gallery)) or reads[-1])
    pointer = CurrentSnapshot(tmp_path)
    assert pointer.name() is None
    write_current(tmp_path, "000001", SHA256)
    assert [pointer.name(), pointer.name()] == ["000001"] * 2
    assert len(reads) == 3  # another change within the clock's resolution would be invisible
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3)
    assert [pointer.name(), pointer.name(), pointer.name()] == ["000001"] * 3
    assert len(reads) == 4
    write_current(tmp_path, "000002", SHA256)
    assert pointer.name() == "000002"
    clear_current(tmp_path)
    assert pointer.name() is None


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux")
def test_mapped_vectors_occupy_memory_only_after_they_are_read(tmp_path: Path) -> None:
    write_array(tmp_path / "vectors.npy", scattered(100_000, 16))

    def resident_kb() -> int:
        areas = re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text("utf-8"))
        found = [re.search(r"\nRss: +(\d+) kB", area) for area in areas if str(tmp_path) in area]
        return sum(int(each[1]) for each in found if each is not None)

    vectors = mmap_vectors(tmp_path / "vectors.npy", 100_000, 16)
    assert resident_kb() < 1_000
    assert np.isfinite(vectors.sum())
    assert resident_kb() > 6_000
