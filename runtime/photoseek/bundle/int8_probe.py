"""A measurement of whether int8 is faster than float32 on this computer, which its instructions alone do not tell.

The feed-forward layer of a small BERT (384 and 1,536 wide, 10 tokens) runs some times in both, which takes about a
tenth of a second. ``$XDG_CACHE_HOME/photoseek/int8.json`` (``~/.cache``) remembers the result for this CPU and
version of onnxruntime.
"""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path

import numpy as np

from photoseek.system.atomic_write import make_private_folder, write_json_atomic
from photoseek.system.cache_dir import cache_folder
from photoseek.system.cpu import available_cores, cpu_model, int8_instructions

_GRAPHS = Path(__file__).parent / "int8_probe_graphs"
_RUNS = 20
_MAX_RATIO = 0.9  # of int8's time to float32's


@cache
def prefers_int8() -> bool:
    """Return whether int8 is clearly faster than float32; measured once."""
    import onnxruntime

    facts = cpu_model(), *int8_instructions(), f"{available_cores()} cores", f"onnxruntime {onnxruntime.__version__}"
    file, key = cache_folder() / "int8.json", ", ".join(facts)
    remembered = _read(file)
    if isinstance(answer := remembered.get(key), bool):
        return answer
    found = measure_int8_ratio() <= _MAX_RATIO
    try:
        make_private_folder(file.parent)
        write_json_atomic(file, {**remembered, key: found})
    except OSError:
        pass  # measured again by the next process
    return found


def _read(file: Path) -> dict[str, object]:
    """Return the answers of all computers that share this folder; none if the file is missing or damaged."""
    try:
        values = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def measure_int8_ratio() -> float:
    """Return the time of int8 over that of float32: the shortest of some runs in turns."""
    from photoseek.bundle.onnx_session import OnnxSession

    sessions = [OnnxSession(_GRAPHS / name) for name in ("int8.onnx", "fp32.onnx")]
    feeds = {"x": np.random.default_rng(0).normal(size=(10, 384)).astype(np.float32)}
    shortest = [float("inf")] * len(sessions)
    for _ in range(_RUNS):
        for number, session in enumerate(sessions):
            start = time.perf_counter()
            session.run(feeds)
            shortest[number] = min(shortest[number], time.perf_counter() - start)
    return shortest[0] / shortest[1]
