"""Array types: unit vectors, and row numbers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from photoseek.errors import QueryError

_SQUARE_TOLERANCE = 1e-3  # of the squared length of a stored unit vector
_LENGTH_TOLERANCE = 1e-5  # of the length of a float32 vector that was divided by its length

Vectors = npt.NDArray[np.float32]
"""Float32 rows of unit length, shape (n, dim); their dot products are cosines."""

Rows = npt.NDArray[np.int64]
"""Row numbers, or ids of photos."""

Mask = npt.NDArray[np.bool_]
"""Which rows of an array meet a condition."""


class VectorRows(Protocol):
    """Vectors (n, dim) that are read by rows: an array, or several of them as one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of rows and of dimensions."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Return the vector of a row, or an array with those of a slice or an array of rows."""


def as_query_vector(values: object, dim: int) -> Vectors:
    """Return a vector as search engines need it: (dim,), float32, finite, and of unit length.

    A vector that already has unit length is returned unchanged.

    Raises:
        QueryError: It is not ``dim`` real numbers, contains NaN or infinity, or is zero: engines would return arbitrary
            rows.
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
        raise QueryError(f"expected a vector with a direction, found one of length {length}")
    return vector if abs(length - 1) <= _LENGTH_TOLERANCE else normalize(vector[None])[0]


def normalize(rows: npt.ArrayLike) -> Vectors:
    """Scale each row to unit length (L2).

    Args:
        rows: Numbers of shape (n, dim).

    Returns:
        A new float32 array of shape (n, dim).

    Raises:
        ValueError: A row contains NaN or infinity, or is zero: it has no direction.
    """
    array = np.asarray(rows, dtype=np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", array, array, dtype=np.float64))
    bad = ~(np.isfinite(lengths) & (lengths > 0))
    if bad.any():
        raise ValueError(f"row {int(np.argmax(bad))} has no direction: its length is {lengths[bad][0]}")
    return np.asarray(array / lengths[:, None], dtype=np.float32)


def not_unit(vectors: Vectors) -> Rows:
    """Return the rows of (n, dim) that are not unit vectors, including those with NaN or infinity."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
        return np.flatnonzero(~(np.abs(squares - 1) < _SQUARE_TOLERANCE))
