"""The engines by name: availability, files, parameters, and constructors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from photoseek.errors import MissingExtra, QueryError
from photoseek.vector_index.annoy import AnnoyParameters, AnnoyTreeIndex
from photoseek.vector_index.base import Index
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.faiss import FaissFlatIndex, FaissHnswIndex, HnswParameters
from photoseek.vectors import Vectors

Engine: TypeAlias = Literal["auto", "exact", "annoy", "faiss-hnsw", "faiss-flat"]
"""``exact`` scores every photo. ``annoy`` and ``faiss-hnsw`` are approximate, with a measured recall. ``faiss-flat``
scores every photo in half precision, and the best ones again. ``auto`` is the fastest installed one that reached the
target recall when the gallery was indexed. ``annoy`` requires the extra ``annoy``, and ``faiss-hnsw`` and
``faiss-flat`` the extra ``faiss``."""

ENGINES = tuple(name for name in get_args(Engine) if name != "auto")

ANNOY_FILE = "index.ann"
FAISS_FILE = "index.faiss"


@dataclass(frozen=True)
class _EngineSpec:
    """The file of an engine, a function that opens it, the class of its parameters, and the package of its extra."""

    file: str
    open: Callable[[Path, Vectors, Any], Index]
    parameters: type[Any] | None = None
    package: str | None = None


_SPECS: Mapping[str, _EngineSpec] = {
    "annoy": _EngineSpec(ANNOY_FILE, AnnoyTreeIndex, AnnoyParameters, "annoy"),
    "faiss-hnsw": _EngineSpec(FAISS_FILE, FaissHnswIndex, HnswParameters, "faiss"),
    "faiss-flat": _EngineSpec(FAISS_FILE, lambda path, vectors, _: FaissFlatIndex.open(path, vectors), None, "faiss"),
}


INDEX_FILES = sorted({spec.file for spec in _SPECS.values()})


def extra_of(engine: str) -> str | None:
    """Return the extra of an engine, named after its package, or None if it needs none."""
    return _SPECS[engine].package if engine in _SPECS else None


def is_available(engine: str) -> bool:
    """Return whether the extra of an engine is installed; an engine without one always is available."""
    extra = extra_of(engine)
    return extra is None or find_spec(extra) is not None


def require_engine(engine: str) -> None:
    """Raise unless an engine exists and its extra is installed.

    Raises:
        QueryError: Unknown engine.
        MissingExtra: Its extra is not installed.
    """
    if engine not in get_args(Engine):
        raise QueryError(f"expected an engine among {', '.join(get_args(Engine))}, found {engine!r}")
    if not is_available(engine):
        raise MissingExtra(f"engine {engine} needs {install_hint(engine)}")


def install_hint(engine: str) -> str:
    """Return the package of an engine, and the command that installs it."""
    extra = extra_of(engine)
    return f"{extra}; install it with: pip install 'photoseek[{extra}]'"


def index_file(engine: str) -> str | None:
    """Return the name of the file that an engine searches, or None if it has none."""
    return _SPECS[engine].file if engine in _SPECS else None


def parameters_of(engine: str) -> frozenset[str]:
    """Return the names of an engine's parameters."""
    parameters = _SPECS[engine].parameters if engine in _SPECS else None
    return frozenset(each.name for each in fields(parameters)) if parameters else frozenset()


def open_index(engine: str, vectors: Vectors, file: Path | None, parameters: Mapping[str, int]) -> Index:
    """Open an engine that is installed over unit vectors (n, dim).

    Args:
        engine: Its name.
        vectors: The vectors to search.
        file: Its verified file; None for ``exact``.
        parameters: From the tuning for these vectors.

    Raises:
        GalleryDamaged: The file does not belong to these vectors.
    """
    if file is None:
        return ExactIndex(vectors)
    spec = _SPECS[engine]
    return spec.open(file, vectors, spec.parameters(**parameters) if spec.parameters else None)
