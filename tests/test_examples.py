"""Run the Python examples of the documentation, unchanged, in a home folder with photos and bundles.

docs/embedding.md and docs/stores.md have separate test modules. The example of docs/many-machines.md needs a bucket.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from external_models import write_transformers
from photoseek.gallery.location import FOLDER
from tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"embedding.md", "many-machines.md", "models.md", "stores.md"}
BLOCKS = {
    (file.name, code)
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if file.name not in ELSEWHERE
    for code in re.findall(r"^```python\n(.*?)^```", file.read_text("utf-8"), flags=re.S | re.M)
}


def block(file: str, part: str) -> str:
    """Return the example in a file that contains ``part``."""
    (code,) = [code for name, code in BLOCKS if name == file and part in code]
    return code


README = block("README.md", "Gallery.open_or_create")
TUTORIAL = block("tutorial.md", "Searcher(Gallery.open(")
LAYOUTS = block("other-models.md", "bundle.layout")
BUNDLES = block("rerank.md", "gallery.bundles.add(")
RERANK = block("rerank.md", "Reranker(Searcher(gallery)")


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "example", "exec"), names)
    return names


def test_every_example_is_run() -> None:
    assert {code for _, code in BLOCKS} == {README, TUTORIAL, LAYOUTS, BUNDLES, RERANK}


def test_the_readme_indexes_and_searches_a_new_folder(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(home / "Photos" / FOLDER)
    shutil.copy(home / "Photos" / "red" / "red-0.png", home / "query.jpg")
    names = run(README)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert names["searcher"].bundle.name == "photoseek-demo"


@pytest.mark.usefixtures("home")
def test_the_tutorial_searches_an_indexed_folder(capsys: pytest.CaptureFixture[str]) -> None:
    run(TUTORIAL)
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_another_layout_is_loaded(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_transformers(home / "models" / "clip")
    run(LAYOUTS)
    assert capsys.readouterr().out == "transformers 16 ('fp32',)\n"


@pytest.fixture
def second_bundle(home: Path) -> None:
    write_tiny_bundle(home / "bundles" / "flickr30k", name="flickr30k", seed=4, dim=24)


@pytest.mark.usefixtures("second_bundle")
def test_a_bundle_is_added_searched_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(BUNDLES)
    printed = capsys.readouterr().out
    assert printed.startswith("['tiny', 'flickr30k']\n[Hit(rank=1, ")
    assert [bundle.name for bundle in names["gallery"].bundles] == ["tiny"]


@pytest.mark.usefixtures("second_bundle")
def test_hits_are_reranked(capsys: pytest.CaptureFixture[str]) -> None:
    run(RERANK)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("1 ")
    assert "('flickr30k', " in lines[0]
