"""Folders of models: one that is being filled, its publication, and removal."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from photoseek.bundle.installed_models import RECORD, ModelRecord, models_folder
from photoseek.errors import BundleError, ModelError
from photoseek.system.atomic_write import fsync_dir, fsync_file
from photoseek.system.folder_tag import TAG, make_tagged
from photoseek.system.removal import remove_file, remove_folder

DRAFT_PREFIX = ".incomplete-"
PARTIAL = ".partial"
"""Suffix of a file that is not complete."""

FILES = "files.txt"
"""Lists the origin of a draft and its files, so that it can be resumed or removed after an interruption."""


def draft_path(name: str) -> Path:
    """Return the folder that collects the files of a model until it is installed."""
    return models_folder() / f"{DRAFT_PREFIX}{name}"


def can_resume(name: str, origin: str) -> bool:
    """Return whether there is a draft of a model whose files come from an origin."""
    return (_lines(draft_path(name)) or [""])[0] == origin


@contextmanager
def open_draft(name: str, origin: str, files: Iterable[str]) -> Iterator[Path]:
    """Create or resume the draft of a model, lock it, and yield its folder.

    A draft with other files, or with files of another origin, such as another commit, is removed first.

    Raises:
        ModelError: Another process is using it, or it cannot be emptied.
        OSError: It cannot be created.
    """
    models_folder().mkdir(parents=True, exist_ok=True)
    folder, lines = draft_path(name), [origin, *sorted(files)]
    if folder.exists() and _lines(folder) != lines:
        _expect_unused(folder, name)
        remove_draft(name)
    if not make_tagged(folder):
        raise ModelError(f"{folder}: expected a folder that photoseek created, found another; move it away")
    with _locked(folder, name):
        (folder / FILES).write_text("\n".join(lines), "utf-8")
        yield folder


def publish(name: str, record: ModelRecord) -> Path:
    """Make the draft of a model, with its record, an installed model, durably, and return its folder.

    Raises:
        ModelError: A damaged installation of the model cannot be removed.
        OSError: The disk fails.
    """
    draft, target = draft_path(name), models_folder() / name
    remove_file(draft / FILES)
    for file in record.files:
        fsync_file(draft / file)
    for folder in {(draft / file).parent for file in record.files} | {draft}:
        fsync_dir(folder)
    if target.exists():
        _remove_installed(target)
    draft.rename(target)
    fsync_dir(target.parent)
    return target


def remove_draft(name: str) -> bool:
    """Remove the draft of a model, and return whether there was one.

    Raises:
        ModelError: It contains files that photoseek did not create.
    """
    folder = draft_path(name)
    if not folder.exists():
        return False
    if (lines := _lines(folder)) is not None:
        return _remove(folder, lines[1:])
    with suppress(BundleError):  # it was about to be published
        return _remove(folder, ModelRecord.read(folder).files)
    return _remove(folder, ())


def remove_model(name: str) -> int:
    """Remove an installed model and its draft, and return the number of bytes.

    Raises:
        ModelError: It is not installed, or its folder contains files that photoseek did not create.
    """
    folder, draft = models_folder() / name, draft_path(name)
    _expect_unused(draft, name)
    drafted = remove_draft(name)
    if not folder.exists():
        if drafted:
            return 0
        raise ModelError(
            f"expected an installed model, found none by the name {name!r:.80}; see: photoseek models list"
        )
    return _remove_installed(folder)


def _remove_installed(folder: Path) -> int:
    try:
        record = ModelRecord.read(folder)
    except BundleError as error:
        raise ModelError(f"{error}; its files are unknown: remove the folder {folder} yourself") from error
    _remove(folder, record.files)
    return record.bytes


def local_parents(files: Iterable[str]) -> set[str]:
    """Return the folders of files, each ending with /."""
    return {f"{parent}/" for file in files for parent in PurePosixPath(file).parents if str(parent) != "."}


def _expect_unused(draft: Path, name: str) -> None:
    """Raise if another process has locked a draft.

    Raises:
        ModelError: It has.
    """
    if draft.exists():
        with _locked(draft, name):
            pass


@contextmanager
def _locked(draft: Path, name: str) -> Iterator[None]:
    """Lock a draft.

    Raises:
        ModelError: Another process has locked it.
    """
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ModelError(f"another process is installing {name}; wait for it") from error
    finally:
        os.close(descriptor)


def _remove(folder: Path, files: Iterable[str]) -> bool:
    files = list(files)
    names = [*files, *(f"{file}{PARTIAL}" for file in files), *local_parents(files), FILES, RECORD, TAG]
    pattern = re.compile("|".join([*map(re.escape, names), re.escape(RECORD) + r"\.\d+\.partial"]))
    if not remove_folder(folder, files=pattern):
        raise ModelError(f"{folder}: expected only files that photoseek created, found others; remove it yourself")
    return True


def _lines(folder: Path) -> list[str] | None:
    """Return the origin of a draft and its files; None if they are not recorded."""
    try:
        return (folder / FILES).read_text("utf-8").split("\n")
    except (OSError, ValueError):
        return None
