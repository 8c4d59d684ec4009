"""``manifest.json`` of a snapshot: its contents, engine measurements, and the checksum of each file.

Values are validated even if the checksum of the manifest matches: the program that wrote it may have had a bug.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.manifest import FileRecord
from photoseek.errors import GalleryIncompatible
from photoseek.gallery.file_names import CHECKSUMS, COLUMNS, FOLDERS, IDS, MANIFEST, REMOVED, VECTORS
from photoseek.system.atomic_write import read_bounded
from photoseek.vector_index.registry import ENGINES, index_file, parameters_of
from photoseek.vector_index.tuning import EngineStats, Tuning

FORMAT = 1
"""Format version of a snapshot; any other is refused."""

_MOST = 2**31 - 1  # largest number that is passed to native code
_NAME = re.compile(r"\d{6,12}", re.ASCII)
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Base:
    """What a delta snapshot refers to, and its own size.

    Attributes:
        name: Name of the base snapshot.
        sha256: Of the manifest of the base snapshot.
        added: Number of photos in the folder of the delta.
        removed: Number of rows of the base that were removed.
    """

    name: str
    sha256: str
    added: int
    removed: int


@dataclass(frozen=True)
class SnapshotManifest:
    """The contents of a snapshot.

    Attributes:
        revision: Revision of the database when it was built.
        fingerprint: Of the bundle that encoded the vectors.
        gallery: Name of the database that it was built from.
        state: Name of the state of the database when it was built.
        count: Number of vectors.
        dim: Their length.
        tuning: Measurements and parameters of each engine.
        files: Size and checksum of each file.
        base: The base of a delta snapshot; None for a base snapshot.
    """

    revision: int
    fingerprint: str
    gallery: str
    state: str
    count: int
    dim: int
    tuning: Tuning
    files: dict[str, FileRecord]
    base: Base | None = None
    metric: str = "cosine"
    format: int = FORMAT

    def __post_init__(self) -> None:
        _check_manifest(self)

    @property
    def rows(self) -> int:
        """Number of rows of the arrays in its folder."""
        return self.count if self.base is None else self.base.added


def read_manifest(folder: Path, checksum: str) -> SnapshotManifest:
    """Read the manifest in a folder.

    Raises:
        OSError: It cannot be read.
        ValueError: It has another checksum or an invalid value.
        GalleryIncompatible: Its format is newer than ``FORMAT``.
    """
    path = folder / MANIFEST
    raw = read_bounded(path)
    if hashlib.sha256(raw).hexdigest() != checksum:
        raise ValueError("its sha256 differs from the one in CURRENT")
    values = json.loads(raw)
    if not isinstance(values, dict) or type(values.get("format")) is not int or values["format"] < 1:
        raise ValueError("expected a JSON object with a format number")
    if values["format"] > FORMAT:
        raise GalleryIncompatible(
            f"{path}: expected generation format {FORMAT}, found format {values['format']}, of a newer photoseek; "
            "upgrade photoseek, or index again with: photoseek index PHOTOS"
        )
    try:
        files = {name: FileRecord(**record) for name, record in values["files"].items()}
        engines = {name: EngineStats(**found) for name, found in values["tuning"]["engines"].items()}
        tuning = Tuning(values["tuning"]["target"], engines)
        base = None if values["base"] is None else Base(**values["base"])
        return SnapshotManifest(**{**values, "tuning": tuning, "files": files, "base": base})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"cannot be read as a manifest: {error!r}") from error


def base_name(folder: Path) -> str | None:
    """Return the name of the base of the snapshot in a folder, without verifying its manifest; None without a base."""
    try:
        name = json.loads(read_bounded(folder / MANIFEST))["base"]["name"]
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None


def _check_manifest(manifest: SnapshotManifest) -> None:
    for name in ("revision", "count", "dim"):
        _require(_is_integer(getattr(manifest, name), 0 if name == "revision" else 1), name, getattr(manifest, name))
    for name in ("fingerprint", "gallery", "state"):
        _require(isinstance(getattr(manifest, name), str), name, getattr(manifest, name))
    _require(manifest.metric == "cosine", "metric", manifest.metric)
    for file, record in manifest.files.items():
        _require(Path(file).name == file and "\0" not in file, "files", file)
        _require(_is_integer(record.bytes, 0, 2**63 - 1) and isinstance(record.sha256, str), file, record)
        _require(_SHA256.fullmatch(record.sha256) is not None, file, record)
    _check_tuning(manifest.tuning)
    needed = {VECTORS, IDS, CHECKSUMS, COLUMNS, FOLDERS}
    if (base := manifest.base) is not None:
        _require(_NAME.fullmatch(base.name) is not None, "base", base.name)
        _require(_SHA256.fullmatch(base.sha256) is not None, "base", base.sha256)
        _require(_is_integer(base.added, 0) and _is_integer(base.removed, 0), "base", base)
        needed |= {REMOVED}
    else:
        needed |= set(filter(None, map(index_file, manifest.tuning.engines)))
    _require(needed <= set(manifest.files), "files", sorted(manifest.files))


def _check_tuning(tuning: Tuning) -> None:
    _require(_is_share(tuning.target), "target", tuning.target)
    _require("exact" in tuning.engines and set(tuning.engines) <= set(ENGINES), "engines", list(tuning.engines))
    for name, found in tuning.engines.items():
        recalls, parameters = found.recalls, found.parameters
        _require(_is_number(found.milliseconds), f"milliseconds of {name}", found.milliseconds)
        _require(isinstance(recalls, dict) and bool(recalls), f"recalls of {name}", recalls)
        _require(all(map(_is_share, recalls.values())), f"recalls of {name}", recalls)
        _require(isinstance(parameters, dict), f"parameters of {name}", parameters)
        _require(set(parameters) <= parameters_of(name), f"parameters of {name}", parameters)
        _require(all(_is_integer(value, 1) for value in parameters.values()), f"parameters of {name}", parameters)
    _require(tuning.engines["exact"].recall >= tuning.target, "recalls of exact", tuning.engines["exact"].recalls)


def _require(right: bool, what: str, found: object) -> None:
    if not right:
        raise ValueError(f"{what} cannot be {found!r}")


def _is_integer(value: object, least: int, most: int = _MOST) -> bool:
    return type(value) is int and least <= value <= most


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < float("inf")  # type: ignore[operator]


def _is_share(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1  # type: ignore[operator]
