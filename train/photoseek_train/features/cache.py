"""A cache of tower features in a folder: one table per kind of features, with rows keyed by content hashes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photoseek.system.atomic_write import fsync_dir, fsync_file, write_json_atomic
from photoseek_train.errors import FeaturesError
from photoseek_train.features.resumable_array import COMMIT_SECONDS, Encode, Features, ResumableArray
from photoseek_train.progress import ProgressCallback, no_progress

FORMAT = 1
"""Cache format that this version reads and writes."""

MANIFEST = "manifest.json"
PARTIAL = ".partial"

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

        If rows are missing, the table is replaced by one of the requested rows.

        Raises:
            FeaturesError: The folder has another format, or its manifest is damaged.
        """
        cached = self._read(request)
        first = {key: position for position, key in reversed(list(enumerate(request.keys)))}
        missing = sorted(sorted(first[key] for key in first.keys() - cached.keys()), key=request.order)
        if not missing:
            return _rows_of(request, cached)
        _log.info("%s: %d of %d rows to compute", request.name, len(missing), len(request.keys))
        array = ResumableArray(self.path / PARTIAL, request.name, request.identity, request.width, self.commit_seconds)
        keys = [request.keys[position] for position in missing]
        computed = array.run(keys, lambda steps: request.encode([missing[step] for step in steps]), progress)
        rows = _rows_of(request, cached | dict(zip(keys, computed, strict=True)))
        self._write(request, rows)
        array.finish()
        return rows

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return identity and keys of each table by name; raises like ``rows``."""
        file = self.path / MANIFEST
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
        """Return the rows of the table by key; empty if the table is missing, damaged, or has another identity."""
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
        return dict(zip(keys, rows, strict=True))

    def _write(self, request: CacheRequest, rows: Features) -> None:
        """Replace a table. Its manifest entry is removed first, so that no entry ever describes wrong rows."""
        tables = self.tables()
        if tables.pop(request.name, None) is not None:
            self._write_manifest(tables)
        partial = self.path / PARTIAL / f"{request.name}.complete.npy"
        np.save(partial, rows)
        fsync_file(partial)
        partial.replace(self.path / f"{request.name}.npy")
        fsync_dir(self.path)
        self._write_manifest({**tables, request.name: {"identity": request.identity, "keys": list(request.keys)}})

    def _write_manifest(self, tables: dict[str, Any]) -> None:
        write_json_atomic(self.path / MANIFEST, {"format": FORMAT, "tables": tables})


def _rows_of(request: CacheRequest, cached: dict[str, Features]) -> Features:
    rows = [cached[key] for key in request.keys]
    return np.array(rows, dtype=np.float32).reshape(len(rows), request.width)
