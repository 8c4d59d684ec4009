"""Encoding of a split for evaluation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from photoseek.vectors import Vectors, normalize
from photoseek_train.distributed import SINGLE_PROCESS, ProcessGroup
from photoseek_train.features.inputs import InputPipeline
from photoseek_train.model.two_tower import TwoTower
from photoseek_train.progress import ProgressCallback, no_progress

BATCH = 128


def encode_all(
    model: TwoTower,
    inputs: InputPipeline,
    task: str = "vectors",
    progress: ProgressCallback = no_progress,
    processes: ProcessGroup = SINGLE_PROCESS,
) -> Vectors:
    """Return unit vectors of every input, (n, dim), computed in float32; the model must be in evaluation mode."""
    rows = processes.shard(np.array_split(np.arange(len(inputs)), processes.count))
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    vectors: list[Vectors] = []
    with torch.inference_mode():
        for batch in inputs.stream(batches, epoch=0):
            vectors.append(inputs.embed(model, batch).float().cpu().numpy())
            progress(task, sum(map(len, vectors)), len(rows))
    return normalize(np.concatenate(processes.gather_lists(vectors)))


class SplitVectors(NamedTuple):
    """Unit vectors of a split: its photos, (N, dim), and its captions, (M, dim)."""

    images: Vectors
    texts: Vectors


def encode_split(
    model: TwoTower,
    images: InputPipeline,
    texts: InputPipeline,
    progress: ProgressCallback = no_progress,
    processes: ProcessGroup = SINGLE_PROCESS,
) -> SplitVectors:
    """Return the vectors of a split; each process encodes a shard and receives all vectors."""
    return SplitVectors(
        encode_all(model, images, "photos", progress, processes),
        encode_all(model, texts, "captions", progress, processes),
    )
