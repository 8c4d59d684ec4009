"""The moving average of the weights: what a run measures and keeps in place of the weights of its last step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from photoseek_train.model import TwoTower


class WeightAverage:
    """An exponential moving average of all weights and batch statistics of a model.

    The decay rises with the number of steps, min(decay, (1 + steps) / (10 + steps)), so that the first, poor weights
    are soon forgotten: as ``ExponentialMovingAverage`` of TensorFlow does with ``num_updates``.
    """

    def __init__(self, model: TwoTower, decay: float) -> None:
        self.decay = decay
        self._averaged = AveragedModel(model, multi_avg_fn=self._average, use_buffers=True)
        self._averaged.requires_grad_(False)

    @property
    def model(self) -> TwoTower:
        """The model with the averaged weights."""
        return cast(TwoTower, self._averaged.module)

    def update(self, model: TwoTower) -> None:
        """Take in the weights after a step of the optimizer."""
        self._averaged.update_parameters(model)

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` takes."""
        return self._averaged.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Bring the average to a saved state."""
        self._averaged.load_state_dict(state)

    @torch.no_grad()
    def _average(self, averaged: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
        share = 1 - min(self.decay, (1 + int(steps)) / (10 + int(steps)))
        for ours, theirs in zip(averaged, current, strict=True):
            if ours.is_floating_point():
                ours.lerp_(theirs, share)
            else:
                ours.copy_(theirs)  # the count of batches in batch norm
