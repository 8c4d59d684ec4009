"""Damaged trees of Annoy that no checksum was there to tell are refused, or searched without harm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import damaged_trees
from photoseek.errors import GalleryDamaged
from photoseek.nearest import annoy
from photoseek.nearest.annoy import AnnoyParameters, AnnoySearch
from photoseek.nearest.annoy_file import check_trees
from photoseek.vectors import normalise
from torture import report, rounds, seed
from typed_commands import environment

FILES = 150  # in one round


def test_no_damage_to_trees_crashes_or_hangs_a_search(tmp_path: Path) -> None:
    command = [sys.executable, damaged_trees.__file__, tmp_path, seed("damaged trees"), rounds(FILES)]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr[-2000:]
    refused, searched = map(int, done.stdout.split())
    assert refused > searched
    report("damaged trees without a checksum, refused", refused)
    report("damaged trees without a checksum, searched without harm", searched)


@pytest.mark.parametrize("count", [1, 2, 13, 14, 15, 200])
@pytest.mark.parametrize("trees", [1, 3])
@pytest.mark.parametrize("alike", [False, True])
def test_whole_trees_pass_whatever_their_size(tmp_path: Path, count: int, trees: int, alike: bool) -> None:
    """From one item, over as many as fit into a single bucket, to splits; of equal vectors, whose planes are zero."""
    vectors = normalise(np.random.default_rng(0).normal(size=(count, 12)))
    vectors[: count if alike else 0] = vectors[0]
    path = tmp_path / "index.ann"
    annoy.build(vectors, path, AnnoyParameters(trees))
    check_trees(path, vectors)
    assert len(AnnoySearch(path, vectors, AnnoyParameters(trees)).search(vectors[0], 5)[0]) == min(5, count)


@pytest.mark.parametrize(
    ("node", "place", "number", "message"),
    [
        (0, 0, 2, "nodes of 1 to 200 descendants"),
        (5, 1, 0, "another length than 1"),
        (5, 3, 0x7F800000, "not the vector that it stands for"),
        (-1, 0, 199, "expected 200 items, found 199"),
        (-2, 0, 201, "nodes of 1 to 200 descendants"),
        (-2, 1, -1, "refers to one that is not before it"),
        (-1, 2, 10**6, "refers to one that is not before it"),
        (-1, 2, 0, "not as many descendants as its children"),
        (-1, 3, 0x7FC00000, "normal is longer than 1, or no number"),
        (-1, 3, 0x42C80000, "normal is longer than 1, or no number"),
        (200, 1, 200, "a bucket holds another number"),
        (200, 1, -7, "a bucket holds another number"),
    ],
)
def test_what_is_wrong_with_trees_is_told(tmp_path: Path, node: int, place: int, number: int, message: str) -> None:
    vectors = normalise(np.random.default_rng(0).normal(size=(200, 12)))
    path = tmp_path / "index.ann"
    annoy.build(vectors, path, AnnoyParameters(3))
    numbers = np.fromfile(path, dtype=np.int32).reshape(-1, 15)
    numbers[node, place] = number
    numbers.tofile(path)
    with pytest.raises(GalleryDamaged, match=message):
        check_trees(path, vectors)
