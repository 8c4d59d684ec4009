"""A model bundle on disk: its towers, their tokenizers and preprocessing, and a manifest that vouches for them."""

from __future__ import annotations

import json
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

from photoseek.bundle.description import TowerGraph
from photoseek.bundle.layouts.photoseek import load_tokenization
from photoseek.bundle.manifest import Layout, Manifest, hint_of
from photoseek.bundle.tokenization import Tokenization
from photoseek.errors import BundleDamaged, BundleIncompatible, BundleNotFound
from photoseek.photos.preprocessing import Preprocessing
from photoseek.system.atomic_write import read_bounded, sha256_of
from photoseek.system.cpu import runs_int8_well
from photoseek.system.fork_safety import Inherited

DEMO = "demo"
"""The name of the bundle that comes with photoseek."""

_DEMO_FOLDER = Path(__file__).parents[1] / "demo" / "bundle"


class Bundle(Inherited):
    """A bundle whose manifest and file sizes agree; contents are verified when first used.

    Get one from :meth:`load`. It may be shared between threads.
    """

    def __init__(self, path: Path, manifest: Manifest, reference: str) -> None:
        self.path = path
        self.manifest = manifest
        self.reference = reference
        """What ``Bundle.load`` takes to find it again: ``demo`` or an absolute path."""
        self._verified: set[str] = set()
        self._lock = threading.Lock()
        self.tell_of_forks()

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Bundle({self.name!r}, dim={self.dim}, precisions={list(self.precisions)})"

    @classmethod
    def load(cls, source: str | Path) -> Bundle:
        """Open a bundle.

        Args:
            source: Its folder, or ``"demo"`` for the one that comes with photoseek. A folder without a manifest is
                opened where another program's layout is recognised, see :mod:`photoseek.bundle.layouts`.

        Raises:
            BundleNotFound: No such folder, or neither a manifest nor a known layout in it.
            BundleDamaged: The manifest cannot be read, or a file is missing or has another size.
            BundleIncompatible: A newer format, no precision with all towers, or a foreign model that asks for something
                which is not done here.
        """
        demo = str(source) == DEMO
        path = _DEMO_FOLDER if demo else _folder(source)
        if not _is_file(path / Layout.MANIFEST):
            from photoseek.bundle.foreign import open_foreign

            return open_foreign(path)
        bundle = cls(path, Manifest.read(path), DEMO if demo else str(path))
        bundle._check_sizes()
        if not bundle.precisions:
            raise BundleIncompatible(f"{path}: no precision of which all towers are there")
        return bundle

    @property
    def name(self) -> str:
        """What people call it."""
        return self.manifest.name

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        return self.manifest.dim

    @property
    def fingerprint(self) -> str:
        """What ties galleries to it: see :attr:`Manifest.fingerprint`."""
        return self.manifest.fingerprint

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions of which the image tower and every text tower are there, most exact first."""
        return tuple(p for p in Layout.PRECISIONS if self._towers(p) <= self.manifest.files.keys())

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages that its text towers read, the main tower's first."""
        return tuple(dict.fromkeys([*self.manifest.languages, *self.manifest.text_towers]))

    def text_graph(self, precision: str, language: str | None = None) -> TowerGraph:
        """The main text tower, or that of a further language."""
        return TowerGraph(Layout.text_model(precision, language), alone=precision == "int8")

    def vision_graph(self, precision: str) -> TowerGraph:
        """The image tower."""
        return TowerGraph(Layout.vision_model(precision))

    def tokenization(self, language: str | None = None) -> Tokenization:
        """How texts become the input of a text tower.

        Raises:
            BundleDamaged: A tokenizer file is not what it should be.
        """
        return load_tokenization(self, language)

    @property
    def layout(self) -> str:
        """Whose files these are: ``photoseek``, or that of another program, see :mod:`photoseek.bundle.layouts`."""
        return "photoseek"

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How pictures become the input of the image tower."""
        return Preprocessing.from_json(self.read_json(Layout.PREPROCESSOR))

    def choose(self, precision: str | None) -> str:
        """The precision asked for; None: the one that this CPU runs fastest.

        That is int8 on a processor with instructions for it, and the most exact one otherwise.

        Raises:
            BundleIncompatible: The bundle lacks it.
        """
        if precision is None:
            return "int8" if "int8" in self.precisions and runs_int8_well() else self.precisions[0]
        if precision not in self.precisions:
            raise BundleIncompatible(f"bundle {self.name!r} has no {precision}; it has {', '.join(self.precisions)}")
        return precision

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the bundle, verified."""
        path = self.verified(name)
        try:
            value = json.loads(read_bounded(path).decode())
        except (ValueError, RecursionError) as error:
            raise BundleDamaged(f"{path}: expected JSON: {error}{hint_of(path)}; export the bundle anew") from error
        if not isinstance(value, dict):
            raise BundleDamaged(f"{path}: expected a JSON object, found {type(value).__name__}; export the bundle anew")
        return value

    def verified(self, name: str) -> Path:
        """The path of a file whose content is what the manifest says; hashed once.

        Raises:
            BundleDamaged: It is not.
        """
        path = self.path / name
        with self._lock:
            if name not in self._verified:
                self._check_content(name, path)
                self._verified.add(name)
        return path

    def verified_graph(self, name: str) -> Path:
        """As :meth:`verified`, with the files beside a graph that bear its name and more: they hold its weights."""
        for other in self.manifest.files:
            if other.startswith(name) and other != name:
                self.verified(other)
        return self.verified(name)

    def verify(self) -> None:
        """Hash every file again, also those that were verified before.

        Raises:
            BundleDamaged: The first file that is not what the manifest says.
        """
        self._check_sizes()
        for name in self.manifest.files:
            self._check_content(name, self.path / name)

    def _towers(self, precision: str) -> set[str]:
        """The graphs that a precision consists of."""
        texts = {Layout.text_model(precision, language) for language in (None, *self.manifest.text_towers)}
        return {Layout.vision_model(precision), *texts}

    def _check_sizes(self) -> None:
        for name, record in self.manifest.files.items():
            path = self.path / name
            if not _is_file(path):
                raise BundleDamaged(f"{path}: missing, or not a file; copy the bundle again, or export it anew")
            if (found := path.stat().st_size) != record.bytes:
                raise BundleDamaged(
                    f"{path}: expected {record.bytes:,} bytes, found {found:,}{hint_of(path)}; copy the bundle again"
                )

    def _check_content(self, name: str, path: Path) -> None:
        record = self.manifest.files.get(name)
        if record is None:
            raise BundleDamaged(f"{path}: the manifest records no such file")
        try:
            found = sha256_of(path)
        except OSError as error:
            raise BundleDamaged(f"{path}: {error.strerror or error}") from error
        if found != record.sha256:
            raise BundleDamaged(
                f"{path}: expected sha256 {record.sha256[:12]}..., found {found[:12]}...{hint_of(path)}; "
                "copy the bundle again"
            )


def _folder(source: str | Path) -> Path:
    try:
        return Path(source).expanduser().absolute()
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: the home of an unknown user
        raise BundleNotFound(f"expected the folder of a bundle, or demo, found {source!r}: {error}") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder that may not be read
        return False
