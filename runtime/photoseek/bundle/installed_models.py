"""Models that were downloaded by name: where they are, and the record of each.

A model is a folder of ``$PHOTOSEEK_MODELS``, by default ``$XDG_DATA_HOME/photoseek/models``
(``~/.local/share/photoseek/models``). Its record, ``photoseek-model.json``, names where its files come from, and the
size and SHA-256 of each; a file that differs is never used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from photoseek.bundle.json_files import json_object
from photoseek.bundle.manifest import FileRecord, record_problem
from photoseek.bundle.model_registry import registered_models
from photoseek.errors import BundleDamaged, BundleIncompatible, BundleNotFound, ModelNotInstalled
from photoseek.system.atomic_write import write_json_atomic
from photoseek.system.cache_dir import models_folder as models_folder

RECORD = "photoseek-model.json"
"""Name of the record inside the folder of a model."""

HUB_PREFIX = "hf:"
"""Begins the reference of a model by its repository on the hub."""

CACHED = "models--"
"""Begins the name of the folder of a repository in the hub's cache."""

_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ModelRecord:
    """What is recorded of an installed model.

    Attributes:
        name: The name that commands accept.
        sources: Commits of the repositories that its files come from, the main repository first.
        precision: The precision of its graphs.
        license: The license of its weights.
        languages: ISO 639-1 codes of its languages; if there are none, those of its layout.
        files: Size and SHA-256 of each file, by its path inside the folder.
        precisions: What was measured of each precision on this computer, as in ``Manifest.precisions``.
    """

    name: str
    sources: Mapping[str, str]
    precision: str
    license: str
    languages: list[str] = field(default_factory=list)
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    precisions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    format: int = _FORMAT

    @property
    def reference(self) -> str:
        """The reference that commands accept: its name in the registry, or its repository."""
        return self.name if self.name in registered_models() else f"{HUB_PREFIX}{next(iter(self.sources))}"

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(record.bytes for record in self.files.values())

    def write(self, folder: Path) -> None:
        """Write the record of a folder."""
        write_json_atomic(folder / RECORD, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> ModelRecord:
        """Read the record of a folder.

        Raises:
            BundleDamaged: It is missing, is not JSON, or has an invalid value.
            BundleIncompatible: It has a newer format.
        """
        return cls.from_json(json_object(folder / RECORD, "install the model again"), str(folder / RECORD))

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str) -> ModelRecord:
        """Return a record after a check of its values; ``where`` names it in errors, which are those of ``read``."""
        if values.get("format") != _FORMAT:
            raise BundleIncompatible(
                f"{where}: expected format {_FORMAT}, found {values.get('format')!r:.80}; upgrade photoseek"
            )
        try:
            files = {name: FileRecord(**facts) for name, facts in values["files"].items()}
            record = cls(**{**values, "files": files})
            problem = _problem(record)
        except (TypeError, KeyError, AttributeError) as error:
            problem = f"expected the record of a model: {error}"
        if problem:
            raise BundleDamaged(f"{where}: {problem}; install the model again")
        return record


def is_model_name(name: str) -> bool:
    """Return whether a text may be the name of a model: it is the name of a folder, too."""
    return _NAME.fullmatch(name) is not None


def is_repository(text: str) -> bool:
    """Return whether a text has the form of a repository's name on the hub."""
    return _REPOSITORY.fullmatch(text) is not None


def model_name(reference: str) -> str:
    """Return the name of a model: a name of the registry, or ``ORG--REPO`` for ``hf:ORG/REPO``."""
    return reference.removeprefix(HUB_PREFIX).replace("/", "--") if reference.startswith(HUB_PREFIX) else reference


def hub_snapshot(path: Path) -> Path:
    """Return a snapshot of a folder of the hub's cache, ``models--ORG--NAME``: that of ``main``, or the only one.

    Other folders, and those without such a snapshot, are returned unchanged.
    """
    if not path.name.startswith(CACHED):
        return path
    found = hub_snapshots(path)
    try:
        commit = (path / "refs" / "main").read_text("utf-8").strip()
    except (OSError, ValueError):
        commit = found[0] if len(found) == 1 else ""
    return path / "snapshots" / commit if commit in found else path


