"""Optimized graphs are kept in the user's cache, and never used if they are damaged."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from photoseek import Bundle
from photoseek.bundle import graph_cache
from photoseek.bundle.graph_cache import GRAPH, WEIGHTS, CachedGraph
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.system.folder_tag import TAG
from photoseek.system.removal import TEMP_PREFIX
from photoseek.vectors import Vectors
from tiny_bundle import write_tiny_bundle

TEXTS = ["red", "two green photos", "blue"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("photoseek.bundle.bundle.MIN_BYTES", 0)
    return tmp_path / "cache" / "photoseek" / "graphs"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle.load(write_tiny_bundle(tmp_path / "bundle"))


def encode(bundle: Bundle) -> Vectors:
    return TextEncoder(bundle, "fp32").encode(TEXTS)


def entries(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.exists() else []


def test_the_second_session_opens_the_optimized_graph(bundle: Bundle, cache: Path, tiny_bundle: Bundle) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photoseek.bundle.bundle.MIN_BYTES", 1 << 40)
        plain = encode(tiny_bundle)
        assert entries(cache) == []
    assert np.array_equal(encode(bundle), plain)
    (entry,) = entries(cache)
    assert {path.name for path in entry.iterdir()} == {GRAPH, WEIGHTS, "record.json", TAG}
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CachedGraph, "write", lambda *_: pytest.fail("the graph was not found"))
        assert np.array_equal(encode(bundle), plain)


def test_each_graph_has_an_entry_of_its_own(bundle: Bundle, cache: Path) -> None:
    encode(bundle)
    pixels = np.zeros((1, 3, bundle.preprocessing.height, bundle.preprocessing.width), dtype=np.float32)
    pixels[:, 0] = 1
    expected = ImageEncoder(bundle, "fp32").encode_pixels(pixels)
    assert len(entries(cache)) == 2
    assert np.array_equal(ImageEncoder(bundle, "fp32").encode_pixels(pixels), expected)


@pytest.mark.parametrize("fact", ["cpu_model", "instructions"])
def test_another_cpu_does_not_use_the_graph(fact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    CachedGraph("0").write(write_files)
    assert CachedGraph("0").find() is not None
    monkeypatch.setattr(graph_cache, fact, lambda: ["another"])
    assert CachedGraph("0").find() is None


def write_files(folder: Path, size: int = 1_000) -> Path:
    (folder / GRAPH).write_bytes(b"graph")
    (folder / WEIGHTS).write_bytes(bytes(size))
    return folder


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS, "record.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_entry_is_discarded_and_written_again(bundle: Bundle, cache: Path, name: str, damage: str) -> None:
    expected = encode(bundle)
    (entry,) = entries(cache)
    content = bytearray((entry / name).read_bytes())
    if damage == "remove":
        (entry / name).unlink()
    else:
        content[len(content) // 2] ^= 1
        (entry / name).write_bytes(content if damage == "flip" else content[: len(content) // 2])
    assert np.array_equal(encode(bundle), expected)
    assert CachedGraph(content_of(bundle)).find() is not None


def content_of(bundle: Bundle) -> str:
    content = bundle.graph_content(bundle.text_graph("fp32"))
    assert content is not None
    return content


def test_an_entry_that_onnxruntime_refuses_is_discarded(bundle: Bundle, cache: Path) -> None:
    expected = encode(bundle)
    (entry,) = entries(cache)
    record = json.loads((entry / "record.json").read_text())
    CachedGraph(content_of(bundle)).discard()
    CachedGraph(content_of(bundle)).write(write_files)  # sizes and hashes are right, but it is not a graph
    assert json.loads((entry / "record.json").read_text()) != record
    assert np.array_equal(encode(bundle), expected)
    assert json.loads((entry / "record.json").read_text())[GRAPH] == record[GRAPH]


def test_a_cache_that_cannot_be_written_changes_nothing(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the place of the folder")
    assert encode(bundle).shape == (3, bundle.dim)


def test_the_oldest_graphs_and_drafts_of_killed_processes_make_room(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(graph_cache, "MAX_BYTES", 5_000)
    for number in range(4):
        before = entries(cache)
        CachedGraph(f"{number}").write(write_files)
        (added,) = set(entries(cache)) - set(before)
        os.utime(added, (number + 1, number + 1))
    assert [number for number in range(4) if CachedGraph(f"{number}").find()] == [1, 2, 3]
    draft = cache / f"{TEMP_PREFIX}{'0' * 16}"
    added.rename(draft)
    CachedGraph("4").write(write_files)
    assert not draft.exists()


def test_files_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(graph_cache, "MAX_BYTES", 0)
    CachedGraph("0").write(write_files)
    (entry,) = entries(cache)
    (entry / "notes.txt").write_text("mine")
    CachedGraph("1").write(write_files)
    assert (entry / "notes.txt").read_text() == "mine"
