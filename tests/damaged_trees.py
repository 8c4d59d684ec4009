"""Opens and searches damaged trees of Annoy, without any checksum before it; a program, as it may crash.

``python tests/damaged_trees.py FOLDER SEED COUNT`` prints how many were refused, and how many were searched.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np

from photoseek.errors import GalleryDamaged
from photoseek.nearest import annoy
from photoseek.nearest.annoy import AnnoyParameters, AnnoySearch
from photoseek.vectors import normalise

_COUNT, _DIM = 400, 12
_NODE = 12 + 4 * _DIM
_PARAMETERS = AnnoyParameters(8)
_SECONDS = 20  # what takes longer hangs


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """The file cut, zeroed, flipped, or with numbers in it that lead somewhere else."""
    size, kind = len(whole), rng.integers(6)
    content = bytearray(whole)
    if kind == 0:
        return whole[: rng.integers(size // _NODE) * _NODE]
    if kind == 1:
        at = rng.integers(size)
        return whole[:at] + bytes(size - at)
    if kind == 2:
        at, to = rng.integers(size // _NODE, size=2) * _NODE
        content[at : at + _NODE] = whole[to : to + _NODE]
        return bytes(content)
    if kind == 3:
        for bit in rng.integers(8 * size, size=rng.integers(1, 17)):
            content[bit // 8] ^= 1 << int(bit) % 8
        return bytes(content)
    # a descendant count, or a child, at random or such that it is its own ancestor
    node = int(rng.integers(_COUNT, size // _NODE)) if kind == 4 else int(rng.integers(size // _NODE))
    at = _NODE * node + 4 * int(rng.integers(3))
    number = rng.choice([node, node + 1, -1, 0, 1, 2**31 - 1, _COUNT, size // _NODE - 1, int(rng.integers(_COUNT))])
    content[at : at + 4] = int(number).to_bytes(4, "little", signed=True)
    return bytes(content)


def main() -> None:
    """Try so many files."""
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = np.random.default_rng(seed)
    vectors = normalise(rng.normal(size=(_COUNT, _DIM)))
    path = folder / "index.ann"
    annoy.build(vectors, path, _PARAMETERS)
    whole = path.read_bytes()
    refused = searched = 0
    for _ in range(count):
        path.unlink()
        path.write_bytes(damaged(whole, rng))
        signal.alarm(_SECONDS)
        try:
            opened = AnnoySearch(path, vectors, _PARAMETERS)
        except GalleryDamaged:
            refused += 1
            continue
        for query in vectors[rng.integers(_COUNT, size=3)]:
            rows, scores = opened.search(query, 10)
            assert rows.min() >= 0
            np.testing.assert_allclose(scores, vectors[rows] @ query, atol=1e-6)
        searched += 1
    print(refused, searched)


if __name__ == "__main__":
    main()
