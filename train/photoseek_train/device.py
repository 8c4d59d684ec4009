"""Where the arithmetic is done.

Arithmetic in bfloat16 where it is wanted, and where the device has instructions for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from photoseek_train.config import DEVICES
from photoseek_train.errors import SettingsError


def choose_device(wanted: str = "auto") -> torch.device:
    """The device of that name; ``auto``: a CUDA GPU, else Apple's (mps), else the CPU.

    Raises:
        SettingsError: An unknown name, or a device that torch doesn't find here.
    """
    if wanted not in DEVICES:
        raise SettingsError(f"device: expected one of {', '.join(DEVICES)}, found {wanted!r}")
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, present in here.items() if present))
    if not here[wanted]:
        raise SettingsError(f"device: expected {wanted}, but torch {torch.__version__} finds none; take --device cpu")
    return torch.device(wanted)


CPU = torch.device("cpu")


def has_bf16(device: torch.device = CPU) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware; elsewhere it is emulated, and slow.

    A CPU does with AVX512-BF16 or AMX, an NVIDIA GPU since Ampere.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # absent before torch 2.10
    return device.type == "cpu" and bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def tower_arithmetic(precision: str, device: torch.device = CPU) -> torch.autocast:
    """A context in which towers compute in bfloat16.

    Args:
        precision: ``bf16``; or ``auto``, if that is faster here; or ``fp32``, never.
        device: Where they compute.
    """
    wanted = precision == "bf16" or (precision == "auto" and has_bf16(device))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted)
