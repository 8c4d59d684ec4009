"""Whether a file can be trees over these very vectors: looked at with numpy before Annoy maps it.

Annoy's file has no header, and Annoy follows whatever indexes stand in it: a damaged one crashes the process, or has it
search for ever. Its layout is that of ``src/annoylib.h`` in Annoy 1.17.3, ``Angular::Node<int32_t, float>``: nodes of
``12 + 4 dim`` bytes, first an item for each vector, then buckets and splits, each after what it refers to, and at the
end a copy of each tree's root.

====================  ===============  =====================================  =========================
node                  descendants      children, from byte 4                  vector, from byte 12
====================  ===============  =====================================  =========================
item (below n)        1                the squared length, float32            the vector
bucket (from n)       1 to ``dim + 2``  that many items                        (their list goes on here)
split (from n)        more             two nodes before this one              normal of the plane, or 0
====================  ===============  =====================================  =========================
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.errors import GalleryDamaged
from photoseek.vectors import Vectors

_HEAD = 3  # numbers of four bytes before a node's vector
_BLOCK = 4_096  # nodes looked at in one step, a few MB of them
_LENGTH = 1e-3  # how far from 1 a squared length may be
_ITEM = "an item is not the vector that it stands for"

_Numbers = npt.NDArray[np.int32]


def check_trees(path: Path, vectors: Vectors) -> None:
    """Make sure that Annoy can search a file, and that it is over these unit vectors, (n, dim).

    Every walk through trees that pass goes down to items and ends: a node refers only to nodes before it, and has as
    many descendants as its children have in sum.

    Raises:
        GalleryDamaged: What is wrong.
    """
    width = _HEAD + vectors.shape[1]
    try:
        numbers = np.memmap(path, dtype="<i4", mode="r")
    except (OSError, ValueError) as error:
        raise GalleryDamaged(f"{path}: cannot be read as trees: {error}") from error
    wrong = f"expected whole nodes of {4 * width} bytes" if len(numbers) % width else ""
    if wrong := wrong or _wrong(numbers.reshape(-1, width), vectors):
        raise GalleryDamaged(f"{path}: {wrong}")


def _wrong(nodes: _Numbers, vectors: Vectors) -> str:
    """What is wrong with the numbers of all nodes, (nodes, 3 + dim); empty where nothing is."""
    count = len(vectors)
    descendants = np.ascontiguousarray(nodes[:, 0])
    found = int(descendants[-1])  # the last root: Annoy takes its descendants for the number of items
    if found != count or len(nodes) <= count:
        return f"expected {count} items, found {found}"
    if (descendants[:count] != 1).any() or descendants[count:].min() < 1 or descendants[count:].max() > count:
        return f"expected nodes of 1 to {count} descendants"
    for start in range(0, len(nodes), _BLOCK):
        block = nodes[start : start + _BLOCK]
        items = max(0, min(len(block), count - start))
        if wrong := _wrong_items(block[:items], vectors[start : start + items]) or _wrong_inner(
            block[items:], start + items, descendants, count
        ):
            return wrong
    return ""


def _wrong_items(items: _Numbers, vectors: Vectors) -> str:
    squares = items[:, 1].view(np.float32)
    if not (np.abs(squares - 1) < _LENGTH).all():
        return "an item has another length than 1"
    return "" if np.array_equal(items[:, _HEAD:].view(np.float32), vectors) else _ITEM


def _wrong_inner(inner: _Numbers, first: int, descendants: _Numbers, count: int) -> str:
    """What is wrong with buckets and splits, of which the first is node ``first``."""
    most = inner.shape[1] - 1  # children that a node has room for
    sizes = inner[:, 0]
    buckets = inner[sizes <= most]
    listed = np.arange(most) < buckets[:, :1]
    members = buckets[:, 1:][listed]
    if len(members) and (members.min() < 0 or members.max() >= count):
        return f"a bucket holds another number than those of {count} items"
    at = np.flatnonzero(sizes > most)
    children = inner[at, 1:_HEAD]
    if (children < 0).any() or (children >= first + at[:, None]).any():
        return "a node refers to one that is not before it"
    if (descendants[children].sum(axis=1) != sizes[at]).any():
        return "a node has not as many descendants as its children"
    normals = inner[at, _HEAD:].view(np.float32)
    squares = np.einsum("ij,ij->i", normals, normals)
    return "" if (squares < 1 + _LENGTH).all() else "a plane's normal is longer than 1, or no number"
