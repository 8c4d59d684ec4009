"""A cache of tower features in a folder: one table per kind of features, with rows keyed by content hashes.

Missing rows are computed into a ``ResumableArray``, so that an interruption loses only seconds of work.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.system.atomic_write import fsync_dir, fsync_file, write_json_atomic
from photoseek_train.errors import FeaturesError
from photoseek_train.lock_file import locked
from photoseek_train.progress import ProgressCallback, no_progress

FORMAT = 1
"""Cache format that this version reads and writes."""

Features = npt.NDArray[np.float32]
"""Features of a tower, (n, width)."""

Encode = Callable[[Sequence[int]], Iterable[Features]]
"""Maps positions to their features, in order and in batches."""

COMMIT_SECONDS = 5.0
"""Interval between commits: the maximum work that an interruption can lose."""

_MANIFEST = "manifest.json"
_PARTIAL = ".partial"
_LOCK = ".features.lock"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheRequest:
    """The rows of a table that a caller needs.

    Attributes:
        name: Name of the table, stored in ``name.npy``.
        identity: What every row depends on: model, hash of its weights, pooling or preprocessing.
        keys: SHA-256 of each photo's or caption's content, which identifies a row.
        width: Dimension of a row.
        encode: Computes the rows at positions of ``keys``.
        order: Sort key of the positions to compute: batches of equal lengths need no padding.
    """

    name: str
    identity: dict[str, Any]
    keys: Sequence[str]
    width: int
    encode: Encode
    order: Callable[[int], int] = int


@dataclass(frozen=True)
class FeatureCache:
    """``image_embeddings.npy``, ``text_embeddings.npy``, ``aug_text_embeddings.npy``, and a manifest of their keys.

    ``commit_seconds`` is the interval between two commits of rows that are being computed.
    """

    path: Path
    commit_seconds: float = COMMIT_SECONDS

    def rows(self, request: CacheRequest, progress: ProgressCallback = no_progress) -> Features:
        """Return the requested rows, (keys, width), from the cache; missing rows are computed.

        If rows are missing, the table is replaced by one of the requested rows. Only one process at a time computes
        rows; others wait for it.

        Raises:
            FeaturesError: The folder has another format, or its manifest is damaged.
        """
        cached = self._read(request)
        if cached.keys() >= set(request.keys):
            return _rows_of(request, cached)
        with locked(self.path / _LOCK, wait=True):
            return self._complete(request, progress)

    def _complete(self, request: CacheRequest, progress: ProgressCallback) -> Features:
        """Return the requested rows after those that are missing have been computed and stored."""
        cached = self._read(request)  # another process may have computed them
        first = {key: position for position, key in reversed(list(enumerate(request.keys)))}
        missing = sorted(sorted(first[key] for key in first.keys() - cached.keys()), key=request.order)
        if not missing:
            return _rows_of(request, cached)
        _log.info("%s: %d of %d rows to compute", request.name, len(missing), len(request.keys))
        array = ResumableArray(self.path / _PARTIAL, request.name, request.identity, request.width, self.commit_seconds)
        keys = [request.keys[position] for position in missing]
        computed = array.run(keys, lambda steps: request.encode([missing[step] for step in steps]), progress)
        rows = _rows_of(request, cached | dict(zip(keys, computed, strict=True)))
        self._write(request, rows)
        array.finish()
        return rows

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return identity and keys of each table by name; raises like ``rows``."""
        file = self.path / _MANIFEST
        try:
            values = json.loads(file.read_text("utf-8"))
            found, tables = values["format"], dict(values["tables"])
        except FileNotFoundError:
            return {}
        except NotADirectoryError as error:
            raise FeaturesError(f"{self.path}: expected a folder for features, found a file; choose another") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FeaturesError(f"{file}: cannot be read: {error}; delete the folder") from error
        if found != FORMAT:
            raise FeaturesError(
                f"{file}: features of format {found}, this photoseek reads format {FORMAT}; upgrade photoseek, or "
                "choose another folder"
            )
        return tables

    def _read(self, request: CacheRequest) -> dict[str, Features]:
        """Return the rows of the table by key; empty if the table is missing, damaged, or has another identity.

        Reading needs no lock: ``_write`` removes the entry first, so that rows with the same entry after as before are
        those that it describes.
        """
        table = self.tables().get(request.name, {})
        if table.get("identity") != request.identity:
            return {}
        try:
            rows = np.load(self.path / f"{request.name}.npy")
        except (OSError, ValueError):
            return {}
        keys = table.get("keys", [])
        if rows.shape != (len(keys), request.width) or rows.dtype != np.float32:
            return {}
        if self.tables().get(request.name) != table:
            return {}
        return dict(zip(keys, rows, strict=True))

    def _write(self, request: CacheRequest, rows: Features) -> None:
        """Replace a table. Its manifest entry is removed first, so that no entry ever describes wrong rows."""
        tables = self.tables()
        if tables.pop(request.name, None) is not None:
            self._write_manifest(tables)
        partial = self.path / _PARTIAL / f"{request.name}.complete.npy"
        np.save(partial, rows)
        fsync_file(partial)
        partial.replace(self.path / f"{request.name}.npy")
        fsync_dir(self.path)
        self._write_manifest({**tables, request.name: {"identity": request.identity, "keys": list(request.keys)}})

    def _write_manifest(self, tables: dict[str, Any]) -> None:
        write_json_atomic(self.path / _MANIFEST, {"format": FORMAT, "tables": tables})


def _rows_of(request: CacheRequest, cached: dict[str, Features]) -> Features:
    rows = [cached[key] for key in request.keys]
    return np.array(rows, dtype=np.float32).reshape(len(rows), request.width)


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
            return int(state["done"]) if state["cache_key"] == cache_key and self.array.is_file() else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _flush(self, rows: Features, done: int, cache_key: str) -> None:
        if isinstance(rows, np.memmap):
            rows.flush()
        fsync_file(self.array)
        write_json_atomic(self.state, {"cache_key": cache_key, "done": done})
