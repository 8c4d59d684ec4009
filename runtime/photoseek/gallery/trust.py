"""Trust: a gallery may use only the photo folders and bundles that its user has named on this computer.

A gallery records where its photos and bundles are. A gallery from someone else may record any path: a private folder
whose photos would be served, or a bundle whose graphs would run. So a record is followed only if it cannot point
elsewhere (the folder that contains the gallery, the embedded bundle), or if this user has named the same path.
Creating and indexing a gallery and ``--trust`` record that in ``$XDG_STATE_HOME/photoseek/trust.json``
(``~/.local/state``), which only its owner can read.

A photo folder is trusted for one gallery, a bundle for its content: a changed bundle is not trusted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.errors import GalleryUntrusted
from photoseek.sources.base import PhotoSource
from photoseek.sources.local import LocalSource
from photoseek.system.atomic_write import make_private_folder, read_bounded, write_json_atomic
from photoseek.system.cache_dir import state_folder
from photoseek.system.filenames import decode_filename
from photoseek.system.os_errors import describe_os_error

_log = logging.getLogger(__name__)

Answer: TypeAlias = bool | Callable[[str], bool]
"""Whether to trust a gallery: True, False, or a function that asks a user a question."""

_FORMAT = 1
_REMEDY = "if you trust it, add --trust to the command once, or call Gallery.open(..., trust=True)"


@dataclass(frozen=True)
class _Record:
    """Trusted photo folders by the path of their gallery, and contents of trusted bundles by their path."""

    galleries: dict[str, str] = field(default_factory=dict)
    bundles: dict[str, str] = field(default_factory=dict)
    format: int = _FORMAT


class Trust:
    """Trust in the records of one open gallery."""

    def __init__(self, gallery: Path, answer: Answer = False) -> None:
        self._gallery = gallery
        self._answer = answer
        self._photos: str | None = None  # the address that is known to be trusted
        self._refused: set[str] = set()

    def expect_photos(self, folder: PhotoSource) -> None:
        """Raise unless the photo folder that the gallery records may be used.

        Raises:
            GalleryUntrusted: It may not.
        """
        if folder.address == self._photos:
            return
        if not self._contains_gallery(folder) and not self._is_recorded(folder):
            self._ask(f"{self._gallery}: its photo folder {folder.address} is not one that you named for it")
            self.accept_photos(folder)
        self._photos = folder.address

    def load_bundle(self, reference: str, fingerprint: str) -> Bundle:
        """Load a bundle that the gallery records; an untrusted one is not run.

        Args:
            reference: Its recorded path.
            fingerprint: Its recorded fingerprint; a bundle with another one is returned without a question.

        Raises:
            GalleryUntrusted: It may not be used.
            BundleError: It is missing or damaged.
        """
        if reference == DEMO:
            return Bundle.load(DEMO)
        trusted = _read().bundles.get(_key(reference))
        if trusted is None:
            self._ask(f"{self._gallery}: its bundle {reference} is not one that you named")
        bundle = Bundle.load(reference)
        if bundle.fingerprint == fingerprint and trusted != _content(bundle):
            if trusted is not None:
                self._ask(f"{self._gallery}: the bundle {reference} has changed since you named it")
            self.accept_bundle(bundle)
        return bundle

    def accept_photos(self, folder: PhotoSource) -> None:
        """Record that the user has named the gallery's photo folder."""
        self._photos = folder.address
        if not self._contains_gallery(folder):
            _save("galleries", _key(self._gallery), decode_filename(folder.address))

    def accept_bundle(self, bundle: Bundle) -> None:
        """Record that the user has named a bundle."""
        if bundle.reference != DEMO:
            _save("bundles", _key(bundle.path), _content(bundle))

    def _contains_gallery(self, folder: PhotoSource) -> bool:
        return isinstance(folder, LocalSource) and folder.root == self._gallery.parent

    def _is_recorded(self, folder: PhotoSource) -> bool:
        return _read().galleries.get(_key(self._gallery)) == decode_filename(folder.address)

    def _ask(self, what: str) -> None:
        """Ask the user once, if possible.

        Raises:
            GalleryUntrusted: The answer is no.
        """
        if callable(self._answer):
            agreed = what not in self._refused and self._answer(f"{what}; do you trust it?")
        else:
            agreed = self._answer
        if not agreed:
            self._refused.add(what)
            raise GalleryUntrusted(f"{what}; {_REMEDY}")


def _content(bundle: Bundle) -> str:
    """Return the SHA-256 of the checksums of a bundle, which loading verifies."""
    files = sorted((name, record.bytes, record.sha256) for name, record in bundle.manifest.files.items())
    return hashlib.sha256(json.dumps([bundle.fingerprint, files]).encode()).hexdigest()


def _key(path: str | Path) -> str:
    try:
        return decode_filename(os.path.realpath(os.path.expanduser(path)))
    except ValueError:  # a NUL
        return ""


def _file() -> Path:
    return state_folder() / "trust.json"


def _read() -> _Record:
    """Return the record; an empty one if it cannot be read."""
    try:
        values = json.loads(read_bounded(_file()))
        record = _Record(**values)
        if record.format != _FORMAT or not _is_texts(record.galleries) or not _is_texts(record.bundles):
            raise ValueError(f"expected format {_FORMAT}")
    except FileNotFoundError:
        return _Record()
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # RuntimeError: no home, or nested too deep
        reason = describe_os_error(error) if isinstance(error, OSError) else error
        _log.warning("the trust record cannot be read, so nothing is trusted: %s", reason)
        return _Record()
    return record


def _is_texts(values: object) -> bool:
    return isinstance(values, dict) and all(isinstance(value, str) for value in values.values())


def _save(kind: str, key: str, value: str) -> None:
    """Add to the record; if it cannot be written, the next process asks again."""
    if getattr(_read(), kind).get(key) == value:
        return
    try:
        with _locked() as file:
            record = _read()
            getattr(record, kind)[key] = value
            write_json_atomic(file, asdict(record))
    except OSError as error:
        _log.warning("the trust record cannot be written, so you will be asked again: %s", describe_os_error(error))
    except RuntimeError as error:  # no home
        _log.warning("the trust record cannot be written, so you will be asked again: %s", error)


@contextmanager
def _locked() -> Iterator[Path]:
    """Lock the record, and yield its path."""
    file = _file()
    make_private_folder(file.parent)
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(descriptor)
