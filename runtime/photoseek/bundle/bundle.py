"""A model bundle on disk: its towers, their tokenizers and preprocessing, in any layout."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from photoseek.bundle.description import BundleDescription, GraphSpec
from photoseek.bundle.files import is_file
from photoseek.bundle.int8_probe import prefers_int8
from photoseek.bundle.layouts import photoseek
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.bundle.tokenization import Tokenization
from photoseek.errors import BundleIncompatible, BundleNotFound
from photoseek.photos.preprocessing import Preprocessing
from photoseek.system.hash_cache import MIN_BYTES

DEMO = "demo"
"""The name of the bundle that ships with photoseek."""

_DEMO_FOLDER = Path(__file__).parents[1] / "demo" / "bundle"


class Bundle:
    """A bundle whose manifest and file sizes were verified; each file's content is verified when it is first used.

    Get one from ``load``. May be shared between threads.
    """

    def __init__(self, path: Path, description: BundleDescription, reference: str) -> None:
        self.path = path
        self.description = description
        self.reference = reference
        """The argument of ``Bundle.load`` that opens it again: ``demo`` or an absolute path."""

    def __repr__(self) -> str:
        return f"Bundle({self.name!r}, dim={self.dim}, precisions={list(self.precisions)})"

    @classmethod
    def load(cls, source: str | Path) -> Bundle:
        """Open a bundle.

        Args:
            source: Its folder, ``"demo"`` for the bundle that ships with photoseek, or the name of a model that
                ``photoseek models pull`` has installed. A folder without a manifest is opened if it has the layout of
                another program, see ``photoseek.bundle.layouts``.

        Raises:
            BundleNotFound: No such folder, or it has neither a manifest nor a known layout.
            ModelNotInstalled: A model by this name can be downloaded.
            BundleDamaged: The manifest cannot be read, or a file is missing or has another size.
            BundleIncompatible: A newer format, no precision with all towers, or a model of another program that
                requires an unsupported feature.
        """
        demo = str(source) == DEMO
        path = _DEMO_FOLDER if demo else _folder(source)
        if is_file(path / Layout.MANIFEST):
            return cls(path, photoseek.describe(path), DEMO if demo else str(path))
        from photoseek.bundle.installed_models import RECORD, ModelRecord, raise_not_installed
        from photoseek.bundle.layouts import external

        if not os.path.isdir(path):
            raise_not_installed(str(source), path)
        record = ModelRecord.read(path) if is_file(path / RECORD) else None
        return cls(path, external.describe(path, record), str(path))

    @classmethod
    def from_pretrained(cls, repository: str, *, revision: str | None = None, precision: str | None = None) -> Bundle:
        """Open a bundle of the Hugging Face hub, which is downloaded, checked and pinned when it is first used.

        The same as ``photoseek models pull hf:ORG/REPO`` and ``Bundle.load("hf:ORG/REPO")``. An installed one is opened
        without the network, unless ``revision`` is a branch or a tag.

        Args:
            repository: Its name, ``ORG/REPO``. Its models are executable code: name only repositories that you trust.
            revision: A commit, a branch or a tag. None: the pinned commit, or at first the latest.
            precision: Precision of its graphs. None: the most exact one.

        Raises:
            QueryError: Not the name of a repository.
            ModelError: It cannot be downloaded, differs from its checksums, or is installed at another revision.
            BundleError: It has no model in a supported layout.
        """
        from photoseek.models.pretrained import pull_bundle

        return cls.load(pull_bundle(repository, revision, precision))

    def push_to_hub(self, repository: str, *, private: bool | None = None, message: str | None = None) -> str:
        """Upload the bundle to the Hugging Face hub with a model card, and return the commit.

        The card has the measured recalls of each precision. ``HF_TOKEN`` or ``hf auth login`` gives access.

        Args:
            repository: Name of the repository, ``ORG/REPO``; it is created if it does not exist.
            private: Whether a new repository is private. None: the default of its owner.
            message: Of the commit.

        Raises:
            QueryError: Not the name of a repository.
            ModelUnavailable: The hub cannot be reached, or denies access.
            BundleError: The bundle is damaged, or has the layout of another program.
        """
        from photoseek.models.pretrained import push_bundle

        return push_bundle(self, repository, private=private, message=message)

    @property
    def manifest(self) -> Manifest:
        """The content of ``photoseek.json``, or its equivalent for a model of another program."""
        return self.description.manifest

    @property
    def name(self) -> str:
        """Its display name."""
        return self.manifest.name

    @cached_property
    def dim(self) -> int:
        """Length of its vectors; if no file records it, the text tower runs once."""
        return self.manifest.dim or self.description.compute_dim()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything that its vectors depend on; galleries record it."""
        return self.description.compute_fingerprint()

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that have the image tower and every text tower, the most exact first."""
        return tuple(self.description.vision_graphs)

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages of its text towers, those of the main tower first."""
        return tuple(dict.fromkeys([*self.manifest.languages, *self.manifest.text_towers]))

    @property
    def layout(self) -> str:
        """``photoseek``, or the program that the layout of its files belongs to."""
        return self.description.layout

    @property
    def has_checksums(self) -> bool:
        """Whether a manifest records the content of its files."""
        return self.description.files.have_checksums

    def lacking(self, fact: str) -> list[str]:
        """Return the text towers without a measurement, as ``fp32`` or, of another language, ``fp32 zh``.

        Args:
            fact: ``metrics`` (retrieval) or ``confidence``, see ``Manifest.precisions``.
        """
        towers = {"": self.manifest.precisions} | {
            f" {code}": tower.precisions for code, tower in self.manifest.text_towers.items()
        }
        return [
            f"{precision}{suffix}"
            for suffix, facts in towers.items()
            for precision in self.precisions
            if not facts.get(precision, {}).get(fact)
        ]

    def text_graph(self, precision: str, language: str | None = None) -> GraphSpec:
        """Return the graph of the main text tower, or of that of another language."""
        return self.description.text_graphs[precision][language]

    def vision_graph(self, precision: str) -> GraphSpec:
        """Return the graph of the image tower."""
        return self.description.vision_graphs[precision]

    def tokenization(self, language: str | None = None) -> Tokenization:
        """Return how texts become the inputs of a text tower.

        Raises:
            BundleDamaged: A tokenizer file is missing, damaged or invalid.
        """
        return self.description.load_tokenization(language)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How pictures become the input of the image tower."""
        return self.description.load_preprocessing()

    def select_precision(self, precision: str | None) -> str:
        """Return ``precision``, or the fastest suitable precision on this computer if it is None.

        That is int8 if it is faster here and its loss was measured, and the most exact one otherwise.

        Raises:
            BundleIncompatible: The bundle lacks the precision.
        """
        if precision is None:
            exact, *others = self.precisions
            facts = self.manifest.precisions.get("int8", {})
            measured = self.layout == photoseek.NAME or "metrics" in facts or "similarity" in facts
            return "int8" if "int8" in others and measured and prefers_int8() else exact
        if precision not in self.precisions:
            raise BundleIncompatible(f"bundle {self.name!r} has no {precision}; it has {', '.join(self.precisions)}")
        return precision

    def graph_path(self, graph: GraphSpec) -> Path:
        """Return the path of a graph after verifying it and the files with its weights.

        Raises:
            BundleDamaged: One of them is missing or damaged.
        """
        path, *_ = [self.description.files.verified_path(name) for name in graph.files]
        return path

    def graph_content(self, graph: GraphSpec) -> str | None:
        """Return a hash of a graph and its weights for ``OnnxSession``; None if it is small, and opens fast anyway.

        Raises:
            BundleDamaged: One of the files is missing or damaged.
        """
        files = self.description.files
        if sum(files.sizes[name] for name in graph.files) < MIN_BYTES:
            return None
        return ", ".join(files.sha256(name) for name in graph.files)

    def verify(self) -> None:
        """Verify every file again; for a bundle without checksums see ``photoseek.encoders.encoders.verify_bundle``.

        Raises:
            BundleDamaged: The first file that is missing or damaged.
        """
        self.description.files.verify_all()


def _folder(source: str | Path) -> Path:
    """Return the folder of a bundle; an existing one takes precedence over an installed model of the same name."""
    from photoseek.bundle.installed_models import find_model, hub_snapshot  # importing photoseek does not need it

    try:
        path = Path(source).expanduser().absolute()
        return hub_snapshot(path) if os.path.isdir(path) else find_model(str(source)) or path
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: the home of an unknown user
        raise BundleNotFound(f"expected the folder of a bundle, or demo, found {source!r}: {error}") from error
