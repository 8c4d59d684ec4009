"""The examples of docs/rerank.md, run as they stand there over a small gallery in ``~/Photos``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from photoseek import Bundle, Gallery
from tiny_bundle import write_tiny_bundle

DOCUMENT = Path(__file__).parents[1] / "docs" / "rerank.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text("utf-8"), flags=re.S | re.M)


@pytest.fixture
def home(photos: Path, tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose Photos are indexed, and where a bundle lies in ``bundles/flickr30k``."""
    photos.rename(tmp_path / "Photos")
    Gallery.create(tmp_path / "Photos", tiny_bundle).index()
    write_tiny_bundle(tmp_path / "bundles" / "flickr30k", name="flickr30k", seed=4, dim=24)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(begins_with: str) -> dict[str, Any]:
    (code,) = [block for block in BLOCKS if begins_with in block]
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), names)
    return names


@pytest.mark.usefixtures("home")
def test_a_bundle_is_added_searched_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("gallery.bundles.add(")
    told = capsys.readouterr().out
    assert told.startswith("['tiny', 'flickr30k']\n[Hit(rank=1, ")
    assert [bundle.name for bundle in names["gallery"].bundles] == ["tiny"]


@pytest.mark.usefixtures("home")
def test_hits_are_looked_at_once_more(capsys: pytest.CaptureFixture[str]) -> None:
    run("Reranker(Searcher(gallery)")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("1 ")
    assert "('flickr30k', " in lines[0]