def hub_snapshots(path: Path) -> list[str]:
    """Return the commits whose files a folder of the hub's cache has."""
    try:
        return sorted(name for name in os.listdir(path / "snapshots") if (path / "snapshots" / name).is_dir())
    except OSError:
        return []


def repository_folder(path: Path) -> Path:
    """Return the folder of the repository of a snapshot in the hub's cache; other folders are unchanged."""
    cached = len(path.parents) > 1 and path.parent.name == "snapshots" and path.parents[1].name.startswith(CACHED)
    return path.parents[1] if cached else path


def display_name(folder: Path) -> str:
    """Return the name of a folder of a model; for a snapshot in the hub's cache, ``ORG--NAME``."""
    return repository_folder(folder).name.removeprefix(CACHED)


def find_model(reference: str) -> Path | None:
    """Return the folder of an installed model; None if it is not installed."""
    name = model_name(reference)
    folder = models_folder() / name
    return folder if is_model_name(name) and os.path.isfile(folder / RECORD) else None


def installed_models() -> dict[str, ModelRecord | str]:
    """Return the records of the installed models by name; a str is the reason why one cannot be read."""
    found: dict[str, ModelRecord | str] = {}
    try:
        names = sorted(os.listdir(models_folder()))
    except OSError:
        return found
    for name in filter(is_model_name, names):
        if (folder := find_model(name)) is not None:
            try:
                found[name] = ModelRecord.read(folder)
            except (BundleDamaged, BundleIncompatible) as error:
                found[name] = str(error)
    return found


def similar_names(name: str) -> list[str]:
    """Return names of the registry and of installed models that are similar to a text."""
    import difflib

    return difflib.get_close_matches(name, {**registered_models(), **installed_models()}, n=3)


def require_model(reference: str) -> Path:
    """Return the folder of an installed model.

    Raises:
        ModelNotInstalled: It can be downloaded.
        BundleNotFound: There is no such model.
    """
    if (folder := find_model(reference)) is not None:
        return folder
    raise_not_installed(reference, models_folder() / model_name(reference))
    raise BundleNotFound(f"expected the name of a model, found {reference!r:.200}; see: photoseek models list")


def raise_not_installed(reference: str, path: Path) -> None:
    """Raise if a bundle that is missing at a path is a model that can be downloaded, or has a similar name.

    Raises:
        ModelNotInstalled: The reference or the path is that of such a model.
        BundleNotFound: Models have similar names.
    """
    if path.parent == models_folder() and path.name in registered_models():
        reference = path.name
    of_hub = reference.startswith(HUB_PREFIX) and is_repository(reference.removeprefix(HUB_PREFIX))
    if of_hub or reference in registered_models():
        raise ModelNotInstalled(
            f"model {reference} is not installed; download it with: photoseek models pull {reference}"
        )
    if is_model_name(reference) and (names := similar_names(reference)):
        raise BundleNotFound(
            f"no bundle at {path}, and no model {reference!r}; similar models: {', '.join(names)}; see: "
            "photoseek models list"
        )


def _problem(record: ModelRecord) -> str:
    """Return what is wrong with the first invalid value, or an empty string."""
    texts = (
        record.name,
        record.precision,
        record.license,
        *record.languages,
        *record.sources,
        *record.sources.values(),
    )
    if not all(isinstance(text, str) for text in texts) or not record.sources:
        return "expected texts for name, precision, license, languages and sources"
    if not all(isinstance(facts, dict) for facts in record.precisions.values()):
        return "precisions: expected what was measured of each"
    if not is_model_name(record.name):
        return f"name: expected letters, digits, dots and dashes, found {record.name!r:.80}"
    return next(filter(None, (record_problem(name, facts) for name, facts in record.files.items())), "")
