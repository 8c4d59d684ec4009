"""Memory, disk, indexing time, throughput and cost of ten thousand to a billion photos, from measurements.

    python benchmarks/scale.py                        # the table of docs/scale.md
    python benchmarks/scale.py --core-hour 0.02 --gb-month-memory 2   # with your prices

The script measures nothing; it reads ``benchmarks/results``. For N photos of ``dim`` dimensions with an engine that was
measured at N0 photos (its largest run):

    memory(N)  = N * bytes(N0) / N0            of what queries read at random: vectors for exact, the index for others,
                                               table and index for PostgreSQL
    disk(N)    = index(N) + 2 * 4 * dim * N    vectors are in the gallery's database, and in its generation or a store
    shards S   = ceil(memory(N) / (share * machine))       each machine has N / S photos in memory
    ms(n)      = ms(n0) * growth(n) / growth(n0)            on one core, for the n = N / S photos of a shard:
                 exact       growth(n) = n                  every vector is read
                 graphs      growth(n) = log n              HNSW: Malkov and Yashunin, TPAMI 2018, section 4.2
                 annoy       growth(n) = n ^ b              b from its runs at 100,000 and 1,000,000
                 IVF-PQ      growth(n) = sqrt n             a fixed number of 4 sqrt(n) lists is probed
    queries/s per core         = 1000 / (S * ms(N / S))     each query goes to every shard
    indexing hours             = (N / rate + S * build(N / S)) / cores / 3600
                 rate        photos per second per core, from files of 1024 pixels to vectors in int8
                 build(n)    = build(n0) * n log n / (n0 log n0), in core-seconds
    dollars per month          = memory / share * price + disk * price + cores(N) * 730 * price
                 cores(N)    = max(1, required queries/s / queries/s per core)
    dollars for a million queries   = 10^6 / (queries/s per core) / 3600 * price
    dollars to index a million photos = indexing core-hours / N * 10^6 * price

A row is marked ``measured`` if the engine was run with that number of photos, else with the number that it is
extrapolated from.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

_SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
_HOURS_A_MONTH = 730
_GB = 1e9


@dataclass(frozen=True)
class Assumptions:
    """Prices and machine sizes; each is an option of the command.

    Attributes:
        core_hour: Dollars per core-hour.
        gb_month_memory: Dollars per month for a GB of memory.
        gb_month_disk: Dollars per month for a GB of solid-state disk.
        machine_gb: Memory of a machine in GB.
        share: Fraction of the memory that vectors and indexes may fill.
        cores: Total number of cores that index photos.
        queries: Queries per second that the cores paid for each month must answer.
        dim: Dimensions of the vectors.
    """

    core_hour: float = 0.04
    gb_month_memory: float = 3.0
    gb_month_disk: float = 0.1
    machine_gb: float = 256.0
    share: float = 0.75
    cores: int = 16
    queries: float = 10.0
    dim: int = 256


@dataclass(frozen=True)
class Run:
    """Measurement of an engine at one number of photos.

    Attributes:
        milliseconds: Median of a query, one caller, one core.
        memory: Bytes that queries read at random.
        index: Bytes on disk, without the vectors.
        build: Core-seconds that building the index took.
    """

    milliseconds: float
    memory: float
    index: float
    build: float


@dataclass(frozen=True)
class Engine:
    """An engine, its runs by the number of photos, and how the time of a query grows."""

    name: str
    runs: Mapping[int, Run]
    growth: Callable[[float], float]
    sizes: frozenset[int] = field(default_factory=frozenset)

    @property
    def largest(self) -> int:
        """Largest measured number of photos."""
        return max(self.runs)


@dataclass(frozen=True)
class Plan:
    """A row of the table: the resources that photos take with an engine."""

    photos: int
    engine: str
    basis: str
    shards: int
    memory_gb: float
    disk_gb: float
    hours: float
    milliseconds: float
    queries_of_a_core: float
    month: float
    million_queries: float
    million_photos: float


def plan(engine: Engine, photos: int, rate: float, given: Assumptions) -> Plan:
    """Apply the formulas of the module docstring."""
    base = photos if photos in engine.runs else engine.largest
    run, times = engine.runs[base], photos / base
    memory, index = run.memory * times, run.index * times
    disk = index + 2 * 4 * given.dim * photos
    shards = math.ceil(memory / _GB / (given.share * given.machine_gb))
    each = photos / shards
    milliseconds = run.milliseconds * engine.growth(each) / engine.growth(base)
    of_a_core = 1000 / (shards * milliseconds)
    build = shards * run.build * each * math.log(each) / (base * math.log(base))
    core_hours = (photos / rate + build) / 3600
    cores = max(1.0, given.queries / of_a_core)
    month = (
        memory / _GB / given.share * given.gb_month_memory
        + disk / _GB * given.gb_month_disk
        + cores * _HOURS_A_MONTH * given.core_hour
    )
    return Plan(
        photos,
        engine.name,
        "measured" if photos in engine.runs else f"from {_short(base)}",
        shards,
        memory / _GB,
        disk / _GB,
        core_hours / given.cores,
        milliseconds,
        of_a_core,
        month,
        1e6 / of_a_core / 3600 * given.core_hour,
        core_hours / photos * 1e6 * given.core_hour,
    )


def engines(results: Path, given: Assumptions) -> list[Engine]:
    """Return the engines with their runs and the sizes of their rows."""
    searches = {_count(report): report for report in map(_read, sorted(results.glob("search*.json")))}
    stores = _read(results / "stores.json")
    cores, vector = stores["machine"]["cores"], 4 * given.dim

    def embedded(row: str, *, reads_vectors: bool = False) -> dict[int, Run]:
        """Return the runs of an engine; ``reads_vectors`` means that queries read the vectors, not an index."""
        return {
            count: Run(
                found["p50_ms"],
                vector * count if reads_vectors else found["MB"] * 1e6,
                0 if reads_vectors else found["MB"] * 1e6,
                found.get("build_s", 0) * cores,
            )
            for count, report in searches.items()
            if (found := report["rows"].get(row))
        }

    count = 100_000
    table, codes = stores["rows"]["PostgreSQL, pgvector"], stores["rows"]["faiss IVF-PQ, rescored"]
    lite = stores["rows"]["Milvus Lite"]
    annoy = embedded("photoseek annoy, tuned")
    return [
        Engine("exact", embedded("photoseek exact", reads_vectors=True), float, _sizes(4, 6)),
        Engine("annoy", annoy, lambda n: n ** _exponent(annoy), _sizes(5, 6)),
        Engine("faiss-hnsw", embedded("photoseek faiss-hnsw, tuned"), math.log, _sizes(4, 9)),
        Engine("Milvus Lite", {count: _stored(lite, cores, lite["memory_MB"])}, float, _sizes(5, 5)),
        Engine("PostgreSQL, pgvector", {count: _stored(table, cores, table["disk_MB"])}, math.log, _sizes(5, 8)),
        Engine("faiss IVF-PQ, rescored", {count: _coded(codes, cores, vector * count)}, math.sqrt, _sizes(8, 9)),
    ]


def _stored(row: Mapping[str, Any], cores: int, memory_mb: float) -> Run:
    """Return the run of a store; its build time includes inserting the rows."""
    build = cores * 100_000 / row["photos/s"]
    return Run(row["p50_ms"], memory_mb * 1e6, row["disk_MB"] * 1e6 - 4 * 256 * 100_000, build)


def _coded(row: Mapping[str, Any], cores: int, vectors: float) -> Run:
    codes = row["disk_MB"] * 1e6 - vectors
    return Run(row["p50_ms"], codes, codes, row["index_s"] * cores)


def _exponent(runs: Mapping[int, Run]) -> float:
    small, large = sorted(runs)[-2:]
    return math.log(runs[large].milliseconds / runs[small].milliseconds) / math.log(large / small)


def _sizes(first: int, last: int) -> frozenset[int]:
    return frozenset(10**power for power in range(first, last + 1))


def _count(report: Mapping[str, Any]) -> int:
    return int(report["rows"]["numpy, all scores"]["count"])


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def table(results: Path, given: Assumptions) -> str:
    """Return the table as Markdown."""
    photos = _read(results / "photos.json")
    rate = photos["rows"]["photoseek int8"]["1024 px, photos/s"] / photos["machine"]["cores"]
    columns = (
        "photos | engine | basis | machines | memory, GB | disk, GB | indexing, h | ms per query | "
        "queries/s per core | $ per month | $ for 10^6 queries | $ to index 10^6 photos"
    )
    lines = [f"| {columns} |", "|---" * (columns.count("|") + 1) + "|"]
    known = engines(results, given)
    for size in _SIZES:
        lines += [_line(plan(engine, size, rate, given)) for engine in known if size in engine.sizes]
    return "\n".join(lines)


def _line(row: Plan) -> str:
    cells = [
        _short(row.photos),
        row.engine,
        row.basis,
        str(row.shards),
        *map(_figure, (row.memory_gb, row.disk_gb, row.hours, row.milliseconds, row.queries_of_a_core)),
        *map(_figure, (row.month, row.million_queries, row.million_photos)),
    ]
    return f"| {' | '.join(cells)} |"


def _figure(value: float) -> str:
    """Format a value with two significant digits."""
    digits = max(0, 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{round(value, 1 - math.floor(math.log10(abs(value)))):,.{digits}f}" if value else "0"


def _short(count: int) -> str:
    return f"{count:,}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, value in vars(Assumptions()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    print(table(RESULTS, Assumptions(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
