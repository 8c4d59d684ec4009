"""Arithmetic in bfloat16 where the processor has instructions for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


def has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware (AVX512-BF16 or AMX); elsewhere it is emulated."""
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # absent before torch 2.10
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def fast_arithmetic(wanted: bool = True) -> torch.autocast:
    """A context in which towers compute in bfloat16, if wanted and if that is faster here."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=wanted and has_bf16())
