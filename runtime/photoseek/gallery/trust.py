"""Which photo folders and bundles a gallery may name: those that its user has named on this computer.

A gallery records where its photos and bundles are. One that came with somebody's album may record any place: a private
folder whose photos would be shown or served, or a bundle whose graphs would run. So a record is followed where it
cannot point elsewhere (the folder that contains the gallery, the embedded bundle), or where this user has named the
same place. Creating and indexing a gallery and ``--trust`` note that in ``$XDG_STATE_HOME/photoseek/trust.json``
(``~/.local/state``), which is read by its owner alone.

A photo folder is trusted for one gallery, a bundle for its content: one that was changed is not trusted any more.
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
from photoseek.system.filenames import decode_filename

_log = logging.getLogger(__name__)

Answer: TypeAlias = bool | Callable[[str], bool]
"""Whether to trust a gallery: yes, no, or what a user answers to a question."""

_FORMAT = 1
_REMEDY = "if you trust it, add --trust to the command once, or call Gallery.open(..., trust=True)"


@dataclass(frozen=True)
class _Record:
    """What was named: the photo folder of each gallery by its path, the content of each bundle by its path."""

    galleries: dict[str, str] = field(default_factory=dict)
    bundles: dict[str, str] = field(default_factory=dict)
    format: int = _FORMAT


class Trust:
    """What one open gallery may follow of its own records."""

    def __init__(self, gallery: Path, answer: Answer = False) -> None:
        self._gallery = gallery
        self._answer = answer
        self._photos: str | None = None  # the address that was found trusted
        self._refused: set[str] = set()

    def expect_photos(self, folder: PhotoSource) -> None:
        """Make sure that the photo folder that the gallery records may be used.

        Raises:
            GalleryUntrusted: It may not.
        """
        if folder.address == self._photos:
            return
        if not self._is_inside_gallery(folder) and _read().galleries.get(_key(self._gallery)) != decode_filename(
            folder.address
        ):
            self._ask(f"{self._gallery}: records its photos in {folder.address}, which you have not named for it here")
            self.accept_photos(folder)
        self._photos = folder.address

    def load_bundle(self, reference: str, fingerprint: str) -> Bundle:
        """Load a bundle by what the gallery records of it; nothing of an untrusted one is run.

        Args:
            reference: Where it is recorded to be.
            fingerprint: Which it is recorded to have; one that has another is of no use, and is not asked about.

        Raises:
            GalleryUntrusted: It may not be used.
            BundleError: It is not there, or is damaged.
        """
        if reference == DEMO:
            return Bundle.load(DEMO)
        noted = _read().bundles.get(_key(reference))
        if noted is None:
            self._ask(f"{self._gallery}: records the bundle {reference}, which you have not named here")
        bundle = Bundle.load(reference)
        if bundle.fingerprint == fingerprint and noted != _content(bundle):
            if noted is not None:
                self._ask(f"{self._gallery}: the bundle {reference} has changed since you named it")
            self.accept_bundle(bundle)
        return bundle

    def accept_photos(self, folder: PhotoSource) -> None:
        """Note that the user has named the gallery's photo folder."""
        self._photos = folder.address
        if not self._is_inside_gallery(folder):
            _save("galleries", _key(self._gallery), decode_filename(folder.address))

    def accept_bundle(self, bundle: Bundle) -> None:
        """Note that the user has named a bundle."""
        if bundle.reference != DEMO:
            _save("bundles", _key(bundle.path), _content(bundle))

    def _is_inside_gallery(self, folder: PhotoSource) -> bool:
        return isinstance(folder, LocalSource) and folder.root == self._gallery.parent

    def _ask(self, what: str) -> None:
        """Ask the user once, where there is one to ask."""
        if callable(self._answer):
            agreed = what not in self._refused and self._answer(f"{what}; do you trust it?")
        else:
            agreed = self._answer
        if not agreed:
            self._refused.add(what)
            raise GalleryUntrusted(f"{what}; {_REMEDY}")


def _content(bundle: Bundle) -> str:
    """SHA-256 over what a bundle's files must be, which loading them verifies."""
    files = sorted((name, record.bytes, record.sha256) for name, record in bundle.manifest.files.items())
    return hashlib.sha256(json.dumps([bundle.fingerprint, files]).encode()).hexdigest()


def _key(path: str | Path) -> str:
    try:
        return decode_filename(os.path.realpath(os.path.expanduser(path)))
    except ValueError:  # a NUL
        return ""


def _file() -> Path:
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    folder = base if base.is_absolute() else Path.home() / ".local" / "state"
    return folder / "photoseek" / "trust.json"


def _read() -> _Record:
    """What is noted; nothing, where that cannot be read."""
    try:
        values = json.loads(read_bounded(_file()))
        record = _Record(**values)
        if record.format != _FORMAT or not _is_texts(record.galleries) or not _is_texts(record.bundles):
            raise ValueError(f"expected format {_FORMAT}")
    except FileNotFoundError:
        return _Record()
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # RuntimeError: no home, or nested too deep
        _log.warning("what you trust cannot be read, and nothing is trusted: %s", error)
        return _Record()
    return record


def _is_texts(values: object) -> bool:
    return isinstance(values, dict) and all(isinstance(value, str) for value in values.values())


def _save(kind: str, key: str, value: str) -> None:
    """Add to what is noted; where that cannot be written, the next process asks again."""
    if getattr(_read(), kind).get(key) == value:
        return
    try:
        with _alone() as file:
            record = _read()
            getattr(record, kind)[key] = value
            write_json_atomic(file, asdict(record))
    except (OSError, RuntimeError) as error:
        _log.warning("what you trust cannot be noted, so you will be asked again: %s", error)


@contextmanager
def _alone() -> Iterator[Path]:
    """The record, while no other process writes it."""
    file = _file()
    make_private_folder(file.parent)
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(descriptor)
