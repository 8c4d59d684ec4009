"""The arrays of a snapshot as .npy files: written row by row, and validated when they are mapped."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from photoseek.vectors import Rows, Vectors, not_unit

Checksums = npt.NDArray[np.uint32]

_BLOCK = 65_536  # rows validated in one step


def write_rows(vectors: BinaryIO, ids: BinaryIO, rows: Iterable[tuple[int, Vectors]], count: int, dim: int) -> int:
    """Write rows as an array of vectors (count, dim) and one of ids (count,), and return how many there were.

    Uses plain writes: a write to a mapped file kills the process if the disk is full, and numpy's own functions ignore
    an error when the file is closed.
    """
    for file, descr, shape in ((vectors, "<f4", (count, dim)), (ids, "<i8", (count,))):
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    written = 0
    for photo, vector in rows:
        vectors.write(np.asarray(vector, dtype="<f4").tobytes())
        ids.write(int(photo).to_bytes(8, "little", signed=True))
        written += 1
    return written


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array with plain writes."""
    with path.open("wb") as file:
        descr = {"descr": array.dtype.newbyteorder("<").str, "fortran_order": False, "shape": array.shape}
        np.lib.format.write_array_header_1_0(file, descr)
        file.write(array.astype(array.dtype.newbyteorder("<")).tobytes())


def mmap_vectors(path: Path, count: int, dim: int) -> Vectors:
    """Map unit vectors (count, dim) into memory; only those that are read afterward occupy memory of this process.

    Raises:
        ValueError: The file contains anything else.
    """
    vectors: Vectors = map_array(path, np.float32, (count, dim))
    for start in range(0, count, _BLOCK):
        if len(wrong := not_unit(vectors[start : start + _BLOCK])):
            raise ValueError(f"row {start + wrong[0]} is not a unit vector")
        release(vectors)
    return vectors


def mmap_ids(path: Path, count: int) -> Rows:
    """Map the increasing ids of photos (count,) into memory.

    Raises:
        ValueError: The file contains anything else.
    """
    ids: Rows = map_array(path, np.int64, (count,))
    if (ids[:1] < 1).any() or (np.diff(ids) < 1).any():
        raise ValueError("expected increasing ids of at least 1")
    release(ids)
    return ids


def mmap_removed(path: Path, count: int, rows: int) -> Rows:
    """Map the increasing numbers of removed rows (count,) into memory, each below ``rows``.

    Raises:
        ValueError: The file contains anything else.
    """
    removed: Rows = map_array(path, np.int64, (count,))
    if (removed < 0).any() or (removed >= rows).any() or (np.diff(removed) < 1).any():
        raise ValueError(f"expected increasing row numbers below {rows}")
    return removed


def mmap_checksums(path: Path, count: int) -> Checksums:
    """Map CRC-32 checksums (count,) into memory.

    Raises:
        ValueError: The file contains anything else.
    """
    checksums: Checksums = map_array(path, np.uint32, (count,))
    return checksums


def release(mapped: npt.NDArray[Any]) -> None:
    """Remove a mapped array from the memory of this process until it is read again; the system may still cache it."""
    base = mapped.base
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def map_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Map an array into memory.

    Raises:
        ValueError: The file contains anything else than an array of this type and shape.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # refuses pickles
    except (OSError, ValueError, TypeError, SyntaxError, OverflowError, MemoryError, RecursionError) as error:
        raise ValueError(f"cannot be read as an array: {error}") from error
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        raise ValueError(f"expected {np.dtype(dtype)} {shape}, found {array.dtype} {array.shape}")
    return array.view(np.ndarray)  # a memmap takes longer to index
