"""Throughput and tail latency of text queries with 1, 4 and 16 concurrent callers, BERT-base.

    python benchmarks/callers.py

Every caller requests the next vector as soon as it has one. In ``latency`` mode, a run uses all cores; in ``service``
mode, each run uses one.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import models
from contest import Contest, milliseconds

_CALLERS = (1, 4, 16)
_SECONDS = 4.0


def _photoseek(precision: str, mode: Any) -> dict[str, Any]:
    from photoseek import Bundle
    from photoseek.encoders.encoders import TextEncoder

    encoder = TextEncoder(Bundle.load(models.bundle()), precision, mode=mode)
    return _crowds(lambda text: encoder.encode([text]))


def _pytorch() -> dict[str, Any]:
    import torch

    from photoseek_train.model.checkpoint import load_checkpoint

    model, config, tokenizer = load_checkpoint(models.checkpoint(), attention="eager")

    def encode(text: str) -> Any:
        tokens = tokenizer([text], truncation=True, max_length=config.model.max_tokens, return_tensors="pt")
        with torch.inference_mode():
            return model.encode_text(tokens["input_ids"], tokens["attention_mask"])

    return _crowds(encode)


def _crowds(encode: Callable[[str], Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for text in models.captions()[:10]:
        encode(text)
    for callers in _CALLERS:
        seconds: list[float] = []
        end = time.perf_counter() + _SECONDS
        threads = [threading.Thread(target=_call, args=(encode, number, end, seconds)) for number in range(callers)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = len(seconds) / (time.perf_counter() - started)
        figures |= {f"{callers}: queries/s": round(rate, 1), f"{callers}: p99_ms": milliseconds(seconds)["p99_ms"]}
    return figures


def _call(encode: Callable[[str], Any], number: int, end: float, seconds: list[float]) -> None:
    texts = models.captions()
    while (started := time.perf_counter()) < end:
        encode(texts[number % len(texts)])
        seconds.append(time.perf_counter() - started)
        number += 1


CONTEST = Contest(
    "callers",
    "BERT-base text queries by 1, 4 and 16 callers at once",
    {
        "photoseek int8, service": lambda: _photoseek("int8", "service"),
        "photoseek int8, latency": lambda: _photoseek("int8", "latency"),
        "photoseek fp32, service": lambda: _photoseek("fp32", "service"),
        "PyTorch eager fp32": _pytorch,
    },
)

if __name__ == "__main__":
    models.bundle()
    CONTEST.main(sys.argv[1:], rounds=2)
