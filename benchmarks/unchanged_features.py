"""``photoseek-train features`` when nothing changed, beside the imports that it saves.

    python benchmarks/unchanged_features.py

240 captions of 48 scenes, BERT-base and a ResNet18 with random weights. The command runs once to compute the features,
and is then measured in turns with a process that only imports PyTorch, torchvision and transformers.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

import models
from contest import CACHE, write

_ROUNDS = 7


def main() -> None:
    """Run the benchmark and write the result."""
    folder = models.scenes()
    sources = ["--images", folder / "images", "--captions", folder / "captions.token", "--text-model", models.bert()]
    options = ["--image-weights", _resnet(), "--image-size", 64, "--out", CACHE / "unchanged-features"]
    features = ["-m", "photoseek_train", "features", *map(str, [*sources, *options])]
    commands = {
        "nothing changed": features,
        "imports only": ["-c", "import torch, torchvision, transformers.models.bert"],
    }
    time.sleep(2.5)  # files that changed just now are not trusted
    _seconds(features)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(_ROUNDS):
        for name, command in commands.items():
            taken[name].append(_seconds(command))
    rows = {
        name: {
            "wall_s": round(statistics.median(wall for wall, _ in each), 2),
            "processor_s": round(statistics.median(processor for _, processor in each), 2),
        }
        for name, each in taken.items()
    }
    write("unchanged_features", "`photoseek-train features` when nothing changed", rows, _ROUNDS)


def _seconds(arguments: list[str]) -> tuple[float, float]:
    """Return the wall time and the processor time of a process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _resnet() -> str:
    """Write a ResNet18 with random weights, and return its file."""
    file = CACHE / "resnet18.pth"
    if not file.exists():
        import torch
        import torchvision

        torch.save(torchvision.models.resnet18(weights=None).state_dict(), file)
    return str(file)


if __name__ == "__main__":
    main()
