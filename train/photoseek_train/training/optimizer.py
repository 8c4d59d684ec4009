"""The optimizer, its learning rate schedule, and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from photoseek_train.config import OptimConfig
from photoseek_train.model.two_tower import TwoTower

_BETAS = (0.9, 0.98)  # CLIP's (Radford et al. 2021, table 18)


def lr_multiplier(step: int, steps: int, warmup: float) -> float:
    """Return the fraction of the peak learning rate in a step: linear warmup, then cosine decay to zero.

    Source: SGDR (Loshchilov and Hutter 2017), equation 5, one period.

    Args:
        step: Step, counted from 0.
        steps: Number of steps of the run.
        warmup: Fraction of the steps with a rising rate.
    """
    rising = math.ceil(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def make_optimizer(model: TwoTower, config: OptimConfig) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov and Hutter 2019) over the trained parameters, with a learning rate for each module."""
    rates: dict[str, tuple[list[nn.Module], float]] = {
        "projectors": ([model.text_projector, model.image_projector], config.lr),
        "image": ([model.image_tower], config.image_lr),
        "text": ([model.text_tower], config.text_lr),
    }
    groups = [_param_group("temperature", [model.logit_scale], config.lr, 0.0)]
    for name, (modules, rate) in rates.items():
        trained = [p for module in modules for p in module.parameters() if p.requires_grad]
        groups.append(_param_group(name, [p for p in trained if p.ndim > 1], rate, config.weight_decay))
        # no weight decay for norms and biases, the parameters with one axis
        groups.append(_param_group(f"{name}, no decay", [p for p in trained if p.ndim <= 1], rate, 0.0))
    return torch.optim.AdamW([group for group in groups if group["params"]], betas=_BETAS, fused=True)


def learning_rates(optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """Return the current learning rate of each trained module."""
    return {
        group["name"]: float(group["lr"])
        for group in optimizer.param_groups
        if "," not in group["name"] and group["name"] != "temperature"
    }


def _param_group(name: str, params: list[nn.Parameter], rate: float, decay: float) -> dict[str, Any]:
    return {"name": name, "params": params, "lr": rate, "peak_lr": rate, "weight_decay": decay}


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
