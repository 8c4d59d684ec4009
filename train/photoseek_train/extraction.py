"""Computing many rows of features so that a kill costs seconds, not the work so far."""

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

from photoseek.files import replace_json, sync_file
from photoseek_train.progress import Progress, silent

Features = npt.NDArray[np.float32]
"""Features of a tower, (n, width)."""

Encode = Callable[[Sequence[int]], Iterable[Features]]
"""From positions, in the order they are wanted, to their features, a few at a time."""

_COMMIT_SECONDS = 5.0


@dataclass(frozen=True)
class Extraction:
    """Rows under way: ``NAME.npy``, filled from the top, and ``NAME.json``, which says how far it is to be believed.

    Attributes:
        folder: Where both files are.
        name: Of the table.
        identity: What the rows depend on; partial work of another identity is dropped.
        width: Of a row.
    """

    folder: Path
    name: str
    identity: dict[str, Any]
    width: int

    @property
    def array(self) -> Path:
        """The file of the rows."""
        return self.folder / f"{self.name}.npy"

    @property
    def state(self) -> Path:
        """The file that says how many of them are complete."""
        return self.folder / f"{self.name}.json"

    def run(self, keys: Sequence[str], encode: Encode, progress: Progress = silent) -> Features:
        """Compute the row of every key, going on where an earlier try stopped; (keys, width)."""
        purpose = self._purpose(keys)
        done = self._done(purpose)
        rows = self._open(len(keys), fresh=done == 0)
        committed = time.monotonic()
        progress(self.name, done, len(keys))
        for part in encode(range(done, len(keys))):
            rows[done : done + len(part)] = part
            done += len(part)
            progress(self.name, done, len(keys))
            if time.monotonic() - committed > _COMMIT_SECONDS:
                self._commit(rows, done, purpose)
                committed = time.monotonic()
        self._commit(rows, done, purpose)
        return rows

    def finish(self) -> None:
        """Remove both files, and the folder with the last of them."""
        self._discard()
        with suppress(OSError):  # another table's rows are under way
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

    def _purpose(self, keys: Sequence[str]) -> str:
        content = json.dumps([self.identity, list(keys)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def _done(self, purpose: str) -> int:
        """How many rows an earlier try for the same keys left complete."""
        try:
            state = json.loads(self.state.read_text("utf-8"))
            return int(state["done"]) if state["purpose"] == purpose and self.array.is_file() else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _commit(self, rows: Features, done: int, purpose: str) -> None:
        if isinstance(rows, np.memmap):
            rows.flush()
        sync_file(self.array)
        replace_json(self.state, {"purpose": purpose, "done": done})
