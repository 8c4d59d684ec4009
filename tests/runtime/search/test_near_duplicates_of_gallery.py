"""Near-duplicates of an entire gallery, compared with the definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photoseek.search import near_duplicates
from photoseek.search.hits import Hit
from photoseek.search.near_duplicates import CANDIDATE_THRESHOLD, find_near_duplicates, group_near_duplicates
from photoseek.sources.local import LocalSource
from photoseek.vectors import Mask, Rows, Vectors


def expected(vectors: Vectors, pixels: Rows) -> list[list[int]]:
    """Return the groups by the definition, one photo after another."""
    order, taken, groups = sorted(range(len(pixels)), key=lambda row: -pixels[row]), set[int](), []
    for at, head in enumerate(order):
        if head not in taken:
            near = [row for row in order[at + 1 :] if vectors[head] @ vectors[row] >= CANDIDATE_THRESHOLD]
            group = [row for row in near if row not in taken]
            taken.update(group)
            groups += [[head, *group]] if group else []
    return groups


def every(_: int, others: Rows) -> Mask:
    return np.ones(len(others), dtype=bool)


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
    assert [
        rows.tolist() for rows in find_near_duplicates(vectors, pixels, every, lambda *step: steps.append(step))
    ] == groups
    assert steps[-1] == (120, 120)
    assert steps == sorted(steps)


def test_a_chain_of_similar_photos_is_not_one_group() -> None:
    angles = np.arange(6) * np.arccos(0.95)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    pixels = np.array([5, 4, 6, 3, 2, 1])
    assert [rows.tolist() for rows in find_near_duplicates(vectors, pixels, every)] == [[2, 1, 3], [4, 5]]


def test_without_photos_there_are_no_groups() -> None:
    assert find_near_duplicates(np.empty((0, 4), np.float32), np.empty(0, np.int64), every) == []


@pytest.mark.parametrize("tile", [1, 3, 16_384])
def test_only_photos_with_similar_vectors_are_checked_and_rejected_ones_join_another_group(
    monkeypatch: pytest.MonkeyPatch, tile: int
) -> None:
    monkeypatch.setattr(near_duplicates, "_OTHERS", tile)
    angles = np.array([0.0, 0.1, 0.2, 2.0, 0.15])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    picture = np.array([0, 1, 0, 2, 1])
    checked = list[tuple[int, int]]()

    def same(row: int, others: Rows) -> Mask:
        checked.extend((row, other) for other in others.tolist())
        return np.asarray(picture[others] == picture[row])

    pixels = np.array([9, 5, 4, 3, 2])
    found = find_near_duplicates(vectors, pixels, same)
    assert [rows.tolist() for rows in found] == [[0, 2], [1, 4]]
    assert sorted(checked) == [(0, 1), (0, 2), (0, 4), (1, 4)]


def test_the_largest_photo_of_near_duplicate_hits_represents_them_at_the_rank_of_the_best() -> None:
    source = LocalSource(Path("/photos"))
    facts = [(0.9, 30, False), (0.8, 5, False), (0.7, 40, False), (0.6, 40, False), (0.5, 90, True)]
    hits = [
        Hit(rank, f"{rank}.jpg", score, width, 1, source, rank, low_confidence=low)
        for rank, (score, width, low) in enumerate(facts, 1)
    ]
    vectors = np.array([[1, 0], [0, 1], [1, 0], [1, 0], [1, 0]], dtype=np.float32)
    grouped = [
        (hit.rank, hit.id, [other.id for other in hit.duplicates]) for hit in group_near_duplicates(hits, vectors)
    ]
    assert grouped == [(1, 3, [1, 4, 5]), (2, 2, [])]
