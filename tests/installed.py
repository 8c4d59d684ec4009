"""Which engines this environment can run: a bare install has no faiss."""

from __future__ import annotations

import pytest

from photoseek.vector_index.registry import ENGINES, installed

INSTALLED = tuple(name for name in ENGINES if installed(name))
needs_faiss = pytest.mark.skipif("faiss-hnsw" not in INSTALLED, reason="faiss is not installed")
