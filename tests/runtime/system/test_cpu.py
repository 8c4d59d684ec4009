"""Cores and instructions that the system reports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photoseek.system import cpu


def test_the_cores_are_at_most_those_of_the_affinity() -> None:
    assert 1 <= cpu.available_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("quota", "threads", "cores"),
    [
        ("max 100000\n", 1, 8),
        ("max 100000\n", 2, 4),
        ("250000 100000\n", 1, 3),
        ("20000 100000\n", 1, 1),
        ("900000 100000\n", 2, 4),
        ("", 1, 8),
        ("odd", 1, 8),
        (None, 1, 8),
    ],
)
def test_cores_are_those_of_the_affinity_within_the_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str | None, threads: int, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "fs" / "cgroup").mkdir(parents=True)
    if quota is not None:
        (tmp_path / "fs" / "cgroup" / "cpu.max").write_text(quota)
    for cpu_number in range(8 if threads > 1 else 0):
        topology = tmp_path / "devices" / "system" / "cpu" / f"cpu{cpu_number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{cpu_number // threads}\n")
    assert cpu.available_cores(tmp_path) == cores


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("flags\t\t: fpu avx_vnni sse avx2 avx512_vnni\n", ["avx512_vnni", "avx_vnni"]),
        ("flags\t\t: fpu sse avx2\n", []),
        ("Features\t: fp asimd asimddp\n", ["asimddp"]),
        ("", []),
    ],
)
def test_int8_instructions_are_detected_by_name(tmp_path: Path, line: str, found: list[str]) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(f"model name\t: AMD EPYC\n{line}")
    assert cpu.int8_instructions(file) == found
    assert cpu.int8_instructions(tmp_path / "none") == []


def test_the_model_is_that_of_the_system(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: AMD EPYC\nprocessor\t: 1\nmodel name\t: AMD EPYC\n")
    assert cpu.cpu_model(file) == "AMD EPYC"
    assert cpu.cpu_model(tmp_path / "none")
