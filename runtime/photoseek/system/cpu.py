"""Properties of the CPU: model, available cores, and instructions."""

from __future__ import annotations

import math
import os
import platform
import re
import sys
from functools import cache
from pathlib import Path

_INT8 = {"avx512_vnni", "avx_vnni", "asimddp"}  # of x86, of Arm


def int8_instructions(info: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Return the CPU's instructions for int8 dot products."""
    if sys.platform == "darwin":
        return ["asimddp"] if platform.machine() == "arm64" else []
    return sorted(_INT8.intersection(instructions(info)))


def instructions(info: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Return the names of the CPU's optional instructions; none if the system does not list them."""
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", _text(info), re.MULTILINE)
    return sorted(flags[1].split()) if flags else []


def cpu_model(info: Path = Path("/proc/cpuinfo")) -> str:
    """Return the model of the CPU."""
    model = re.search(r"^model name\s*:\s*(.+)$", _text(info), re.MULTILINE)
    return model[1] if model else platform.processor() or platform.machine()


@cache
def available_cores(system: Path = Path("/sys")) -> int:
    """Return the physical cores that this process may use, by its affinity and its control group's quota."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    siblings = "devices/system/cpu/cpu{}/topology/thread_siblings_list"  # two threads share a core's arithmetic
    cores = {_text(system / siblings.format(cpu)) or str(cpu) for cpu in os.sched_getaffinity(0)}
    return max(1, min(len(cores), _quota(system / "fs/cgroup/cpu.max")))


def _quota(file: Path) -> int:
    """Return the CPU quota of a control group in cores, rounded up."""
    try:
        limit, period = map(int, _text(file).split())
        return math.ceil(limit / period)
    except (ValueError, ZeroDivisionError):  # "max 100000": no limit
        return sys.maxsize


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError:
        return ""
