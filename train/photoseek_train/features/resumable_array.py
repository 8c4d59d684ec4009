"""Resumable computation of feature rows: an interruption costs seconds of work."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.system.atomic_write import fsync_file, write_json_atomic
from photoseek_train.progress import ProgressCallback, no_progress

Features = npt.NDArray[np.float32]
"""Features of a tower, (n, width)."""

Encode = Callable[[Sequence[int]], Iterable[Features]]
"""Maps positions to their features, in order and in batches."""

COMMIT_SECONDS = 5.0
"""Interval between commits: the work that an interruption can lose."""


@dataclass(frozen=True)
class ResumableArray:
    """An array that is filled from the first row: ``NAME.npy``, and ``NAME.json`` with the number of complete rows.

    Attributes:
        folder: Folder of both files.
        name: Name of the table.
        identity: What the rows depend on; partial results with another identity are deleted.
        width: Dimension of a row.
        commit_seconds: Interval between commits.
    """

    folder: Path
    name: str
    identity: dict[str, Any]
    width: int
    commit_seconds: float = COMMIT_SECONDS

    @property
    def array(self) -> Path:
        """The file of the rows."""
        return self.folder / f"{self.name}.npy"

    @property
    def state(self) -> Path:
        """The file with the number of complete rows."""
        return self.folder / f"{self.name}.json"

    def run(self, keys: Sequence[str], encode: Encode, progress: ProgressCallback = no_progress) -> Features:
        """Return the row of every key, (keys, width); continues an interrupted run for the same keys."""
        cache_key = hashlib.sha256(json.dumps([self.identity, list(keys)], sort_keys=True).encode()).hexdigest()
        done = self._completed_rows(cache_key)
        rows = self._open(len(keys), fresh=done == 0)
        committed = time.monotonic()
        progress(self.name, done, len(keys))
        for part in encode(range(done, len(keys))):
            rows[done : done + len(part)] = part
            done += len(part)
            progress(self.name, done, len(keys))
            if time.monotonic() - committed > self.commit_seconds:
                self._flush(rows, done, cache_key)
                committed = time.monotonic()
        self._flush(rows, done, cache_key)
        return rows

    def finish(self) -> None:
        """Delete both files, and the folder if it is empty."""
        self._discard()
        with suppress(OSError):  # not empty: another table is being computed
            self.folder.rmdir()

    def _open(self, count: int, fresh: bool) -> Features:
        if not fresh:
            return np.load(self.array, mmap_mode="r+")  # type: ignore[no-any-return]
        self._discard()
        self.folder.mkdir(parents=True, exist_ok=True)
        return np.lib.format.open_memmap(self.array, mode="w+", dtype=np.float32, shape=(count, self.width))

    def _discard(self) -> None:
        self.state.unlink(missing_ok=True)
        self.array.unlink(missing_ok=True)

    def _completed_rows(self, cache_key: str) -> int:
        """Return the number of rows that an earlier run for the same keys completed."""
        try:
            state = json.loads(self.state.read_text("utf-8"))
            return int(state["done"]) if state["purpose"] == cache_key and self.array.is_file() else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _flush(self, rows: Features, done: int, cache_key: str) -> None:
        if isinstance(rows, np.memmap):
            rows.flush()
        fsync_file(self.array)
        write_json_atomic(self.state, {"purpose": cache_key, "done": done})
