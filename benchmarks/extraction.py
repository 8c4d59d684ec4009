"""Speed of feature extraction with ResNet18, compared to a plain torchvision loop.

    python benchmarks/extraction.py --images PHOTOS

The plain loop has torchvision's Resize, CenterCrop, ToTensor and Normalize, a DataLoader with two workers, and
resnet18 in evaluation mode in float32. ``photoseek-train features`` also hashes the files and writes the rows to
disk; it runs in float32 and with ``--precision bf16``. All take turns, with random weights, on the given photos and
on enlarged copies. Takes some minutes on two cores and writes ``benchmarks/results/extraction.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from contest import RESULTS, machine
from jpegs import write_large
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.config import preprocessing_of
from photoseek_train.features.cache import FeatureCache
from photoseek_train.features.frozen_features import cached_image_features
from photoseek_train.model.towers import ImageTower

LARGE = (1024, 768)

Rows = npt.NDArray[np.float32]
Extract = Callable[[ImageTower, Preprocessing, Sequence[Path]], Rows]


@dataclass(frozen=True)
class Row:
    """A row of the table; rates in photos per second, ``ratio`` of the medians."""

    photos: str
    input: int
    precision: str  # of photoseek
    count: int
    plain: float
    ours: float
    ratio: float
    ratios: list[float]
    difference: float  # maximum, relative to the largest feature


class PlainPhotos(Dataset[torch.Tensor]):
    """Photos, preprocessed as in torchvision's documentation."""

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing) -> None:
        self.paths = list(paths)
        self.transform = transforms.Compose(
            [
                transforms.Resize(preprocessing.shortest_edge),
                transforms.CenterCrop(preprocessing.height),
                transforms.ToTensor(),
                transforms.Normalize(preprocessing.mean, preprocessing.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> torch.Tensor:
        with Image.open(self.paths[row]) as image:
            pixels: torch.Tensor = self.transform(image.convert("RGB"))
        return pixels


def plain(tower: ImageTower, preprocessing: Preprocessing, paths: Sequence[Path]) -> Rows:
    """Extract features with the plain loop."""
    loader = DataLoader(PlainPhotos(paths, preprocessing), batch_size=64, num_workers=2)
    with torch.inference_mode():
        return torch.cat([tower.backbone(batch) for batch in loader]).numpy()


def ours(tower: ImageTower, preprocessing: Preprocessing, paths: Sequence[Path], *, bf16: bool) -> Rows:
    """Extract features with photoseek into a new folder, so that nothing is cached."""
    with tempfile.TemporaryDirectory() as folder:
        return cached_image_features(FeatureCache(Path(folder)), tower, preprocessing, paths, bf16=bf16).numpy()


LOOPS: dict[str, Extract] = {"plain": plain, "fp32": partial(ours, bf16=False), "bf16": partial(ours, bf16=True)}


def compare(photos: str, paths: Sequence[Path], size: int, rounds: int) -> list[Row]:
    """Run all loops in turn after a warm-up, and return a row for each precision of photoseek."""
    torch.manual_seed(0)
    tower, preprocessing = ImageTower().eval(), preprocessing_of(size)
    rates: dict[str, list[float]] = {name: [] for name in LOOPS}
    rows: dict[str, Rows] = {}
    for extract in LOOPS.values():
        extract(tower, preprocessing, paths[:32])
    for _ in range(rounds):
        for name, extract in LOOPS.items():
            started = time.perf_counter()
            rows[name] = extract(tower, preprocessing, paths)
            rates[name].append(len(paths) / (time.perf_counter() - started))
    slow = statistics.median(rates["plain"])
    found = []
    for name in ("fp32", "bf16"):
        fast = statistics.median(rates[name])
        ratios = [round(b / a, 2) for a, b in zip(rates["plain"], rates[name], strict=True)]
        difference = float(np.abs(rows["plain"] - rows[name]).max() / np.abs(rows["plain"]).max())
        figures = (round(slow, 1), round(fast, 1), round(fast / slow, 2), ratios, difference)
        found.append(Row(photos, size, name, len(paths), *figures))
    return found


def enlarge(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Return large copies of photos."""
    made = [folder / f"{number:05d}.jpg" for number in range(len(paths))]
    for number, (path, target) in enumerate(zip(paths, made, strict=True)):
        write_large(path, target, LARGE, number)
    return made


def main() -> None:
    """Run the benchmark and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEGs")
    parser.add_argument("--count", type=int, default=512, help="number of photos to use; a quarter of them is enlarged")
    parser.add_argument("--rounds", type=int, default=5, help="number of runs of each loop")
    parser.add_argument("--sizes", type=int, nargs="+", default=[224, 112], help="input sizes of the tower in pixels")
    options = parser.parse_args()
    paths = sorted(options.images.glob("*.jpg"))[: options.count]
    if not paths:
        parser.error(f"{options.images}: expected *.jpg files, found none")
    figures = []
    facts = machine()
    print(f"{'photos':<12}{'input':>6}{'ours in':>9}{'plain/s':>9}{'ours/s':>9}{'ratio':>7}  of each round; difference")
    with tempfile.TemporaryDirectory() as folder:
        sets = {"as they are": paths, f"{LARGE[0]} x {LARGE[1]}": enlarge(paths[: len(paths) // 4], Path(folder))}
        for name, chosen in sets.items():
            for size in options.sizes:
                for row in compare(name, chosen, size, options.rounds):
                    figures.append(asdict(row))
                    start = f"{row.photos:<12}{row.input:>6}{row.precision:>9}{row.plain:>9.1f}{row.ours:>9.1f}"
                    print(f"{start}{row.ratio:>7.2f}   {row.ratios}; {row.difference:.1e}", flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "extraction.json").write_text(
        json.dumps({"machine": facts, "figures": figures}, indent=2) + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
