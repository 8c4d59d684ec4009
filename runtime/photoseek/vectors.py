"""The array types that go from hand to hand: unit vectors, and the numbers of their rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photoseek.errors import QueryError

_LENGTH = 1e-3  # how far from 1 the squared length of a unit vector may be

_UNIT = 1e-5
"""How far a float32 vector that was divided by its length may be from unit length."""

Vectors = npt.NDArray[np.float32]
"""Float32 rows of unit length, shape (n, dim); their dot products are cosines."""


Rows = npt.NDArray[np.int64]
"""Numbers of rows, or ids of photos."""


def as_query_vector(values: object, dim: int) -> Vectors:
    """A vector to search with, as the engines need it: (dim,), float32, finite, and of unit length.

    One that has unit length already keeps its bits.

    Raises:
        QueryError: Not ``dim`` real numbers, or NaN, infinity or nothing but zeros among them: engines would answer
            with arbitrary rows.
    """
    try:
        array = np.asarray(values)
    except ValueError:  # a list of lists of several lengths
        array = np.empty(0, dtype=object)
    if array.shape != (dim,) or array.dtype.kind not in "fiu":
        found = f"{array.dtype} {array.shape}" if array.size else type(values).__name__
        raise QueryError(f"expected a vector of {dim} real numbers, found {found}")
    with np.errstate(over="ignore"):
        vector = np.ascontiguousarray(array, dtype=np.float32)
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not 0 < length < np.inf:
        raise QueryError(f"expected a vector that points somewhere, found one of length {length}")
    return vector if abs(length - 1) <= _UNIT else normalize(vector[None])[0]


def normalize(rows: npt.ArrayLike) -> Vectors:
    """Scale each row to unit length (L2).

    Args:
        rows: Numbers of shape (n, dim).

    Returns:
        A new float32 array of shape (n, dim).

    Raises:
        ValueError: A row holds NaN or infinity, or is zero: it has no direction.
    """
    array = np.asarray(rows, dtype=np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", array, array, dtype=np.float64))
    bad = ~(np.isfinite(lengths) & (lengths > 0))
    if bad.any():
        raise ValueError(f"row {int(np.argmax(bad))} has no direction: its length is {lengths[bad][0]}")
    return np.asarray(array / lengths[:, None], dtype=np.float32)


def not_unit(vectors: Vectors) -> Rows:
    """The rows of (n, dim) that are no unit vectors, NaN and infinity among them."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
        return np.flatnonzero(~(np.abs(squares - 1) < _LENGTH))
