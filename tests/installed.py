"""Engines that are installed here; a bare install has no faiss."""

from __future__ import annotations

import pytest

from photoseek.vector_index.registry import ENGINES, is_available

INSTALLED = tuple(name for name in ENGINES if is_available(name))
needs_faiss = pytest.mark.skipif("faiss-hnsw" not in INSTALLED, reason="faiss is not installed")
