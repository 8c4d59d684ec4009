"""The arrays of a generation, as files of numpy: written row by row, and looked at before they are mapped."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from photoseek.vectors import Rows, Vectors, not_unit

Checks = npt.NDArray[np.uint32]

_BLOCK = 65_536  # rows looked at in one step


def write_rows(vectors: BinaryIO, ids: BinaryIO, rows: Iterable[tuple[int, Vectors]], count: int, dim: int) -> int:
    """Write rows as an array of vectors (count, dim) and one of ids (count,); tells how many rows there were.

    With plain writes: one to a mapped file kills the process where the disk is full, and numpy's own pass over the
    error of a file that could not be closed.
    """
    for file, descr, shape in ((vectors, "<f4", (count, dim)), (ids, "<i8", (count,))):
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    written = 0
    for photo, vector in rows:
        vectors.write(np.asarray(vector, dtype="<f4").tobytes())
        ids.write(int(photo).to_bytes(8, "little", signed=True))
        written += 1
    return written


def write_checks(file: BinaryIO, checks: Iterable[int], count: int) -> int:
    """Write CRC-32 sums as an array (count,); tells how many there were."""
    np.lib.format.write_array_header_1_0(file, {"descr": "<u4", "fortran_order": False, "shape": (count,)})
    written = 0
    for check in checks:
        file.write(check.to_bytes(4, "little"))
        written += 1
    return written


def mmap_vectors(path: Path, count: int, dim: int) -> Vectors:
    """Map unit vectors (count, dim) into memory.

    Raises:
        ValueError: The file holds anything else.
    """
    vectors: Vectors = _map(path, np.float32, (count, dim))
    for start in range(0, count, _BLOCK):
        if len(wrong := not_unit(vectors[start : start + _BLOCK])):
            raise ValueError(f"row {start + wrong[0]} is no unit vector")
    return vectors


def mmap_ids(path: Path, count: int) -> Rows:
    """Map the ids of photos (count,), which rise, into memory.

    Raises:
        ValueError: The file holds anything else.
    """
    ids: Rows = _map(path, np.int64, (count,))
    if ids[0] < 1 or (np.diff(ids) < 1).any():
        raise ValueError("expected ids that rise from 1 on")
    return ids


def mmap_checksums(path: Path, count: int) -> Checks:
    """Map CRC-32 sums (count,) into memory.

    Raises:
        ValueError: The file holds anything else.
    """
    checks: Checks = _map(path, np.uint32, (count,))
    return checks


def _map(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # refuses pickles
    except (OSError, ValueError, TypeError, SyntaxError, OverflowError, MemoryError, RecursionError) as error:
        raise ValueError(f"cannot be read as an array: {error}") from error
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        raise ValueError(f"expected {np.dtype(dtype)} {shape}, found {array.dtype} {array.shape}")
    return array
