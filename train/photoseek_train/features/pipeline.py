"""Parallel decoding and encoding for a frozen tower."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from photoseek_train.data.photos import TrainingPhotos, load_photo
from photoseek_train.features.cache import Features
from photoseek_train.features.frozen_image_tower import FrozenImageTower, UInt8Images

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_CPU_BATCH_SIZE = 16  # fits in a core's cache
_DEVICE_BATCH_SIZE = 128
_MAX_STREAMS = 8  # each needs memory for feature maps: 0.2 GB for resnet18 at 224 pixels, 1 GB for resnet152


def encode_photos(tower: FrozenImageTower, paths: Sequence[Path]) -> Iterator[Features]:
    """Yield the features of photos in order, in batches.

    Raises:
        DataError: A photo cannot be decoded.
    """

    def decode(batch: Sequence[Path]) -> UInt8Images:
        return np.stack([np.asarray(tower.preprocessing.resize_and_crop(load_photo(path))) for path in batch])

    return _encode(tower, paths, decode, tower)


def encode_views(
    tower: FrozenImageTower, photos: TrainingPhotos, views: Sequence[tuple[int, int]]
) -> Iterator[Features]:
    """Yield the features of random views, each given as (number, row of its photo), in order, in batches.

    Raises:
        DataError: A photo cannot be decoded.
    """

    def draw(batch: Sequence[tuple[int, int]]) -> npt.NDArray[np.float32]:
        return np.stack([photos.view(number, row) for number, row in batch])

    return _encode(tower, views, draw, tower.encode_pixels)


def _encode(
    tower: FrozenImageTower,
    items: Sequence[_Item],
    prepare: Callable[[Sequence[_Item]], _Result],
    encode: Callable[[_Result], Features],
) -> Iterator[Features]:
    """Prepare and encode the items in batches.

    On a CPU, each thread prepares and encodes a batch: threads that share a convolution wait for each other, and
    separate decoding threads would compete with them. With another device, the CPU decodes ahead of it.
    """
    on_cpu = tower.device.type == "cpu"
    size = _CPU_BATCH_SIZE if on_cpu else _DEVICE_BATCH_SIZE
    batches = [items[start : start + size] for start in range(0, len(items), size)]
    if on_cpu:
        yield from map_on_cores(lambda batch: encode(prepare(batch)), batches)
        return
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        yield from map(encode, ordered_results(pool, prepare, batches, ahead=workers + 1))


def map_on_cores(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
    """Yield results in the order of the items; each core processes one item at a time."""
    with _streams() as (pool, count):
        yield from ordered_results(pool, work, items, ahead=2 * count)


def ordered_results(
    pool: Executor, work: Callable[[_Item], _Result], items: Sequence[_Item], ahead: int
) -> Iterator[_Result]:
    """Yield results in the order of the items, with at most ``ahead`` items in flight."""
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def _streams() -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Yield a thread pool that divides torch's threads, and its size."""
    cores = torch.get_num_threads()
    count = min(cores, _MAX_STREAMS)
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(cores // count,)) as pool:
            yield pool, count
    finally:
        torch.set_num_threads(cores)  # the default of new threads
