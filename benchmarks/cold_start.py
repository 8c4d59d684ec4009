"""Latency, memory and disk space of one query in a new process.

    python benchmarks/cold_start.py

Compares ``photoseek search`` over 300 scenes with the embedded bundle to the same query in PyTorch and transformers: a
BERT of the same shape loaded from a local folder, and the vectors of the same photos loaded from a file.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
from contest import CACHE, milliseconds, write

from photoseek import Bundle, Gallery
from photoseek.demo.gallery import demo_photos
from photoseek.evaluation.benchmark import run_cold

_STARTS = 15
_QUERY = "a red car next to a tree at night"

_PYTORCH = """
import sys, numpy as np, torch
from transformers import AutoModel, PreTrainedTokenizerFast
folder, vectors, query = sys.argv[1:]
tokenizer = PreTrainedTokenizerFast(tokenizer_file=folder + "/tokenizer.json")
model = AutoModel.from_pretrained(folder).eval()
project = torch.nn.Linear(model.config.hidden_size, 256)
with torch.inference_mode():
    tokens = tokenizer(query, return_tensors="pt")
    states = model(**tokens).last_hidden_state
    mean = (states * tokens["attention_mask"][..., None]).sum(1) / tokens["attention_mask"].sum(1, keepdim=True)
    vector = torch.nn.functional.normalize(project(mean), dim=-1)[0].numpy()
scores = np.load(vectors) @ vector
print(np.argsort(-scores)[:5])
"""

_RUNTIME = ("photoseek", "numpy", "onnxruntime", "pillow", "rich", "tokenizers", "typer")
_PEERS = {
    "sentence-transformers, PyTorch": ("sentence-transformers",),
    "transformers + torch + torchvision": ("transformers", "torch", "torchvision"),
}


def main() -> None:
    """Run the benchmark and write the result."""
    gallery = Gallery.open_or_create(demo_photos(folder=CACHE / "demo"), Bundle.load("demo"), rebuild=True)
    gallery.index()
    vectors = CACHE / "demo.npy"
    np.save(vectors, np.asarray(gallery.generation().vectors))
    folder = _bert_of_the_demos_shape()
    commands = {
        "photoseek search": ["-m", "photoseek", "search", _QUERY, "--gallery", str(gallery.path), "--json"],
        "PyTorch + transformers": ["-c", _PYTORCH, str(folder), str(vectors), _QUERY],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, float] = dict.fromkeys(commands, 0.0)
    for turn in range(_STARTS + 1):
        for name, command in commands.items():
            taken, peak = run_cold([sys.executable, *command])
            if turn:  # the first one fills the page cache
                seconds[name].append(taken)
                peaks[name] = max(peaks[name], peak)
    rows: dict[str, Any] = {name: {**milliseconds(seconds[name]), "peak_MB": peaks[name]} for name in commands}
    rows["installed: photoseek's runtime"] = {"MB": _installed(_RUNTIME)}
    for name, packages in _PEERS.items():
        rows[f"installed: {name}"] = {"MB": _installed(packages)}
    write("cold_start", "One query from a new process; memory; size on disk with all that is required", rows, _STARTS)


def _bert_of_the_demos_shape() -> Path:
    """Write a BERT with the shape of the embedded English tower and random weights."""
    import json

    from transformers import AutoModel, BertConfig

    folder = CACHE / "bert-demo"
    bundle = Bundle.load("demo")
    config = json.loads((bundle.path / "config.json").read_text("utf-8"))["text_config"]
    AutoModel.from_config(BertConfig(**config)).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((bundle.path / "tokenizer.json").read_bytes())
    return folder


def _installed(names: tuple[str, ...]) -> float:
    """Return the size of packages and their installed requirements in megabytes."""
    from packaging.requirements import Requirement

    seen: dict[str, int] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        seen[name] = sum(_size(Path(str(file.locate()))) for file in found.files or ())
        wanted = [Requirement(text) for text in found.requires or ()]
        extras = {"extra": ""}
        waiting += [it.name.lower() for it in wanted if it.marker is None or it.marker.evaluate(extras)]
    if "photoseek" in seen:  # an editable install lists no files
        seen["photoseek"] = sum(_size(file) for file in Path(sys.modules["photoseek"].__path__[0]).rglob("*"))
    return round(sum(seen.values()) / 1e6, 1)


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() and "__pycache__" not in file.parts else 0


if __name__ == "__main__":
    main()
