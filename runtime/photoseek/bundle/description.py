"""What a layout reports of a bundle: its graphs and their inputs and outputs, its files, and how to load the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from photoseek.bundle.files import BundleFiles
from photoseek.bundle.manifest import Manifest
from photoseek.bundle.tokenization import Tokenization
from photoseek.photos.preprocessing import Preprocessing

PRECISIONS = ("fp32", "fp16", "int8", "uint8", "q8", "q4", "q4f16", "bnb4")
"""Names of precisions, the most exact first, those of 4 bits last."""


@dataclass(frozen=True)
class GraphSpec:
    """The graph of a tower.

    Attributes:
        file: Its path inside the bundle.
        inputs: For each input that is not named ``input_ids``, ``attention_mask``, ``token_type_ids`` or
            ``pixel_values``: which of these it takes.
        output: The name of the output that is the embedding. None: the first output.
        external_data: Paths of further files with its weights.
        batch_size_one: Whether texts or photos run one by one. Some int8 graphs scale activations by the largest of the
            batch, so that a vector would depend on the rest of its batch.
    """

    file: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    external_data: tuple[str, ...] = ()
    batch_size_one: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The graph and the files with its weights."""
        return (self.file, *self.external_data)


@dataclass(frozen=True)
class BundleDescription:
    """What a layout reports of a bundle.

    Attributes:
        layout: ``photoseek``, or the program that the layout belongs to.
        manifest: The content of ``photoseek.json``, or its equivalent for a model of another program.
        files: The files of the bundle.
        text_graphs: Text towers by precision and language, the most exact precision first; None is the main language.
        vision_graphs: Image towers by the same precisions.
        load_preprocessing: Returns how pictures become the input of the image tower.
        load_tokenization: Returns how texts become the inputs of the text tower of a language.
        compute_fingerprint: Returns the fingerprint.
        compute_dim: Returns the length of vectors, if the manifest does not record it.
        fingerprint_parts: What the fingerprint depends on in addition to the manifest.
    """

    layout: str
    manifest: Manifest
    files: BundleFiles
    text_graphs: Mapping[str, Mapping[str | None, GraphSpec]]
    vision_graphs: Mapping[str, GraphSpec]
    load_preprocessing: Callable[[], Preprocessing]
    load_tokenization: Callable[[str | None], Tokenization]
    compute_fingerprint: Callable[[], str]
    compute_dim: Callable[[], int] = lambda: 0
    fingerprint_parts: Mapping[str, Any] = field(default_factory=dict)
