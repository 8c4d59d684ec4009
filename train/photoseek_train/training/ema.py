"""The moving average of the weights: what a run measures and keeps in place of the weights of its last step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def create_ema(model: nn.Module, decay: float) -> AveragedModel:
    """Begin an exponential moving average of all weights and batch statistics of a model.

    The decay rises with the number of steps, min(decay, (1 + steps) / (10 + steps)), so that the poor weights of the
    first steps soon stop counting: as ``ExponentialMovingAverage`` of TensorFlow does with ``num_updates``.
    """

    @torch.no_grad()
    def average(averaged: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
        share = 1 - min(decay, (1 + int(steps)) / (10 + int(steps)))
        for ours, theirs in zip(averaged, current, strict=True):
            if ours.is_floating_point():
                ours.lerp_(theirs, share)
            else:
                ours.copy_(theirs)  # the count of batches in batch norm

    return AveragedModel(model, multi_avg_fn=average, use_buffers=True).requires_grad_(False)
