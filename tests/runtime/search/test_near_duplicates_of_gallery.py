"""Near-duplicates of an entire gallery, compared with the definition."""

from __future__ import annotations

import numpy as np
import pytest

from photoseek.search import near_duplicates
from photoseek.search.near_duplicates import DUPLICATE_THRESHOLD, find_near_duplicates
from photoseek.vectors import Rows, Vectors


def expected(vectors: Vectors, pixels: Rows) -> list[list[int]]:
    """Return the groups by the definition, one photo after another."""
    order, taken, groups = sorted(range(len(pixels)), key=lambda row: -pixels[row]), set[int](), []
    for at, head in enumerate(order):
        if head not in taken:
            near = [row for row in order[at + 1 :] if vectors[head] @ vectors[row] >= DUPLICATE_THRESHOLD]
            group = [row for row in near if row not in taken]
            taken.update(group)
            groups += [[head, *group]] if group else []
    return groups


@pytest.mark.parametrize("tiles", [(512, 16_384), (7, 11), (1, 1), (5, 5)])
def test_groups_are_those_of_the_definition_for_every_size_of_tiles(
    monkeypatch: pytest.MonkeyPatch, tiles: tuple[int, int]
) -> None:
    monkeypatch.setattr(near_duplicates, "_HEADS", tiles[0])
    monkeypatch.setattr(near_duplicates, "_OTHERS", tiles[1])
    random = np.random.default_rng(3)
    centers = random.normal(size=(25, 16))
    vectors = centers[random.integers(25, size=120)] + random.normal(scale=0.12, size=(120, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    pixels = random.integers(1, 9, size=120)
    groups = expected(vectors, pixels)
    assert len(groups) > 5
    steps: list[tuple[int, int]] = []
    assert [rows.tolist() for rows in find_near_duplicates(vectors, pixels, lambda *step: steps.append(step))] == groups
    assert steps[-1] == (120, 120)
    assert steps == sorted(steps)


def test_a_chain_of_similar_photos_is_not_one_group() -> None:
    angles = np.arange(6) * np.arccos(0.985)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    pixels = np.array([5, 4, 6, 3, 2, 1])
    assert [rows.tolist() for rows in find_near_duplicates(vectors, pixels)] == [[2, 1, 3], [4, 5]]


def test_without_photos_there_are_no_groups() -> None:
    assert find_near_duplicates(np.empty((0, 4), np.float32), np.empty(0, np.int64)) == []
