"""A model in the layout of another program, after a check that towers, preprocessing and tokenizer agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from photoseek.bundle.description import PRECISIONS, GraphSpec
from photoseek.bundle.layouts.onnx_io import GraphIO
from photoseek.bundle.layouts.tokenizers import TextInputSpec
from photoseek.bundle.manifest import MAX_DIM
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing

_MAX_TOKENS = 65_536


@dataclass(frozen=True)
class ExternalModel:
    """A model in the layout of another program, described without running it.

    Attributes:
        folder: The folder that the names of its files are relative to.
        layout: The name of the layout.
        texts: Text towers by precision.
        visions: Image towers, by the same precisions.
        dim: Length of its vectors; None if no file records it.
        preprocessing: Preprocessing of photos.
        text_input: Preprocessing and tokenization of texts.
        languages: ISO 639-1 codes of the supported languages.
        config_files: Further files, such as ``config.json``.
        name: Its display name. Empty: that of the folder.
    """

    folder: Path
    layout: str
    texts: Mapping[str, GraphSpec]
    visions: Mapping[str, GraphSpec]
    dim: int | None
    preprocessing: Preprocessing
    text_input: TextInputSpec
    languages: tuple[str, ...]
    config_files: tuple[str, ...]
    name: str = ""

    @property
    def precisions(self) -> tuple[str, ...]:
        """Precisions of both towers, the most exact first."""
        return tuple(precision for precision in PRECISIONS if precision in self.texts)

    @property
    def files(self) -> tuple[str, ...]:
        """All files of the model."""
        towers = [tower for precision in self.precisions for tower in (self.texts[precision], self.visions[precision])]
        graphs = [name for tower in towers for name in tower.files]
        return tuple(dict.fromkeys([*graphs, *self.text_input.files, *self.config_files]))


def build_model(
    folder: Path,
    layout: str,
    texts: Mapping[str, GraphIO],
    visions: Mapping[str, GraphIO],
    preprocessing: Preprocessing,
    text_input: TextInputSpec,
    *,
    languages: Sequence[str] = ("en",),
    config_files: Sequence[str] = (),
    dim: int | None = None,
    name: str = "",
) -> ExternalModel:
    """Return a model after checking that its parts agree.

    Args:
        folder: The folder of its files.
        layout: The name of the layout.
        texts: Text towers by precision. If they accept a single length only, texts are padded and truncated to it.
        visions: Image towers, by the same precisions.
        preprocessing: Preprocessing of photos.
        text_input: Preprocessing of texts according to the configuration.
        languages: ISO 639-1 codes of the supported languages.
        config_files: Further files.
        dim: Length of vectors according to the configuration; what the graphs declare takes precedence.
        name: The display name. Empty: that of the folder.

    Raises:
        BundleIncompatible: The parts do not agree.
    """
    towers = [*texts.values(), *visions.values()]
    dims = {tower.dim for tower in towers if tower.dim is not None}
    if len(dims) > 1:
        lengths = ", ".join(map(str, sorted(dims)))
        raise BundleIncompatible(f"{folder}: expected towers of one dimension, found {lengths}; copy it again")
    dim = next(iter(dims), dim)
    if dim is not None and not 0 < dim <= MAX_DIM:
        raise BundleIncompatible(f"{folder}: expected vectors of at most {MAX_DIM} numbers, found {dim}")
    if text_input.max_length > _MAX_TOKENS:
        raise BundleIncompatible(
            f"{folder}: expected texts of at most {_MAX_TOKENS} tokens, found {text_input.max_length!r:.40}"
        )
    for tower in visions.values():
        _check_size(folder, tower, preprocessing)
    return ExternalModel(
        folder=folder,
        layout=layout,
        texts={precision: tower.graph for precision, tower in texts.items()},
        visions={precision: tower.graph for precision, tower in visions.items()},
        dim=dim,
        preprocessing=preprocessing,
        text_input=_with_fixed_length(folder, texts, text_input),
        languages=tuple(languages),
        config_files=tuple(config_files),
        name=name,
    )


def common_precisions(
    folder: Path, texts: Mapping[str, str], visions: Mapping[str, str], expected: str
) -> dict[str, tuple[str, str]]:
    """Return the files of the precisions that have both towers.

    Raises:
        BundleIncompatible: There is no such precision; ``expected`` names the files of the layout.
    """
    found = {precision: (file, visions[precision]) for precision, file in texts.items() if precision in visions}
    if found:
        return found
    there = ", ".join([*texts.values(), *visions.values()])
    missing = "an image tower" if not visions else "a text tower" if not texts else "both towers in one precision"
    raise BundleIncompatible(f"{folder}: found {there}, but not {missing}; expected {expected}: copy the missing files")


def has_pair(folder: Path, text: str, vision: str, expected: str) -> bool:
    """Return whether a folder has the two files of a layout with one precision; False if it has neither.

    Raises:
        BundleIncompatible: It has only one of them.
    """
    texts, visions = ({"fp32": file} if (folder / file).is_file() else {} for file in (text, vision))
    return bool(texts or visions) and bool(common_precisions(folder, texts, visions, expected))


def _check_size(folder: Path, tower: GraphIO, preprocessing: Preprocessing) -> None:
    height, width = tower.size
    if height not in (None, preprocessing.height) or width not in (None, preprocessing.width):
        raise BundleIncompatible(
            f"{folder}: its image tower expects {height} x {width} pixels, but its preprocessing returns "
            f"{preprocessing.height} x {preprocessing.width}; they belong to different models"
        )


def _with_fixed_length(folder: Path, texts: Mapping[str, GraphIO], text_input: TextInputSpec) -> TextInputSpec:
    lengths = {tower.length for tower in texts.values()}
    if lengths == {None}:
        return text_input
    length = next(iter(lengths))
    if len(lengths) > 1 or length is None:
        raise BundleIncompatible(f"{folder}: its text towers take texts of different lengths; keep those of one export")
    padding = replace(text_input.padding, length=length)
    return replace(text_input, max_length=min(text_input.max_length, length), padding=padding)
