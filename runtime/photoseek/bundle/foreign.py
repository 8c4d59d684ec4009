"""A foreign folder as a bundle; its manifest is made in memory."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.description import Description, TowerGraph, json_object
from photoseek.bundle.hash_cache import Stamp, cached_sha256
from photoseek.bundle.layouts.detect import describe
from photoseek.bundle.layouts.text_cleaning import CLEANING
from photoseek.bundle.manifest import FileRecord, Manifest
from photoseek.bundle.tokenization import Tokenization, for_queries
from photoseek.errors import BundleDamaged
from photoseek.photos.preprocessing import Preprocessing

UNKNOWN = "unknown"


def open_foreign(path: Path) -> Bundle:
    """Open a folder of another program.

    Raises:
        BundleNotFound: No layout is recognised.
        BundleDamaged: A file cannot be read.
        BundleIncompatible: It asks for what is not done here.
    """
    return ForeignBundle(path, describe(path))


class ForeignBundle(Bundle):
    """A bundle that another program made. Nothing vouches for its files, but they must not change while it is used."""

    def __init__(self, path: Path, description: Description) -> None:
        self.description = description
        self._stamps = {name: _stamp(path / name) for name in description.files}
        self._path = path
        super().__init__(path, self._manifest(), str(path))

    @property
    def layout(self) -> str:
        """Whose files these are."""
        return self.description.layout

    @cached_property
    def dim(self) -> int:
        """Length of its vectors; where no file tells it, the text tower is run for it once."""
        return self.description.dim or self._measured_dim()

    @property
    def precisions(self) -> tuple[str, ...]:
        """Those of which both towers are there, most exact first."""
        return self.description.precisions

    @property
    def preprocessing(self) -> Preprocessing:
        """How pictures become the input of the image tower."""
        return self.description.preprocessing

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over what vectors follow from: weights of the most exact precision, preprocessing, tokenizer.

        Where the folder lies, and what it is called, is none of it.
        """
        told, main = self.description, self.precisions[0]
        graphs = (told.texts[main], told.visions[main])
        parts = {
            "weights": [self._sha256(name) for name in told.graph_files(main)],
            "graphs": [[dict(graph.inputs), graph.output] for graph in graphs],
            "preprocessing": told.preprocessing.id,
            "tokenizer": [self._sha256(name) for name in told.reading.files],
            "reading": told.reading.facts,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def text_graph(self, precision: str, language: str | None = None) -> TowerGraph:  # noqa: ARG002
        """The text tower; there is one."""
        return self.description.texts[precision]

    def vision_graph(self, precision: str) -> TowerGraph:
        """The image tower."""
        return self.description.visions[precision]

    def tokenization(self, language: str | None = None) -> Tokenization:  # noqa: ARG002
        """How texts become the input of the text tower.

        Raises:
            BundleDamaged: A tokenizer file is not what it should be.
        """
        reading = self.description.reading
        for name in reading.files:
            self.verified(name)
        tokenizer = for_queries(reading.build(self.path, reading.files, **reading.options), reading.limit)
        pad = reading.pad if isinstance(reading.pad, int) else tokenizer.token_to_id(reading.pad)
        if pad is None:
            path = self.path / reading.files[0]
            raise BundleDamaged(f"{path}: expected the token {reading.pad!r:.80}, found none; copy the folder again")
        return Tokenization(tokenizer, pad, reading.length, reading.masked, reading.side, CLEANING[reading.clean])

    def choose(self, precision: str | None) -> str:
        """The precision asked for; None: the most exact one, since nothing tells what others lose.

        Raises:
            BundleIncompatible: The bundle lacks it.
        """
        return super().choose(precision or self.precisions[0])

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder."""
        return json_object(self.verified(name))

    def verified(self, name: str) -> Path:
        """The path of a file that has not changed since the bundle was opened.

        Raises:
            BundleDamaged: It has.
        """
        if _stamp(self.path / name) != self._stamps.get(name):
            raise BundleDamaged(f"{self.path / name}: has changed since the bundle was opened; open it again")
        return self.path / name

    def verified_graph(self, name: str) -> Path:
        """As :meth:`verified`, with the files that hold its weights."""
        for other in self.description.outside.get(name, ()):
            self.verified(other)
        return self.verified(name)

    def verify(self) -> None:
        """Encode a text and a photo in each precision; nothing tells what the files should be.

        Raises:
            BundleError: One of them cannot be read or run.
        """
        from PIL import Image

        from photoseek.encoders.encoders import ImageEncoder, TextEncoder

        for name in self.description.files:
            self.verified(name)
        for precision in self.precisions:
            TextEncoder(self, precision).encode(["a photo", ""])
            ImageEncoder(self, precision).encode([Image.new("RGB", (40, 30))])

    def _manifest(self) -> Manifest:
        told = self.description
        return Manifest(
            name=self._path.name,
            dim=self.description.dim or 0,
            pooling=UNKNOWN,
            languages=list(told.languages),
            preprocessing=told.preprocessing.id,
            weights=UNKNOWN,
            files={name: FileRecord(stamp.bytes, "") for name, stamp in self._stamps.items()},
            precisions={precision: {} for precision in told.precisions},
            licence=UNKNOWN,
        )

    def _measured_dim(self) -> int:
        """The length of what the text tower makes, where no file tells it."""
        from photoseek.bundle.onnx_session import Graph

        tower = self.text_graph(self.precisions[0])
        graph = Graph(self.verified_graph(tower.file), inputs=tower.inputs, output=tower.output)
        tokenization = self.tokenization()
        return int(graph.run(tokenization.feeds(tokenization.ids(["a"]))).shape[-1])

    def _sha256(self, name: str) -> str:
        """Of a file that has not changed since the bundle was opened."""
        path = self.verified(name)
        try:
            found = cached_sha256(path)
        except OSError as error:
            raise BundleDamaged(f"{path}: {error.strerror or error}") from error
        self.verified(name)
        return found


def _stamp(path: Path) -> Stamp:
    try:
        return Stamp.of(path)
    except OSError as error:
        raise BundleDamaged(f"{path}: {error.strerror or error}") from error
