"""What this machine's processor offers: cores that may be used, and arithmetic."""

from __future__ import annotations

import math
import os
import platform
import sys
from functools import cache
from pathlib import Path

_DOT_PRODUCTS = {"avx512_vnni", "avx_vnni", "asimddp"}  # x86's names, then Arm's
_CPU_INFO = Path("/proc/cpuinfo")
_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


@cache
def runs_int8_well() -> bool:
    """Whether one instruction multiplies and adds int8 (VNNI, dotprod): without it int8 gains little, or loses."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return not _DOT_PRODUCTS.isdisjoint(_flags(_CPU_INFO))


@cache
def usable_cores() -> int:
    """Physical cores that this process may use: by its affinity, and by its container's share of time; at least 1."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = {_siblings(cpu) for cpu in os.sched_getaffinity(0)}
    quota = _quota(_CPU_QUOTA)
    return max(1, min(len(cores), math.ceil(quota) if math.isfinite(quota) else len(cores)))


def _siblings(cpu: int) -> str:
    """The logical processors of one core; two of them share its arithmetic, and gain nothing from two threads."""
    try:
        return Path(_SIBLINGS.format(cpu)).read_text("ascii")
    except OSError:
        return str(cpu)


def _quota(file: Path) -> float:
    """How many cores' time a control group gets; infinite without a limit."""
    try:
        limit, period = file.read_text("ascii").split()
        return math.inf if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        return math.inf


def _flags(file: Path) -> set[str]:
    """What the first processor of ``/proc/cpuinfo`` is said to have."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return set()
    named = (line.partition(":") for line in lines)
    return next((set(value.split()) for key, _, value in named if key.strip() in ("flags", "Features")), set())
