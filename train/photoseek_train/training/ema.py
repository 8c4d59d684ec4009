"""Exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def create_ema(model: nn.Module, decay: float) -> AveragedModel:
    """Return an exponential moving average of all weights and batch statistics of a model.

    The decay rises with the number of steps, min(decay, (1 + steps) / (10 + steps)), so that the weights of the first
    steps are forgotten quickly, as in TensorFlow's ``ExponentialMovingAverage`` with ``num_updates``.
    """

    @torch.no_grad()
    def average(averaged: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
        share = 1 - min(decay, (1 + int(steps)) / (10 + int(steps)))
        for ours, theirs in zip(averaged, current, strict=True):
            if ours.is_floating_point():
                ours.lerp_(theirs, share)
            else:
                ours.copy_(theirs)  # the batch counter of batch norm

    return AveragedModel(model, multi_avg_fn=average, use_buffers=True).requires_grad_(False)
