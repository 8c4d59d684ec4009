"""The device that computes, and bfloat16 where it is requested and supported in hardware."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from photoseek_train.config import DEVICES
from photoseek_train.errors import SettingsError


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of a name; ``auto`` selects a CUDA GPU, else Apple's GPU (mps), else the CPU.

    Raises:
        SettingsError: The name is unknown, or torch does not find the device.
    """
    if name not in DEVICES:
        raise SettingsError(f"device: expected one of {', '.join(DEVICES)}, found {name!r}")
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, present in available.items() if present))
    if not available[name]:
        raise SettingsError(f"device: expected {name}, but torch {torch.__version__} finds none; use --device cpu")
    return torch.device(name)


CPU = torch.device("cpu")


def has_bf16(device: torch.device = CPU) -> bool:
    """Return whether the device multiplies bfloat16 matrices in hardware; emulation is slow.

    CPUs with AVX512-BF16 or AMX do, and NVIDIA GPUs since Ampere.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # absent before torch 2.10
    return device.type == "cpu" and bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def tower_arithmetic(precision: str, device: torch.device = CPU) -> torch.autocast:
    """Return a context in which towers compute in bfloat16.

    Args:
        precision: ``bf16``; ``auto``: bfloat16 if the hardware supports it; ``fp32``: no bfloat16.
        device: Device of the towers.
    """
    enabled = precision == "bf16" or (precision == "auto" and has_bf16(device))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)
