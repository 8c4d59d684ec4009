"""Properties of the CPU: available cores, and int8 instructions."""

from __future__ import annotations

import math
import os
import platform
import re
import sys
from functools import cache
from pathlib import Path

_INT8 = re.compile(r"^(flags|Features)\s*:.*\b(avx512_vnni|avx_vnni|asimddp)\b", re.MULTILINE)  # of x86, of Arm


@cache
def has_int8_instructions(info: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the CPU has int8 dot products (VNNI, dotprod), without which int8 may be slower."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return _INT8.search(_text(info)) is not None


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
