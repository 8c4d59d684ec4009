"""Median milliseconds of a text query and of a photo, with several bundles in one run; prints a Markdown table.

    python benchmarks/bundles.py BUNDLE BUNDLE --images DIR [--texts FILE]

The bundles take turns. A photo is encoded from its JPEG file, alone and in a call with 63 others. Not part of
`make bench`, because it needs bundles to compare.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path

from photoseek import Bundle
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek.sources.local import scan

_TEXTS = ("two dogs running on a beach", "a red car", "a man in a blue shirt is climbing a rock wall")
_PHOTOS = 64
_ROUNDS = {"query": 200, "photo": 24, f"photo of {_PHOTOS}": 5}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundles", nargs="+")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--texts", type=Path, help="file of queries, one per line")
    options = parser.parse_args()
    texts = options.texts.read_text("utf-8").splitlines() if options.texts else list(_TEXTS)
    photos = sorted(photo.under(options.images) for photo in scan(options.images))[:_PHOTOS]
    if len(photos) < _PHOTOS or not texts:
        parser.error(f"expected at least {_PHOTOS} photos and one text, found {len(photos)} and {len(texts)}")
    steps = {name: _steps(Bundle.load(name), texts, photos) for name in options.bundles}
    print(f"| bundle | {' | '.join(f'{step}, ms' for step in _ROUNDS)} |\n|---|{'---|' * len(_ROUNDS)}")
    found: dict[str, list[str]] = {name: [] for name in steps}
    for step, rounds in _ROUNDS.items():
        times = _take_turns({name: functions[step] for name, functions in steps.items()}, rounds)
        for name, seconds in times.items():
            found[name].append(f"{1000 * seconds / (_PHOTOS if step.endswith(str(_PHOTOS)) else 1):.1f}")
    for name, cells in found.items():
        print(f"| {name} | {' | '.join(cells)} |")


def _steps(bundle: Bundle, texts: list[str], photos: list[Path]) -> dict[str, Callable[[], object]]:
    encode_texts, encode_photos = TextEncoder(bundle).encode, ImageEncoder(bundle).encode
    text, photo = cycle(texts), cycle(photos)
    functions = (
        lambda: encode_texts([next(text)]),
        lambda: encode_photos([next(photo)]),
        lambda: encode_photos(photos),
    )
    return dict(zip(_ROUNDS, functions, strict=True))


def _take_turns(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in times.items()}


if __name__ == "__main__":
    main()
