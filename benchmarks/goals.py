"""The goals of the benchmarks: ratios of figures of their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


def figure(reports: Mapping[str, Any], place: tuple[str, str, str]) -> float | None:
    """Return a figure by the names of its result, row and column; None if it is missing."""
    name, row, figure = place
    value = reports.get(name, {}).get("rows", {}).get(row, {}).get(figure)
    return None if value is None else float(value)


@dataclass(frozen=True)
class Ratio:
    """Ratio of two figures, or one figure, and its goal: at least ``goal``, or at most.

    ``why`` explains a goal that is not reached.
    """

    what: str
    above: tuple[str, str, str]  # result, row, figure
    below: tuple[str, str, str] | None
    goal: float
    at_most: bool = False
    why: str = ""

    def found(self, reports: Mapping[str, Any]) -> float | None:
        """Return the ratio, or None if a figure is missing."""
        above = figure(reports, self.above)
        below = 1.0 if self.below is None else figure(reports, self.below)
        return None if above is None or below is None else above / below

    def is_reached(self, found: float) -> bool:
        """Return whether a ratio reaches the goal."""
        return found <= self.goal if self.at_most else found >= self.goal


INT8, FP32 = "photoseek int8", "photoseek fp32"
EAGER, TORCHVISION = "PyTorch eager fp32", "torchvision + PyTorch eager"
NUMPY, GRAPH = "numpy, all scores", "photoseek faiss-hnsw, tuned"
RATIOS = (
    Ratio("text query: PyTorch eager over int8", ("text_query", EAGER, "p50_ms"), ("text_query", INT8, "p50_ms"), 3),
    Ratio(
        "text query: fastest of sentence-transformers over int8",
        ("text_query", "sentence-transformers onnx int8", "p50_ms"),
        ("text_query", INT8, "p50_ms"),
        1,
    ),
    Ratio(
        "text query, int8, over reading its weights once",
        ("text_query", INT8, "p50_ms"),
        ("limits", "text query, int8", "streamed_once_ms"),
        1.5,
        at_most=True,
    ),
    *(
        Ratio(
            f"photos of {size} px: int8 over torchvision + PyTorch",
            ("photos", INT8, f"{size} px, photos/s"),
            ("photos", TORCHVISION, f"{size} px, photos/s"),
            goal,
        )
        for size, goal in ((1024, 5), (4000, 8))
    ),
    Ratio("search among 31,783: numpy over faiss-hnsw", ("search", NUMPY, "p50_ms"), ("search", GRAPH, "p50_ms"), 3),
    Ratio(
        "search among 1,000,000: numpy over faiss-hnsw",
        ("search-1000000", NUMPY, "p50_ms"),
        ("search-1000000", GRAPH, "p50_ms"),
        20,
    ),
    Ratio(
        "search among 31,783 over encoding the text, int8",
        ("search", GRAPH, "p50_ms"),
        ("text_query", INT8, "p50_ms"),
        0.1,
        at_most=True,
    ),
    *(
        Ratio(
            f"cold query: PyTorch over photoseek, {what}",
            ("cold_start", "PyTorch + transformers", figure),
            ("cold_start", "photoseek search", figure),
            goal,
        )
        for what, figure, goal in (("time", "p50_ms", 5), ("memory", "peak_MB", 4))
    ),
)


_MINIMAL = "FastAPI, onnxruntime and numpy"
RATIOS_IN_USE = (
    *(
        Ratio(
            f"CLIP ViT-B/32, photos of {size} px: rclip over photoseek int8",
            ("clip_photos", "rclip", f"{size} px, processor_ms"),
            ("clip_photos", INT8, f"{size} px, processor_ms"),
            goal,
        )
        for size, goal in ((4000, 2.5), (1024, 1.3))
    ),
    *(
        Ratio(
            f"CLIP ViT-B/32, a short query: {peer} over photoseek int8",
            ("clip_text", peer, "query, processor_ms"),
            ("clip_text", INT8, "query, processor_ms"),
            goal,
            why="fastembed runs the same float32 graph in the same time as photoseek does; without int8 instructions, "
            "int8 takes about half of that.",
        )
        for peer, goal in (("fastembed", 2.4), ("rclip", 6))
    ),
    Ratio(
        "CLIP ViT-B/32, a query from a new process: rclip over photoseek int8",
        ("clip_cold", "rclip", "processor_ms"),
        ("clip_cold", INT8, "processor_ms"),
        2,
        why="importing numpy, reading the tokenizer and opening the graph take most of the rest.",
    ),
    Ratio(
        "CLIP ViT-B/32, one new photo among 81 until it is found: rclip over photoseek",
        ("clip_new_photo", "rclip", "processor_ms"),
        ("clip_new_photo", "photoseek", "processor_ms"),
        1.25,
    ),
    *(
        Ratio(
            f"service, {callers} callers: requests per second over a minimal service",
            ("service", "photoseek serve", f"{callers}: requests/s"),
            ("service", _MINIMAL, f"{callers}: requests/s"),
            1.5,
            why="both services spend about the same processor time on a request, half of it in the tower, which takes "
            "no less per text if texts are encoded together (`text_batches.py` below). The rest is Python, of which "
            "a process runs one thread at a time. Limits, checks and metrics are such work, so that photoseek keeps "
            "1.6 of two cores busy, and the minimal service 1.85. Threads within a run of the tower, and a shorter "
            "switch interval of the interpreter, brought nothing.",
        )
        for callers in (16, 64)
    ),
    Ratio(
        "BERT-base, a caption: fp32 over int8",
        ("text_query", FP32, "p50_ms"),
        ("text_query", INT8, "p50_ms"),
        1.7,
    ),
    Ratio(
        "ResNet18, photos of 1024 px per second: int8 over fp32",
        ("photos", INT8, "1024 px, photos/s"),
        ("photos", FP32, "1024 px, photos/s"),
        1.2,
    ),
    Ratio(
        "ten new photos among 300,000: seconds of processor time",
        ("growth", "delta of 10 photos", "all_cpu_s"),
        None,
        2,
        at_most=True,
        why="most is the scan of the folder, and half of that is a bare walk that reads the state of each file "
        "(`scan_cpu_s` and `walk_cpu_s` below): a changed photo cannot be found for less. The rest compares the files "
        "with the rows of the database.",
    ),
    Ratio(
        "indexes of 100,000 new vectors: seconds of processor time",
        ("first_index", "in order of promise", "cpu_s"),
        None,
        44,
        at_most=True,
    ),
    Ratio(
        "`photoseek info` of 1,000,000 photos, a new process: milliseconds",
        ("info", "photoseek info", "processor_ms"),
        None,
        300,
        at_most=True,
        why="starting Python and the command line takes more than that alone, see `photoseek info demo` below. The "
        "rest counts rows, and opens the index to report whether it is damaged.",
    ),
    Ratio(
        "among 1,000,000, a month, exact: milliseconds",
        ("filters", "exact, a month", "p50_ms"),
        None,
        20,
        at_most=True,
    ),
    Ratio(
        "among 1,000,000, a month, exact: first milliseconds",
        ("filters", "exact, a month", "first_ms"),
        None,
        500,
        at_most=True,
    ),
    Ratio(
        "among 1,000,000, a filter that keeps 90 % over none, exact",
        ("filters", "exact, 90%", "processor_ms"),
        ("filters", "exact, no filter", "processor_ms"),
        1.5,
        at_most=True,
    ),
    Ratio(
        "memory of a searcher after filters, 1,000,000, faiss-flat: MB",
        ("filters", "faiss-flat, 90%", "MB_after"),
        None,
        600,
        at_most=True,
        why="the vectors in half precision alone take 512 MB.",
    ),
    Ratio(
        "`Searcher.nearest` among 10,000, exact: milliseconds",
        ("nearest", "Searcher.nearest", "p50_ms"),
        None,
        0.9,
        at_most=True,
        why="see the time of the engine alone below; the rest reads the rows of the hits from the database.",
    ),
    Ratio(
        "`photoseek-train features`, nothing changed: seconds",
        ("unchanged_features", "nothing changed", "wall_s"),
        None,
        2,
        at_most=True,
    ),
)
