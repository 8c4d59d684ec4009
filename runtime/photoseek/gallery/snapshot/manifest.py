"""``manifest.json`` of a generation: what it holds, what was measured with it, and what each of its files must be.

What is read is made sure of before anyone goes by it, although its checksum was right: whoever wrote it may have been
wrong.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.manifest import FileRecord
from photoseek.errors import GalleryIncompatible
from photoseek.gallery.file_names import CHECKS, IDS, MANIFEST, VECTORS
from photoseek.system.atomic_write import read_bounded
from photoseek.vector_index.registry import ENGINES, index_file, parameters_of
from photoseek.vector_index.tuning import EngineStats, Tuning

FORMAT = 1
"""The format of a generation; another one is refused."""

_MOST = 2**31 - 1  # of any number that goes to native code
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class SnapshotManifest:
    """What a generation holds, and what each of its files must be.

    Attributes:
        revision: The database's revision that it shows.
        fingerprint: Of the bundle that made the vectors.
        gallery: The name of the database that it was made from.
        state: The name of the state of the database that it shows.
        count: Vectors.
        dim: Their length.
        tuning: What each engine was found to do.
        files: What each file must be.
    """

    revision: int
    fingerprint: str
    gallery: str
    state: str
    count: int
    dim: int
    tuning: Tuning
    files: dict[str, FileRecord]
    metric: str = "cosine"
    format: int = FORMAT


def read_manifest(folder: Path, checksum: str) -> SnapshotManifest:
    """Read the manifest in a folder.

    Raises:
        OSError: It cannot be read.
        ValueError: It has another checksum, or says what cannot be.
        GalleryIncompatible: Its format is newer than ``FORMAT``.
    """
    path = folder / MANIFEST
    raw = read_bounded(path)
    if hashlib.sha256(raw).hexdigest() != checksum:
        raise ValueError("its sha256 is not the one that CURRENT names")
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
        manifest = SnapshotManifest(**{**values, "tuning": tuning, "files": files})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"cannot be read as a manifest: {error!r}") from error
    _make_sure(manifest)
    return manifest


def _make_sure(manifest: SnapshotManifest) -> None:
    for name in ("revision", "count", "dim"):
        _need(_whole(getattr(manifest, name), 0 if name == "revision" else 1), name, getattr(manifest, name))
    for name in ("fingerprint", "gallery", "state"):
        _need(isinstance(getattr(manifest, name), str), name, getattr(manifest, name))
    _need(manifest.metric == "cosine", "metric", manifest.metric)
    for file, record in manifest.files.items():
        _need(Path(file).name == file and "\0" not in file, "files", file)
        _need(_whole(record.bytes, 0, 2**63 - 1) and isinstance(record.sha256, str), file, record)
        _need(_SHA256.fullmatch(record.sha256) is not None, file, record)
    _make_sure_of_tuning(manifest.tuning, manifest.files)


def _make_sure_of_tuning(tuning: Tuning, files: Mapping[str, FileRecord]) -> None:
    _need(_share(tuning.target), "target", tuning.target)
    _need("exact" in tuning.engines and set(tuning.engines) <= set(ENGINES), "engines", list(tuning.engines))
    for name, found in tuning.engines.items():
        _need(_number(found.milliseconds), f"milliseconds of {name}", found.milliseconds)
        _need(isinstance(found.recalls, dict) and bool(found.recalls), f"recalls of {name}", found.recalls)
        _need(all(map(_share, found.recalls.values())), f"recalls of {name}", found.recalls)
        _need(isinstance(found.parameters, dict), f"parameters of {name}", found.parameters)
        _need(set(found.parameters) <= parameters_of(name), f"parameters of {name}", found.parameters)
        _need(all(_whole(value, 1) for value in found.parameters.values()), f"parameters of {name}", found.parameters)
    needed = {VECTORS, IDS, CHECKS, *filter(None, map(index_file, tuning.engines))}
    _need(needed <= set(files), "files", sorted(files))
    _need(tuning.engines["exact"].recall >= tuning.target, "recalls of exact", tuning.engines["exact"].recalls)


def _need(right: bool, what: str, found: object) -> None:
    if not right:
        raise ValueError(f"{what} cannot be {found!r}")


def _whole(value: object, least: int, most: int = _MOST) -> bool:
    return type(value) is int and least <= value <= most


def _number(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < float("inf")  # type: ignore[operator]


def _share(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1  # type: ignore[operator]
