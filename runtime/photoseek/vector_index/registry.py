"""The engines by name: which are installed, what file each needs, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from photoseek.vector_index.annoy import AnnoyParameters, AnnoyTreeIndex
from photoseek.vector_index.base import Index
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.faiss import FaissFlatIndex, FaissHnswIndex, HnswParameters
from photoseek.vectors import Vectors

Engine: TypeAlias = Literal["auto", "exact", "annoy", "faiss-hnsw", "faiss-flat"]
"""``exact``: every photo scored. ``annoy`` and ``faiss-hnsw``: approximate, with a measured recall. ``faiss-flat``:
every photo scored in half precision, and the best ones again. ``auto``: the one that answered soonest with the recall
that was asked for, when the gallery was indexed. Those of faiss need the extra ``faiss``."""

ENGINES = tuple(name for name in get_args(Engine) if name != "auto")
"""The name of each."""

ANNOY_FILE = "index.ann"
FAISS_FILE = "index.faiss"


def is_available(engine: str) -> bool:
    """Whether what the engine needs is there."""
    return not engine.startswith("faiss-") or find_spec("faiss") is not None


def index_file(engine: str) -> str | None:
    """The name of the file that the engine searches; None where it needs none."""
    return {"annoy": ANNOY_FILE, "faiss-hnsw": FAISS_FILE, "faiss-flat": FAISS_FILE}.get(engine)


def parameters_of(engine: str) -> frozenset[str]:
    """The names of what the engine can be opened with."""
    kinds: dict[str, type[AnnoyParameters | HnswParameters]] = {"annoy": AnnoyParameters, "faiss-hnsw": HnswParameters}
    return frozenset(each.name for each in fields(kinds[engine])) if engine in kinds else frozenset()


def open_index(engine: str, vectors: Vectors, file: Path | None, parameters: Mapping[str, int]) -> Index:
    """Open an installed engine over unit vectors (n, dim).

    Args:
        engine: Its name.
        vectors: What it searches.
        file: Its verified file, where ``index_file`` names one.
        parameters: What was measured to suit these vectors.

    Raises:
        GalleryDamaged: The file is none over these vectors.
    """
    if file is None:
        return ExactIndex(vectors)
    opened: dict[str, Callable[[Path], Index]] = {
        "annoy": lambda file: AnnoyTreeIndex(file, vectors, AnnoyParameters(**parameters)),
        "faiss-hnsw": lambda file: FaissHnswIndex(file, vectors, HnswParameters(**parameters)),
        "faiss-flat": lambda file: FaissFlatIndex.open(file, vectors),
    }
    return opened[engine](file)
