"""What all layouts share: towers by precision become a description, where they agree with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from photoseek.bundle.description import ExternalModel, TextInputSpec
from photoseek.bundle.layouts.onnx_io import GraphIO
from photoseek.bundle.manifest import MAX_DIM
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing

_MOST_TOKENS = 65_536


def build_description(
    folder: Path,
    layout: str,
    texts: Mapping[str, GraphIO],
    visions: Mapping[str, GraphIO],
    preprocessing: Preprocessing,
    reading: TextInputSpec,
    *,
    languages: Sequence[str] = ("en",),
    read: Sequence[str] = (),
    dim: int | None = None,
) -> ExternalModel:
    """A description of towers, by precision, of which both are there.

    Args:
        folder: Where they lie.
        layout: Whose they are.
        texts: Text towers; where all take the same number of tokens, texts are filled up to that.
        visions: Image towers.
        preprocessing: Of photos.
        reading: Of texts, as far as files besides the graphs tell.
        languages: That it is taken to read.
        read: Further files that were read.
        dim: What a configuration says of the length of vectors; the graphs' own word is taken first.

    Raises:
        BundleIncompatible: They don't agree.
    """
    towers = [*texts.values(), *visions.values()]
    dims = {tower.dim for tower in towers} - {None}
    if len(dims) > 1:
        raise BundleIncompatible(f"{folder}: its towers make vectors of lengths {_join_names(dims)}; copy it again")
    found = next(iter(dims), dim)
    if found is not None and not 0 < found <= MAX_DIM:
        raise BundleIncompatible(f"{folder}: expected vectors of at most {MAX_DIM} numbers, found {found}")
    if reading.limit > _MOST_TOKENS:
        raise BundleIncompatible(
            f"{folder}: expected texts of at most {_MOST_TOKENS} tokens, found {reading.limit!r:.40}"
        )
    sizes = {(height, width) for tower in visions.values() for height, width in (tower.size,)}
    for height, width in sizes:
        if height not in (None, preprocessing.height) or width not in (None, preprocessing.width):
            raise BundleIncompatible(
                f"{folder}: its image tower takes {height} x {width} pixels, but its preprocessing makes "
                f"{preprocessing.height} x {preprocessing.width}; they belong to different models"
            )
    outside = {tower.graph.file: _sibling_file(folder, tower) for tower in towers if tower.face.outside}
    return ExternalModel(
        layout=layout,
        texts={precision: tower.graph for precision, tower in texts.items()},
        visions={precision: tower.graph for precision, tower in visions.items()},
        outside=outside,
        dim=found,
        preprocessing=preprocessing,
        reading=_with_max_tokens(folder, texts, reading),
        languages=tuple(languages),
        read=tuple(read),
    )


def _with_max_tokens(folder: Path, texts: Mapping[str, GraphIO], reading: TextInputSpec) -> TextInputSpec:
    """The same, where its graphs take texts of one length alone: these are filled up to it, and cut off there."""
    lengths = {tower.length for tower in texts.values()}
    if lengths == {None}:
        return reading
    length = next(iter(lengths))
    if len(lengths) > 1 or length is None:
        raise BundleIncompatible(f"{folder}: its text towers take texts of different lengths; keep those of one export")
    return replace(reading, limit=min(reading.limit, length), length=length)


def _sibling_file(folder: Path, tower: GraphIO) -> tuple[str, ...]:
    """Files with weights, by paths from the folder."""
    inside = PurePosixPath(tower.graph.file).parent
    names = tuple((inside / name).as_posix() for name in tower.face.outside)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise BundleIncompatible(
            f"{folder / missing[0]}: missing, but {tower.graph.file} keeps weights in it; copy it there"
        )
    return names


def common_precisions(
    folder: Path, texts: Mapping[str, str], visions: Mapping[str, str], expected: str
) -> dict[str, tuple[str, str]]:
    """The files of the precisions of which both towers are there; a precision of one alone does not count.

    Raises:
        BundleIncompatible: There is none.
    """
    found = {precision: (file, visions[precision]) for precision, file in texts.items() if precision in visions}
    if found:
        return found
    there = ", ".join([*texts.values(), *visions.values()])
    missing = "an image tower" if not visions else "a text tower" if not texts else "both towers in one precision"
    raise BundleIncompatible(f"{folder}: found {there}, but not {missing}; expected {expected}: copy the rest there")


def _join_names(values: set[int | None]) -> str:
    return ", ".join(str(value) for value in sorted(value for value in values if value is not None))
