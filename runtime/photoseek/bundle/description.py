"""What a layout's module tells of a folder.

Which file a tower is, and how it is fed and read: exporters give inputs and outputs names of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.bundle.files import BundleFiles
from photoseek.bundle.manifest import Manifest, upgrade_hint
from photoseek.bundle.tokenization import PaddingSide, Tokenization
from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing
from photoseek.system.atomic_write import read_bounded

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class GraphSpec:
    """A tower's graph.

    Attributes:
        file: Its path inside the bundle.
        inputs: For inputs of another name than ours (``input_ids``, ``attention_mask``, ``token_type_ids``,
            ``pixel_values``): which of ours each takes.
        output: The output that is the embedding. None: the first.
        alone: Whether texts or photos run one by one: activations of some int8 graphs are scaled by the largest of the
            run, so that a vector would change with its neighbours.
    """

    file: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    batch_size_one: bool = False


PRECISIONS = ("fp32", "fp16", "int8", "uint8", "q8", "q4", "q4f16", "bnb4")
"""Names of precisions, most exact first; of those of four bits all are last."""


@dataclass(frozen=True)
class TextInputSpec:
    """How a foreign text tower's texts become its input; see ``Tokenization``.

    Attributes:
        files: Of the tokenizer, by paths from the folder.
        build: Makes the tokenizer of them: called with the folder, the files and ``options``.
        limit: Tokens that are read of a text.
        pad: The token that shorter texts are filled up with, or its id.
        length: As there.
        masked: As there.
        side: As there.
        clean: As there; the name of a function in ``photoseek.bundle.layouts.text_cleaning``.
        options: Settings of the tokenizer that stand in none of its files.
    """

    files: tuple[str, ...]
    build: Callable[..., Tokenizer]
    limit: int
    pad: str | int
    length: int | None = None
    masked: bool = True
    side: PaddingSide = "right"
    clean: str = "no_cleaning"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint_parts(self) -> dict[str, Any]:
        """What vectors follow from, besides the files."""
        kept = ("limit", "pad", "length", "masked", "side", "clean")
        return {**{name: getattr(self, name) for name in kept}, "options": dict(self.options)}


@dataclass(frozen=True)
class ExternalModel:
    """A model in the layout of another program, as far as it is known without running it.

    Attributes:
        layout: Whose it is.
        texts: Text towers, by precision.
        visions: Image towers, by precision; the same ones.
        outside: Files with weights of a graph, by the graph's path; paths from the folder.
        dim: Length of its vectors; None where nothing but a run tells.
        preprocessing: Of photos.
        reading: Of texts.
        languages: ISO 639-1 codes of those that it is taken to read.
    """

    layout: str
    texts: Mapping[str, GraphSpec]
    visions: Mapping[str, GraphSpec]
    outside: Mapping[str, tuple[str, ...]]
    dim: int | None
    preprocessing: Preprocessing
    reading: TextInputSpec
    languages: tuple[str, ...] = ("en",)
    read: tuple[str, ...] = field(default=())
    """Further files that were read, such as ``config.json``."""

    @property
    def precisions(self) -> tuple[str, ...]:
        """Most exact first."""
        return tuple(precision for precision in PRECISIONS if precision in self.texts)

    def graph_files(self, precision: str) -> tuple[str, ...]:
        """The files of a precision's towers, with their weights."""
        graphs = (self.texts[precision].file, self.visions[precision].file)
        return tuple(name for graph in graphs for name in (graph, *self.outside.get(graph, ())))

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that belongs to it."""
        graphs = [name for precision in self.precisions for name in self.graph_files(precision)]
        return tuple(dict.fromkeys([*graphs, *self.reading.files, *self.read]))


@dataclass(frozen=True)
class BundleDescription:
    """What a layout knows of a bundle.

    Attributes:
        layout: Whose files these are: ``photoseek``, or the name of another program.
        manifest: As ``photoseek.json`` has it; of other programs' files it is made in memory.
        files: The files that it consists of.
        precisions: Those of which all towers are there, most exact first.
        texts: Returns the graph of a text tower by precision and language; None is the main tower.
        visions: Returns the graph of the image tower by precision.
        weights: Returns the files with weights of a graph.
        load_preprocessing: Returns how pictures become the input of the image tower.
        load_tokenization: Returns how texts become the input of the text tower of a language.
        compute_fingerprint: Returns what ties galleries to the bundle.
        compute_dim: Returns the length of vectors, if the manifest does not record it.
        fingerprint_parts: What is known besides the manifest.
    """

    layout: str
    manifest: Manifest
    files: BundleFiles
    precisions: tuple[str, ...]
    texts: Callable[[str, str | None], GraphSpec]
    visions: Callable[[str], GraphSpec]
    weights: Callable[[str], Sequence[str]]
    load_preprocessing: Callable[[], Preprocessing]
    load_tokenization: Callable[[str | None], Tokenization]
    compute_fingerprint: Callable[[], str]
    compute_dim: Callable[[], int] = lambda: 0
    fingerprint_parts: Mapping[str, Any] = field(default_factory=dict)


def json_object(path: Path, remedy: str = "copy the file again") -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Args:
        path: The file.
        remedy: What the error message says to do.

    Raises:
        BundleDamaged: It does not.
    """
    try:
        value = json.loads(read_bounded(path).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleDamaged(f"{path}: expected JSON: {error}{upgrade_hint(path)}; {remedy}") from error
    if not isinstance(value, dict):
        raise BundleDamaged(f"{path}: expected a JSON object, found {type(value).__name__}; {remedy}")
    return value


def optional_json(path: Path) -> dict[str, Any]:
    """The same; empty where there is no such file."""
    return json_object(path) if path.is_file() else {}


def expect_file(path: Path, what: str) -> Path:
    """A file that a layout cannot do without.

    Raises:
        BundleIncompatible: It is not there.
    """
    if not path.is_file():
        raise BundleIncompatible(f"{path}: missing; {what}")
    return path
