"""The array types that go from hand to hand: unit vectors, and the numbers of their rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""Float32 rows of unit length, shape (n, dim); their dot products are cosines."""


Rows = npt.NDArray[np.int64]
"""Numbers of rows, or ids of photos."""


def normalise(rows: npt.ArrayLike) -> Vectors:
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
