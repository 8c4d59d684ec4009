"""Decode damaged photos in a separate process, which a decoder may crash.

``python decode_mutations.py SEED COUNT``, and for raw files ``python decode_mutations.py SEED COUNT raw``.

Each line of output is JSON: the seed and number of a photo before it is decoded, and the outcomes of each format.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections import Counter
from random import Random

import numpy as np

from photo_mutations import mutated, raw_seeds, seeds
from photoseek.errors import PhotoError
from photoseek.photos import formats
from photoseek.photos.decode import decode_photo
from photoseek.photos.preprocessing import Preprocessing

PIXELS = 4_000_000
"""Limit of pixels, lower than the real one, to test many small photos in the same time."""

MEMORY = 3 << 29
"""Address space in bytes; libraries map half of it."""

SECONDS = 30
"""Seconds per photo, on a busy machine."""


def outcome(data: bytes) -> str:
    """Return the outcome of a photo: ``picture``, or the class of the Pillow error that caused a ``PhotoError``.

    Anything else is raised.
    """
    try:
        photo = decode_photo(data, 256)
    except PhotoError as error:
        return type(error.__cause__).__name__ if error.__cause__ else "PhotoError"
    assert photo.image.mode == "RGB"
    values = Preprocessing()(photo.image)
    assert values.shape == (3, 224, 224)
    assert np.isfinite(values).all()
    return "picture"


def main(seed: str, count: int, valid: dict[str, bytes]) -> None:
    """Damage and decode ``count`` photos of each format."""
    formats.MAX_PIXELS = PIXELS
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    others = list(valid.values())
    for name, data in valid.items():
        found: Counter[str] = Counter()
        random = Random(f"{name} {seed}")
        for number in range(count):
            damaged = mutated(data, random, random.choice(others))
            print(json.dumps({"format": name, "seed": seed, "number": number, "data": damaged.hex()}), flush=True)
            signal.alarm(SECONDS)  # ends the process even inside a decoder in C
            found[outcome(damaged)] += 1
            signal.alarm(0)
        print(json.dumps({"format": name, "outcomes": found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), raw_seeds() if "raw" in sys.argv else seeds())
