"""The Hugging Face hub: the files of a repository, and downloads that resume.

``huggingface_hub`` provides addresses, tokens and sessions, so that ``HF_ENDPOINT``, ``HF_TOKEN``, ``HF_HOME``,
``HF_HUB_OFFLINE`` and proxies have their usual meaning. It is imported when a function is called, and its telemetry is
off. It discards incomplete files, so they are downloaded here: a model has hundreds of megabytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from photoseek.errors import ModelUnavailable
from photoseek.system.terminal import one_line
from photoseek.version import __version__

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when huggingface_hub is imported

TIMEOUT_S = 30.0
"""Maximum time to connect, and between two blocks of an answer."""

RETRIES = 5
"""How often a connection that breaks is opened again; each block that arrives resets the count."""

_TRANSPORTS = ("httpx", "httpx2", "requests")  # packages of errors of a connection, by the version of huggingface_hub
_LATER = "try again to resume"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository.

    Attributes:
        bytes: Its size; None if the hub does not report it.
        sha256: Its SHA-256, which the hub reports for large files.
        blob: Its git object ID, which the hub reports for other files.
    """

    bytes: int | None
    sha256: str | None = None
    blob: str | None = None


@dataclass(frozen=True)
class Repository:
    """A repository at one commit.

    Attributes:
        name: Its name, ``ORG/REPO``.
        address: Its address.
        commit: The commit.
        license: Its license; None if its card names none.
        files: Its files by name.
    """

    name: str
    address: str
    commit: str
    license: str | None
    files: Mapping[str, RemoteFile]


def read_repository(name: str, revision: str | None) -> Repository:
    """Return a repository at a revision, by default the latest; offline, from the cache of the hub.

    Raises:
        ModelUnavailable: It cannot be reached, or there is none.
    """
    from huggingface_hub import HfApi, constants

    api = HfApi(endpoint=endpoint())
    if constants.HF_HUB_OFFLINE:
        return _cached_repository(name, revision)
    with hub_errors(name, revision):
        found = api.model_info(name, revision=revision, files_metadata=True, timeout=TIMEOUT_S)
    commit = found.sha or ""
    if not commit or (is_commit(revision) and commit != revision):
        raise ModelUnavailable(
            f"{name}: expected commit {revision or 'of the repository'}, found {commit or 'none'}; the server is not a "
            "mirror of it: check HF_ENDPOINT"
        )
    files = {
        each.rfilename: RemoteFile(each.size, each.lfs.sha256 if each.lfs else None, None if each.lfs else each.blob_id)
        for each in found.siblings or ()
    }
    return Repository(name, f"{api.endpoint}/{name}", commit, _license(found), files)


def cached_file(repository: str, commit: str, name: str) -> Path | None:
    """Return a file that another program has downloaded to the cache of the hub; None if there is none."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, name, revision=commit)
    return Path(os.path.realpath(found)) if isinstance(found, str) else None


def download(
    repository: str,
    commit: str,
    name: str,
    file: BinaryIO,
    progress: Callable[[int], None],
    pause_s: float = 1.0,
) -> None:
    """Download the rest of a file.

    Args:
        repository: Its repository.
        commit: The commit.
        name: Its name in the repository.
        file: Open for reading and writing; contains what was downloaded before. Is truncated if the server cannot
            resume.
        progress: Called with the number of bytes that ``file`` has.
        pause_s: Seconds before a broken connection is opened again.

    Raises:
        ModelUnavailable: The hub cannot be reached, denies access, or lacks the file.
        OSError: The file cannot be written.
    """
    left = RETRIES
    while True:
        before = file.seek(0, os.SEEK_END)
        try:
            with hub_errors(repository, commit, name):
                _stream(repository, commit, name, file, progress)
            return
        except ModelUnavailable as error:
            left = RETRIES if file.tell() > before else left - 1
            if not _is_transport_error(error.__cause__) or left <= 0:
                raise
            time.sleep(pause_s)


def is_commit(revision: str | None) -> bool:
    """Return whether a revision is a full commit, which never moves."""
    return revision is not None and len(revision) == 40 and set(revision) <= set("0123456789abcdef")


def endpoint() -> str | None:
    """Return the address of the mirror that ``HF_ENDPOINT`` names; None: the hub itself."""
    return (os.environ.get("HF_ENDPOINT") or "").rstrip("/") or None


@contextmanager
def hub_errors(repository: str, revision: str | None, file: str | None = None) -> Iterator[None]:
    """Turn the errors of ``huggingface_hub`` and of its connections into one line that says what to do.

    Raises:
        ModelUnavailable: One occurred.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise ModelUnavailable(
            f"{repository}: expected a network, but HF_HUB_OFFLINE is set; unset it, or copy the model from another "
            "machine with: photoseek models pack NAME FILE, and: photoseek models unpack FILE"
        ) from error
    except errors.HfHubHTTPError as error:
        raise ModelUnavailable(_http_problem(error, repository, revision, file)) from error
    except errors.HFValidationError as error:
        raise ModelUnavailable(f"{repository}: expected a repository as ORG/REPO: {one_line(str(error))}") from error
    except Exception as error:
        if not _is_transport_error(error):
            raise
        what = one_line(str(error)) or type(error).__name__
        raise ModelUnavailable(
            f"{endpoint() or 'https://huggingface.co'}: cannot be reached: {what:.200}; check the network and the "
            f"proxy, then {_LATER}"
        ) from error


