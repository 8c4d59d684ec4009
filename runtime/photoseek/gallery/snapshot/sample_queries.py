"""Sample queries from ``sample_queries.toml``, for tuning, benchmarks and the page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path


def sample_queries(languages: Sequence[str]) -> list[str]:
    """Return sample queries for photos in the given languages; English ones if there are none."""
    queries = _queries()["photos"]
    return [text for language in languages for text in queries.get(language, ())] or queries["en"].copy()


def demo_queries(language: str) -> list[str]:
    """Return sample queries for the demo gallery, in English or Chinese."""
    return _queries()["demo"][language]


@cache
def _queries() -> dict[str, dict[str, list[str]]]:
    import tomllib  # a search needs no sample queries

    return tomllib.loads(Path(__file__).with_name("sample_queries.toml").read_text("utf-8"))
