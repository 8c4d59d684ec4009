"""A folder of cached tower features: tables of rows, each known by the content that it was made from."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Container, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from photoseek.files import replace_json, sync_file, sync_folder
from photoseek_train.errors import FeaturesError
from photoseek_train.extraction import Encode, Extraction, Features
from photoseek_train.progress import Progress, silent

FORMAT = 1
"""The format that this version writes; a newer one is refused."""

MANIFEST = "manifest.json"
PARTIAL = ".partial"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Table:
    """What a ``.npy`` file of the folder holds.

    Attributes:
        identity: What every row depends on: model, hash of its weights, pooling or preprocessing.
        names: What each row shows, for people.
        keys: SHA-256 of the content of each row's photo or caption; a row is found by it, never by its name.
    """

    identity: dict[str, Any]
    names: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """Rows that are wanted of a table.

    Attributes:
        name: Of the table; its file is ``name.npy``.
        table: What the rows are to be made from.
        width: Of a row.
        encode: Computes the rows of ``table`` at some positions.
        order: Rows are computed by this, least first: captions of one length together need no padding.
    """

    name: str
    table: Table
    width: int
    encode: Encode
    order: Callable[[int], int] = int


class _Cached(NamedTuple):
    rows: Features
    position: dict[str, int]  # of each key among the rows

    def add(self, keys: list[str], rows: Features) -> _Cached:
        position = {key: len(self.rows) + offset for offset, key in enumerate(keys)}
        return _Cached(np.concatenate([self.rows, rows]), self.position | position)

    def of(self, keys: list[str]) -> Features:
        return self.rows[[self.position[key] for key in keys]]


@dataclass(frozen=True)
class FeatureFolder:
    """``image_embeddings.npy``, ``text_embeddings.npy``, ``aug_text_embeddings.npy``, and what they are: a manifest."""

    path: Path

    def rows(self, request: Request, progress: Progress = silent) -> Features:
        """The wanted rows, (keys, width): from the cache where it holds them, computed where it doesn't.

        A table that holds them all is left untouched; else it is replaced by one of just the wanted rows.

        Raises:
            FeaturesError: The folder's format is newer, or its manifest is damaged.
        """
        keys = request.table.keys
        cached = self._read(request)
        missing = sorted(_first_positions(keys, cached.position), key=request.order)
        if missing:
            _log.info("%s: %d of %d rows to compute", request.name, len(missing), len(keys))
            cached = self._extend(request, cached, missing, progress)
        return cached.of(keys)

    def _extend(self, request: Request, cached: _Cached, missing: list[int], progress: Progress) -> _Cached:
        extraction = Extraction(self.path / PARTIAL, request.name, request.table.identity, request.width)
        keys = [request.table.keys[position] for position in missing]
        computed = extraction.run(keys, lambda steps: request.encode([missing[step] for step in steps]), progress)
        extended = cached.add(keys, computed)
        self._write(request.name, request.table, extended.of(request.table.keys))
        extraction.finish()
        return extended

    def _read(self, request: Request) -> _Cached:
        """The table as it is; no rows if it is missing, or of another identity, or damaged."""
        nothing = _Cached(np.empty((0, request.width), dtype=np.float32), {})
        table = self.tables().get(request.name)
        if table is None or table.identity != request.table.identity:
            return nothing
        try:
            rows = np.load(self.path / f"{request.name}.npy")
        except (OSError, ValueError):
            return nothing
        if rows.shape != (len(table.keys), request.width) or rows.dtype != np.float32:
            return nothing
        return _Cached(rows, {key: position for position, key in enumerate(table.keys)})

    def tables(self) -> dict[str, Table]:
        """What the manifest says; raises as ``rows``."""
        try:
            values = json.loads((self.path / MANIFEST).read_text("utf-8"))
            newer, tables = values["format"] > FORMAT, values["tables"]
        except FileNotFoundError:
            return {}
        except NotADirectoryError as error:
            raise FeaturesError(f"{self.path}: expected a folder for features, found a file") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FeaturesError(f"{self.path / MANIFEST}: cannot be read: {error}; delete the folder") from error
        if newer:
            raise FeaturesError(
                f"{self.path / MANIFEST}: features of format {values['format']}, this photoseek reads up to "
                f"{FORMAT}; upgrade photoseek, or choose another folder"
            )
        return {name: Table(**table) for name, table in tables.items()}

    def _write(self, name: str, table: Table, rows: Features) -> None:
        """Replace a table. Between the two manifests the folder knows no such table: never a wrong one."""
        tables = self.tables()
        if tables.pop(name, None) is not None:
            self._write_manifest(tables)
        partial = self.path / PARTIAL / f"{name}.whole.npy"
        np.save(partial, rows)
        sync_file(partial)
        partial.replace(self.path / f"{name}.npy")
        sync_folder(self.path)
        self._write_manifest({**tables, name: table})

    def _write_manifest(self, tables: dict[str, Table]) -> None:
        values = {"format": FORMAT, "tables": {name: asdict(table) for name, table in tables.items()}}
        replace_json(self.path / MANIFEST, values)


def _first_positions(wanted: Sequence[str], cached: Container[str]) -> list[int]:
    """Positions of the keys that aren't cached, each key once."""
    first: dict[str, int] = {}
    for position, key in enumerate(wanted):
        if key not in cached:
            first.setdefault(key, position)
    return list(first.values())