def _http_problem(error: Any, repository: str, revision: str | None, file: str | None) -> str:
    """Return what a status of the hub means, and what to do."""
    from huggingface_hub import errors

    status = getattr(error.response, "status_code", None)
    page = f"https://huggingface.co/{repository}"
    if isinstance(error, errors.GatedRepoError):
        return f"{repository}: expected access, found a gated repository; accept its terms at {page}, and set HF_TOKEN"
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"{repository}: expected revision {revision}, but the hub does not have it; to use the latest one instead, "
            "append @main to the name"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return f"{repository}: expected {file} at revision {revision}, found no such file; choose another precision"
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"{repository}: expected a repository, found none, or a private one; check its name at {page}, or set "
            "HF_TOKEN"
        )
    if status in (401, 403):
        return f"{repository}: expected access, the hub answered {status}; set HF_TOKEN to a token with this permission"
    if status == 429:
        wait = error.response.headers.get("Retry-After")
        when = f"wait {wait} seconds" if wait and wait.isdigit() else "wait some minutes"
        return f"{repository}: the hub answered 429, too many requests; {when}, or set HF_TOKEN, then {_LATER}"
    return f"{repository}: expected an answer of the hub, found status {status}; try again later"


def _stream(repository: str, commit: str, name: str, file: BinaryIO, progress: Callable[[int], None]) -> None:
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    start = file.seek(0, os.SEEK_END)
    headers = build_hf_headers(library_name="photoseek", library_version=__version__)
    headers["Accept-Encoding"] = "identity"
    if start:
        headers["Range"] = f"bytes={start}-"
    url = hf_hub_url(repository, name, revision=commit, endpoint=endpoint())
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S) as response:
        hf_raise_for_status(response)
        _expect_commit(response, repository, commit)
        if start and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            file.truncate(0)
            file.seek(0)
        for block in response.iter_bytes():
            file.write(block)
            progress(file.tell())


def _expect_commit(response: Any, repository: str, commit: str) -> None:
    """Raise unless the server sends the file of a commit, as far as it reports one."""
    sent = (each.headers.get("X-Repo-Commit") for each in (*response.history, response))
    if (found := next(filter(None, sent), commit)) != commit:
        raise ModelUnavailable(
            f"{repository}: expected files of commit {commit}, the server sent commit {found}; check HF_ENDPOINT"
        )


def _is_transport_error(error: BaseException | None) -> bool:
    from huggingface_hub import errors

    return type(error).__module__.partition(".")[0] in _TRANSPORTS and not isinstance(error, errors.HfHubHTTPError)


def _license(info: Any) -> str | None:
    card = getattr(info, "card_data", None)
    found = card.get("license") if card is not None else None
    tags = (tag.partition(":")[2] for tag in getattr(info, "tags", None) or () if tag.startswith("license:"))
    return found if isinstance(found, str) else next(tags, None)


def _cached_repository(name: str, revision: str | None) -> Repository:
    """Return a repository with the files that the cache of the hub contains."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    try:
        commit = revision if is_commit(revision) else (folder / "refs" / (revision or "main")).read_text().strip()
        snapshot = folder / "snapshots" / str(commit)
        paths = [path for path in snapshot.rglob("*") if path.is_file()]
    except (OSError, ValueError):
        paths, commit, snapshot = [], "", folder
    if not paths:
        raise ModelUnavailable(
            f"{name}: HF_HUB_OFFLINE is set, and the cache {folder} does not contain it; unset HF_HUB_OFFLINE, or copy "
            "the model from another machine with: photoseek models pack NAME FILE, and: photoseek models unpack FILE"
        )
    files = {path.relative_to(snapshot).as_posix(): RemoteFile(path.stat().st_size) for path in paths}
    return Repository(name, str(snapshot), str(commit), None, files)
