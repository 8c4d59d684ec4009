"""All vectors of a split, for measuring."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from photoseek.vectors import Vectors, normalize
from photoseek_train.distributed import ALONE, Processes
from photoseek_train.features.inputs import Inputs
from photoseek_train.model.two_tower import TwoTower
from photoseek_train.progress import Progress, silent

BATCH = 128


def encode_all(
    model: TwoTower,
    inputs: Inputs,
    task: str = "vectors",
    progress: Progress = silent,
    processes: Processes = ALONE,
) -> Vectors:
    """Unit vectors of every input, (n, dim), in float32 arithmetic; the model has to be in evaluation mode."""
    rows = processes.own(np.array_split(np.arange(len(inputs)), processes.count))
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    parts: list[Vectors] = []
    with torch.inference_mode():
        for batch in inputs.stream(batches, epoch=0):
            parts.append(inputs.embed(model, batch).float().cpu().numpy())
            progress(task, sum(map(len, parts)), len(rows))
    return normalize(np.concatenate(processes.gather_lists(parts)))


class SplitVectors(NamedTuple):
    """Unit vectors of a split: its photos, (N, dim), and its captions, (M, dim)."""

    images: Vectors
    texts: Vectors


def encode_split(
    model: TwoTower, images: Inputs, texts: Inputs, progress: Progress = silent, processes: Processes = ALONE
) -> SplitVectors:
    """Vectors of a split's photos and captions; each of the ``processes`` encodes a part and has all."""
    return SplitVectors(
        encode_all(model, images, "photos", progress, processes),
        encode_all(model, texts, "captions", progress, processes),
    )
