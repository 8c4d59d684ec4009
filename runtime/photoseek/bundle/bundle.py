"""A model bundle on disk: its towers, their tokenizers and preprocessing, whatever their layout."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from photoseek.bundle.description import BundleDescription, GraphSpec
from photoseek.bundle.files import is_file
from photoseek.bundle.layouts import photoseek
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.bundle.tokenization import Tokenization
from photoseek.errors import BundleIncompatible, BundleNotFound
from photoseek.photos.preprocessing import Preprocessing
from photoseek.system.cpu import has_int8_instructions

DEMO = "demo"
"""The name of the bundle that comes with photoseek."""

_DEMO_FOLDER = Path(__file__).parents[1] / "demo" / "bundle"


class Bundle:
    """A bundle whose description and file sizes agree; contents are verified when first used.

    Get one from ``load``. It may be shared between threads.
    """

    def __init__(self, path: Path, description: BundleDescription, reference: str) -> None:
        self.path = path
        self.description = description
        self.reference = reference
        """What ``Bundle.load`` takes to find it again: ``demo`` or an absolute path."""

    def __repr__(self) -> str:
        return f"Bundle({self.name!r}, dim={self.dim}, precisions={list(self.precisions)})"

    @classmethod
    def load(cls, source: str | Path) -> Bundle:
        """Open a bundle.

        Args:
            source: Its folder, or ``"demo"`` for the one that comes with photoseek. A folder without a manifest is
                opened if it has the layout of another program, see ``photoseek.bundle.layouts``.

        Raises:
            BundleNotFound: No such folder, or neither a manifest nor a known layout in it.
            BundleDamaged: The manifest cannot be read, or a file is missing or has another size.
            BundleIncompatible: A newer format, no precision with all towers, or a model of another program that needs
                something which is not supported.
        """
        demo = str(source) == DEMO
        path = _DEMO_FOLDER if demo else _folder(source)
        if is_file(path / Layout.MANIFEST):
            return cls(path, photoseek.describe(path), DEMO if demo else str(path))
        from photoseek.bundle.layouts import external

        return cls(path, external.describe(path), str(path))

    @property
    def manifest(self) -> Manifest:
        """What is recorded of it."""
        return self.description.manifest

    @property
    def name(self) -> str:
        """What people call it."""
        return self.manifest.name

    @cached_property
    def dim(self) -> int:
        """Length of its vectors; if no file records it, the text tower runs once."""
        return self.manifest.dim or self.description.compute_dim()

    @cached_property
    def fingerprint(self) -> str:
        """What ties galleries to it: a SHA-256 over everything that its vectors depend on."""
        return self.description.compute_fingerprint()

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions of which the image tower and every text tower are there, most exact first."""
        return self.description.precisions

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages that its text towers read, the main tower's first."""
        return tuple(dict.fromkeys([*self.manifest.languages, *self.manifest.text_towers]))

    @property
    def layout(self) -> str:
        """Whose files these are: ``photoseek``, or the name of another program."""
        return self.description.layout

    @property
    def has_checksums(self) -> bool:
        """Whether anything records what its files should contain."""
        return self.description.files.have_checksums

    def text_graph(self, precision: str, language: str | None = None) -> GraphSpec:
        """Return the main text tower, or that of a further language."""
        return self.description.texts(precision, language)

    def vision_graph(self, precision: str) -> GraphSpec:
        """Return the image tower."""
        return self.description.visions(precision)

    def tokenization(self, language: str | None = None) -> Tokenization:
        """Return how texts become the input of a text tower.

        Raises:
            BundleDamaged: A tokenizer file is not what it should be.
        """
        return self.description.load_tokenization(language)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How pictures become the input of the image tower."""
        return self.description.load_preprocessing()

    def choose(self, precision: str | None) -> str:
        """Return the precision asked for; None: the one that this CPU runs fastest.

        That is int8 on a processor with instructions for it, if the bundle records what it loses, and the most exact
        one otherwise.

        Raises:
            BundleIncompatible: The bundle lacks it.
        """
        if precision is None:
            fast = self.has_checksums and "int8" in self.precisions and has_int8_instructions()
            return "int8" if fast else self.precisions[0]
        if precision not in self.precisions:
            raise BundleIncompatible(f"bundle {self.name!r} has no {precision}; it has {', '.join(self.precisions)}")
        return precision

    def graph_of(self, name: str) -> Path:
        """Return the path of a graph after verifying it and the files with its weights.

        Raises:
            BundleDamaged: One of them is not what it should be.
        """
        for other in self.description.weights(name):
            self.description.files.verified(other)
        return self.description.files.verified(name)

    def verify(self) -> None:
        """Verify every file again; see ``verify`` for a bundle without checksums.

        Raises:
            BundleDamaged: The first file that is not what it should be.
        """
        self.description.files.verify_all()


def _folder(source: str | Path) -> Path:
    try:
        return Path(source).expanduser().absolute()
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: the home of an unknown user
        raise BundleNotFound(f"expected the folder of a bundle, or demo, found {source!r}: {error}") from error
