"""Where the arithmetic is done."""

from __future__ import annotations

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
