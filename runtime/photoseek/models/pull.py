"""The download of a model: plan, files, checks, installation."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.installed_models import ModelRecord, find_model, models_folder
from photoseek.bundle.manifest import FileRecord, record_problem
from photoseek.bundle.model_registry import RepositoryFiles
from photoseek.errors import BundleError, ModelError, ModelRefused, ModelUnavailable
from photoseek.models.file_selection import select_files
from photoseek.models.hub import RemoteFile, Repository, cached_file, download, read_repository
from photoseek.models.model_folder import PARTIAL, can_resume, draft_path, open_draft, publish, remove_draft
from photoseek.models.pins import save_pin
from photoseek.models.target import Target, resolve
from photoseek.models.tower_check import check_towers
from photoseek.system.atomic_write import create_file, file_sha256
from photoseek.system.removal import remove_file

_BLOCK = 1 << 20


@dataclass(frozen=True)
class PlannedFile:
    """A file to download: its repository and commit, its names there and here, and what is known of its content."""

    repository: str
    commit: str
    remote: str
    local: str
    facts: RemoteFile
    sha256: str | None


@dataclass(frozen=True)
class Plan:
    """What a pull downloads.

    Attributes:
        target: The model.
        repositories: Its repositories at their commits, the main one first.
        precision: The precision of its graphs.
        files: Its files.
        missing: Bytes that are neither downloaded yet nor in the cache of the hub.
    """

    target: Target
    repositories: tuple[Repository, ...]
    precision: str
    files: tuple[PlannedFile, ...]
    missing: int

    @property
    def bytes(self) -> int:
        """The size of all files, as far as the hub reports it."""
        return sum(file.facts.bytes or 0 for file in self.files)

    @property
    def license(self) -> str:
        """The license of the weights."""
        return self.target.license or self.repositories[0].license or "unknown"

    @property
    def sources(self) -> dict[str, str]:
        """Commits by repository."""
        return {each.name: each.commit for each in self.repositories}


def installed(reference: str, precision: str | None = None) -> ModelRecord | None:
    """Return the record of an installed model that is intact, or None.

    Raises:
        QueryError: There is no such model.
        ModelError: It is installed in another precision, or at another revision than the reference names.
    """
    target = resolve(reference, precision)
    if (folder := find_model(target.name)) is None:
        return None
    try:
        record = ModelRecord.read(folder)
        for name, facts in record.files.items():
            if FileRecord.of(folder / name) != facts:
                return None
    except (BundleError, OSError):
        return None
    if precision is not None and precision != record.precision:
        raise ModelError(
            f"model {target.name} is installed in {record.precision}; to replace it by {precision}, first run: "
            f"photoseek models remove {target.name}"
        )
    main = target.sources[0]
    if "@" in reference and record.sources.get(main.repository) != main.revision:
        raise ModelError(
            f"model {target.name} is installed at commit {record.sources.get(main.repository)}; to replace it, first "
            f"run: photoseek models remove {target.name}"
        )
    return record


def plan_pull(reference: str, precision: str | None = None) -> Plan:
    """Ask the hub for the files of a model, and return what a pull downloads.

    Raises:
        QueryError: There is no such model.
        ModelUnavailable: The hub cannot be reached, denies access, or lacks a file.
        BundleIncompatible: The repository has no model in a supported layout.
        ModelRefused: The hub has other files than those that are pinned.
    """
    target = resolve(reference, precision)
    repositories = tuple(read_repository(each.repository, each.revision) for each in target.sources)
    chosen, files = target.precision or "", list[PlannedFile]()
    for source, repository in zip(target.sources, repositories, strict=True):
        names = source.files
        if not names:
            chosen, names = select_files(repository.name, repository.files, target.precision)
        files += [_planned(target, source, repository, name) for name in names]
    draft = draft_path(target.name) if can_resume(target.name, _origin(repositories)) else None
    missing = sum((file.facts.bytes or 0) - _present(draft, file) for file in files)
    return Plan(target, repositories, chosen, tuple(files), missing)


def run_pull(plan: Plan, progress: Callable[[int, int], None] | None = None) -> Path:
    """Download, check and install a model, and return its folder. An interrupted pull resumes.

    Args:
        plan: What to download.
        progress: Called with the number of downloaded bytes and of all bytes.

    Raises:
        ModelUnavailable: The hub cannot be reached, denies access, or lacks a file.
        ModelRefused: A file differs from its checksum, or a tower does not return valid vectors; nothing is installed.
        ModelError: The disk is full, or another process installs the model.
    """
    name, total = plan.target.name, plan.bytes
    with open_draft(name, _origin(plan.repositories), [file.local for file in plan.files]) as draft:
        _expect_space(plan)
        done, records = 0, dict[str, FileRecord]()
        for file in plan.files:

            def report(received: int, before: int = done) -> None:
                if progress is not None:
                    progress(before + received, max(total, before + received))

            records[file.local] = _obtain(draft, file, report)
            done += records[file.local].bytes
        record = ModelRecord(name, plan.sources, plan.precision, plan.license, list(plan.target.languages), records)
        return install(record, plan.target.dim)


def install(record: ModelRecord, dim: int | None = None) -> Path:
    """Check the towers of a complete draft, install it, and return its folder; a refused draft is removed.

    Raises:
        ModelRefused: A tower does not return valid vectors.
    """
    draft = draft_path(record.name)
    record.write(draft)
    try:
        check_towers(draft, record.name, dim)
    except ModelRefused:
        remove_draft(record.name)
        raise
    folder = publish(record.name, record)
    save_pin(record)
    return folder


def _planned(target: Target, source: RepositoryFiles, repository: Repository, name: str) -> PlannedFile:
    facts = repository.files.get(name)
    if facts is None:
        raise ModelUnavailable(
            f"{repository.name}: expected {name} at commit {repository.commit}, found no such file; choose another "
            "precision or revision"
        )
    local = name.removeprefix(f"{target.folder}/") if target.folder and source is target.sources[0] else name
    if problem := record_problem(local, FileRecord(0, "0" * 64)):
        raise ModelRefused(f"{repository.name}: {problem}")
    known = target.sha256.get(local)
    if known and facts.sha256 and known != facts.sha256:
        raise ModelRefused(
            f"{repository.name}: {name}: expected sha256 {known[:12]}..., the hub has {facts.sha256[:12]}...; the file "
            f"has changed: to accept it, pull {target.name}@{repository.commit}"
        )
    return PlannedFile(repository.name, repository.commit, name, local, facts, known or facts.sha256)


def _origin(repositories: Iterable[Repository]) -> str:
    """Return what identifies the files of a draft."""
    return " ".join(f"{each.name}@{each.commit}" for each in repositories)


def _present(draft: Path | None, file: PlannedFile) -> int:
    """Return how many bytes of a file are in a draft or in the cache of the hub."""
    found = [] if draft is None else [draft / file.local, draft / f"{file.local}{PARTIAL}"]
    if (cached := cached_file(file.repository, file.commit, file.remote)) is not None:
        found.append(cached)
    return next((min(path.stat().st_size, file.facts.bytes or 0) for path in found if path.is_file()), 0)


def _expect_space(plan: Plan) -> None:
    """Raise unless the disk has room for the files that are missing.

    Raises:
        ModelError: It has not.
    """
    free = shutil.disk_usage(models_folder()).free
    if free < plan.missing:
        raise ModelError(
            f"{models_folder()}: expected {plan.missing / 1e6:,.1f} MB of free space, found {free / 1e6:,.1f} MB; free "
            "some, or set PHOTOSEEK_MODELS to a folder on another disk"
        )


def _obtain(draft: Path, file: PlannedFile, progress: Callable[[int], None]) -> FileRecord:
    """Bring a file into a draft, from an earlier download, the cache of the hub or the hub, and return its record."""
    path = draft / file.local
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        return _verified(path, file)
    partial = path.with_name(path.name + PARTIAL)
    if (cached := cached_file(file.repository, file.commit, file.remote)) is not None:
        _link(cached, path)
        with suppress(ModelRefused):  # damaged in the cache
            return _verified(path, file)
    try:
        with partial.open("r+b") if partial.is_file() else create_file(partial) as stream:
            if file.facts.bytes is None or stream.seek(0, os.SEEK_END) != file.facts.bytes:
                download(file.repository, file.commit, file.remote, stream, progress)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ModelError(
            f"{partial}: no space left on the disk; free some, and try again to resume, or set "
            "PHOTOSEEK_MODELS to a folder on another disk"
        ) from error
    partial.rename(path)
    return _verified(path, file)


def _link(cached: Path, path: Path) -> None:
    """Link a file of the cache of the hub into a draft, or copy it from another file system."""
    with suppress(OSError):
        os.link(cached, path)
        return
    shutil.copyfile(cached, path)


def _verified(path: Path, file: PlannedFile) -> FileRecord:
    """Return the record of a downloaded file; one with another content than expected is removed.

    Raises:
        ModelRefused: Its content differs from the checksum that is known or that the hub reports.
    """
    found = FileRecord(path.stat().st_size, file_sha256(path))
    expected: Mapping[str, tuple[object, object]] = {
        "sha256": (file.sha256, found.sha256),
        "bytes": (file.facts.bytes, found.bytes),
        "git object": (file.facts.blob, _git_object(path) if file.facts.blob and not file.sha256 else file.facts.blob),
    }
    for what, (known, actual) in expected.items():
        if known not in (None, actual):
            remove_file(path)
            raise ModelRefused(
                f"{file.repository}: {file.remote}: expected {what} {known!s:.12}, found {actual!s:.12}; the "
                "download was damaged: try again"
            )
    return found


def _git_object(path: Path) -> str:
    """Return the ID of a file as a git object: the SHA-1 of a header and the content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
