"""The environment of a run, software versions and hardware, and its command lines, recorded for its report."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import photoseek
from photoseek.system.atomic_write import write_json_atomic
from photoseek_train.model.checkpoint import CheckpointFiles

_PACKAGES = ("torch", "torchvision", "transformers", "tokenizers", "numpy", "pillow")


def environment() -> dict[str, Any]:
    """Return versions and hardware of this process; nothing identifies a person, a host or a folder."""
    versions = {"photoseek": photoseek.__version__, "python": platform.python_version()}
    return {
        "versions": versions | {name: version(name) for name in _PACKAGES},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "memory_gb": _memory_gb(),
            "accelerators": [torch.cuda.get_device_name(row) for row in range(torch.cuda.device_count())],
        },
    }


def record_environment(run: Path) -> None:
    """Append this environment to the run's list, unless it is the last entry."""
    known, now = read_environments(run), environment()
    if not known or known[-1] != now:
        write_json_atomic(run / CheckpointFiles.ENVIRONMENT, [*known, now])


def read_environments(run: Path) -> list[dict[str, Any]]:
    """Return the environments of a run in chronological order; empty if they are missing or unreadable."""
    return [entry for entry in _read_list(run / CheckpointFiles.ENVIRONMENT) if isinstance(entry, dict)]


def record_command(run: Path, command: str) -> None:
    """Append a command line to the run's list, unless it is the last entry."""
    known = read_commands(run)
    if not known or known[-1] != command:
        write_json_atomic(run / CheckpointFiles.COMMANDS, [*known, command])


def read_commands(run: Path) -> list[str]:
    """Return the command lines of a run in chronological order; empty if they are missing or unreadable."""
    return [entry for entry in _read_list(run / CheckpointFiles.COMMANDS) if isinstance(entry, str)]


def _read_list(file: Path) -> list[Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
    except (AttributeError, ValueError, OSError):  # not POSIX
        return None
