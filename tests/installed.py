"""Engines that are installed here; a bare install has neither annoy nor faiss."""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

import pytest

from photoseek.vector_index.registry import ENGINES, is_available

INSTALLED = tuple(name for name in ENGINES if is_available(name))
needs_annoy = pytest.mark.skipif("annoy" not in INSTALLED, reason="annoy is not installed")
needs_faiss = pytest.mark.skipif("faiss-hnsw" not in INSTALLED, reason="faiss is not installed")


def without(*packages: str) -> Callable[[str], ModuleSpec | None]:
    """Return a ``find_spec`` that does not find some packages."""
    return lambda name: None if name in packages else find_spec(name)
