"""Time to encode a text query with CLIP ViT-B/32, one query at a time, against rclip and fastembed.

    python benchmarks/clip_text.py

All contestants have the same weights, see ``clip_models.py``, and run in separate processes with all cores. Queries are
the first words of captions, with about 10 tokens, and entire captions, with about 27. rclip pads every text to 77
tokens. Processor time is that of all threads.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from contest import Contest, milliseconds
from models import captions

import clip_models

_WARM_UP = 10
_QUERIES = 40
_WORDS = 8


def _photoseek(precision: str) -> dict[str, Any]:
    from photoseek import Bundle
    from photoseek.encoders.encoders import TextEncoder

    encoder = TextEncoder(Bundle.load(clip_models.BUNDLE), precision)
    return _time(lambda text: encoder.encode([text]))


def _fastembed() -> dict[str, Any]:
    from fastembed import TextEmbedding

    model = TextEmbedding("Qdrant/clip-ViT-B-32-text", specific_model_path=str(clip_models.FASTEMBED))
    return _time(lambda text: next(iter(model.embed([text]))))


def _rclip() -> dict[str, Any]:
    os.environ["RCLIP_DATADIR"] = str(clip_models.RCLIP)
    from rclip.model import Model

    model = Model()
    return _time(lambda text: model.compute_text_features([text]))


def _time(encode: Callable[[str], Any]) -> dict[str, Any]:
    texts = captions()[:_QUERIES]
    kinds = {"query": [" ".join(text.split()[:_WORDS]) for text in texts], "caption": texts}
    for text in texts[:_WARM_UP]:
        encode(text)
    found: dict[str, Any] = {}
    for kind, queries in kinds.items():
        seconds, processor = [], time.process_time()
        for query in queries:
            started = time.perf_counter()
            encode(query)
            seconds.append(time.perf_counter() - started)
        found[f"{kind}, processor_ms"] = round(1000 * (time.process_time() - processor) / _QUERIES, 2)
        found[f"{kind}, p50_ms"] = milliseconds(seconds)["p50_ms"]
    return found


CONTEST = Contest(
    "clip_text",
    "Milliseconds from a caption to its vector, CLIP ViT-B/32, one at a time",
    {
        "photoseek int8": lambda: _photoseek("int8"),
        "photoseek fp32": lambda: _photoseek("fp32"),
        "fastembed": _fastembed,
        "rclip": _rclip,
    },
)

if __name__ == "__main__":
    CONTEST.main(sys.argv[1:], rounds=3)
