"""An installed model as one file, for machines without a network: an uncompressed tar with the record first."""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from photoseek.bundle.installed_models import RECORD, ModelRecord, find_model, require_model
from photoseek.errors import BundleError, ModelError, ModelRefused
from photoseek.models.model_folder import open_draft, remove_draft
from photoseek.models.pull import install
from photoseek.system.atomic_write import MAX_TEXT_BYTES, create_file, fsync_dir
from photoseek.system.removal import remove_file

_BLOCK = 1 << 20
_COPY_AGAIN = "copy the file again, or pack the model again"


def pack(name: str, target: Path, progress: Callable[[int, int], None] | None = None) -> ModelRecord:
    """Write an installed model to a new file, and return its record.

    Raises:
        BundleNotFound: It is not installed.
        ModelError: The file exists.
        BundleDamaged: One of its files is missing or damaged.
        OSError: The file cannot be written.
    """
    from photoseek.bundle.bundle import Bundle

    folder = require_model(name)
    if target.exists():
        raise ModelError(f"{target}: expected a new file, found an existing one; choose another name")
    record = ModelRecord.read(folder)
    Bundle.load(folder).verify()
    partial = target.with_name(f"{target.name}.{secrets.randbelow(10**12)}.partial")
    with create_file(partial) as file:
        try:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                _add(archive, folder, record, progress)
            file.flush()
            os.fsync(file.fileno())
            partial.rename(target)
        except BaseException:
            remove_file(partial)
            raise
    fsync_dir(target.absolute().parent)
    return record


def unpack(source: Path, progress: Callable[[int, int], None] | None = None) -> ModelRecord:
    """Install a model from a file that ``pack`` has written, and return its record.

    Every file must be listed in the record, with the size and SHA-256 there. Nothing is written outside of the folder
    of the model.

    Raises:
        ModelRefused: The file is damaged, or its towers do not return valid vectors; nothing is installed.
        ModelError: The model is installed already.
        OSError: The file cannot be read.
    """
    with source.open("rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                return _install_members(archive, source, progress)
        except (tarfile.TarError, EOFError) as error:
            raise ModelRefused(f"{source}: expected a packed model: {error}; {_COPY_AGAIN}") from error


def _add(
    archive: tarfile.TarFile, folder: Path, record: ModelRecord, progress: Callable[[int, int], None] | None
) -> None:
    data = (folder / RECORD).read_bytes()
    archive.addfile(_member(RECORD, len(data)), io.BytesIO(data))
    done = 0
    for name, facts in record.files.items():
        with (folder / name).open("rb") as content:
            archive.addfile(_member(name, facts.bytes), content)
        done += facts.bytes
        if progress is not None:
            progress(done, record.bytes)


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Return the header of a member without times and owners, so that packing a model again gives the same bytes."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def _install_members(
    archive: tarfile.TarFile, source: Path, progress: Callable[[int, int], None] | None
) -> ModelRecord:
    record = _first_record(archive, source)
    if find_model(record.name) is not None:
        raise ModelError(
            f"model {record.name} is installed; to replace it, first run: photoseek models remove {record.name}"
        )
    with open_draft(record.name, "unpack", record.files) as draft:
        try:
            _copy_members(archive, source, record, draft, progress)
        except ModelRefused:
            remove_draft(record.name)
            raise
        install(record)
    return record


def _copy_members(
    archive: tarfile.TarFile,
    source: Path,
    record: ModelRecord,
    draft: Path,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Copy the files of a record into a draft.

    Raises:
        ModelRefused: One is missing or damaged, or there is another file.
    """
    missing, done = dict(record.files), 0
    while (member := archive.next()) is not None:
        if (facts := missing.pop(member.name, None)) is None or not member.isreg() or member.size != facts.bytes:
            raise ModelRefused(f"{source}: expected a file of the record, found {member.name!r:.80}; {_COPY_AGAIN}")
        content = archive.extractfile(member)
        if content is None or _copy(content, draft / member.name) != facts.sha256:
            raise ModelRefused(f"{source}: {member.name}: differs from its sha256; {_COPY_AGAIN}")
        done += facts.bytes
        if progress is not None:
            progress(done, record.bytes)
    if missing:
        raise ModelRefused(f"{source}: expected {next(iter(missing))!r:.80}, found no such file; {_COPY_AGAIN}")


def _first_record(archive: tarfile.TarFile, source: Path) -> ModelRecord:
    """Return the record, which is the first member."""
    member = archive.next()
    if member is None or member.name != RECORD or not member.isreg() or member.size > MAX_TEXT_BYTES:
        raise ModelRefused(f"{source}: expected {RECORD} as its first file, found none; {_COPY_AGAIN}")
    content = archive.extractfile(member)
    try:
        return ModelRecord.from_json(json.loads(content.read() if content else b""), f"{source}: {RECORD}")
    except (ValueError, AttributeError, RecursionError, BundleError) as error:
        raise ModelRefused(f"{source}: {RECORD}: {error}; {_COPY_AGAIN}") from error


def _copy(content: IO[bytes], path: Path) -> str:
    """Write a file, and return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_file(path)
    digest = hashlib.sha256()
    with create_file(path) as file:
        while block := content.read(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
