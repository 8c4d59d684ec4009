"""Does a tower need less processor time per text if texts are encoded together?

    python benchmarks/text_batches.py

One thread, as in the service. The CLIP model is that of ``clip_models.py``.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import models
from contest import Contest

import clip_models
from photoseek import Bundle
from photoseek.encoders.encoders import TextEncoder

_TEXTS, _BATCHES = 64, (1, 4, 16)


def _encode(bundle: str | Path, precision: str) -> dict[str, float]:
    encoder, texts = TextEncoder(Bundle.load(bundle), precision, mode="service"), models.captions()[:_TEXTS]
    encoder.encode(texts[:4])
    found: dict[str, float] = {}
    for size in _BATCHES:
        started = time.process_time()
        for start in range(0, len(texts), size):
            encoder.encode(texts[start : start + size], batch_size=size)
        found[f"batches of {size}, processor_ms"] = round(1000 * (time.process_time() - started) / len(texts), 2)
    return found


CONTEST = Contest(
    "text_batches",
    "Processor time per text, encoded alone and together",
    {
        "embedded bundle, int8": partial(_encode, "demo", "int8"),
        "CLIP ViT-B/32, int8": partial(_encode, clip_models.BUNDLE, "int8"),
        "CLIP ViT-B/32, fp32": partial(_encode, clip_models.BUNDLE, "fp32"),
    },
)

if __name__ == "__main__":
    CONTEST.main(sys.argv[1:], rounds=3)
