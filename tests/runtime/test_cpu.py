"""Cores and instructions, as the system tells them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from photoseek import cpu


def test_the_cores_are_at_most_those_of_the_affinity() -> None:
    assert 1 <= cpu.usable_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("content", "cores"), [("max 100000\n", math.inf), ("150000 100000\n", 1.5), ("", math.inf), ("odd", math.inf)]
)
def test_a_containers_share_of_time_is_read(tmp_path: Path, content: str, cores: float) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(content)
    assert cpu._quota(file) == cores
    assert cpu._quota(tmp_path / "none") == math.inf


def test_a_quota_lowers_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_siblings", str)  # eight cores of one thread each
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(cpu, "_quota", lambda _: 2.5)
    assert cpu.usable_cores.__wrapped__() == 3
    monkeypatch.setattr(cpu, "_quota", lambda _: 0.2)
    assert cpu.usable_cores.__wrapped__() == 1
    monkeypatch.setattr(cpu, "_quota", lambda _: math.inf)
    assert cpu.usable_cores.__wrapped__() == 8
    monkeypatch.setattr(cpu, "_siblings", lambda logical: str(logical // 2))  # four cores of two threads each
    assert cpu.usable_cores.__wrapped__() == 4


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("flags\t\t: fpu sse avx2 avx512_vnni\n", True),
        ("flags\t\t: fpu sse avx2\n", False),
        ("Features\t: fp asimd asimddp\n", True),
        ("", False),
    ],
)
def test_instructions_for_int8_are_told_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, found: bool
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\n{line}")
    monkeypatch.setattr(cpu, "_CPU_INFO", file)
    assert cpu.runs_int8_well.__wrapped__() is found
