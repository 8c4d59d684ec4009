"""Requests per second and processor time of the HTTP service, beside a minimal service of the same model.

    python benchmarks/service.py

1, 16 and 64 callers on one address send distinct captions; each sends the next as soon as it has an answer. The peer is
thirty lines of FastAPI, onnxruntime and numpy over the same tower and the same vectors, without limits, metrics,
confidences or checks of the photos. The callers run in a separate process, whose processor time is not counted.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import models
import numpy as np
import psutil
from contest import CACHE, milliseconds, write

from photoseek import Bundle, Gallery
from photoseek.demo.gallery import demo_photos

_CALLERS = (1, 16, 64)
_SECONDS = 3.0
_ROUNDS = 3
_PORT = 8765
_TEXTS = 100_000  # more than a server answers in one turn
_JSON = "application/json"

_MINIMAL = """
import sys, numpy as np, onnxruntime as ort, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

graph, tokenizer, vectors, names, port = sys.argv[1:]
tokenizer, vectors = Tokenizer.from_file(tokenizer), np.load(vectors)
names = open(names, encoding="utf-8").read().splitlines()
session = ort.InferenceSession(graph)
inputs = {node.name for node in session.get_inputs()}
app = FastAPI()

class Query(BaseModel):
    text: str
    k: int = 5

@app.post("/v1/search")
def search(query: Query):
    ids = np.array([tokenizer.encode(query.text).ids[:64]])
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    vector = session.run(None, {name: feeds[name] for name in inputs})[0][0]
    scores = vectors @ (vector / np.linalg.norm(vector))
    best = np.argsort(-scores)[: query.k]
    return {"hits": [{"path": names[row], "score": float(scores[row])} for row in best]}

uvicorn.run(app, port=int(port), log_level="warning", access_log=False)
"""


def main() -> None:
    """Run the benchmark and write the result."""
    if sys.argv[1:2] == ["--call"]:
        print(json.dumps(asyncio.run(_call_together(int(sys.argv[2]), int(sys.argv[3])))))
        return
    servers = _servers()
    found: dict[str, dict[str, list[float]]] = {name: {} for name in servers}
    for turn in range(_ROUNDS):
        for name, command in servers.items():
            print(f"service: {name}, round {turn + 1} of {_ROUNDS}", file=sys.stderr, flush=True)
            for figure, value in _measure(command).items():
                found[name].setdefault(figure, []).append(value)
    rows = {name: {key: round(statistics.median(each), 3) for key, each in of.items()} for name, of in found.items()}
    write("service", "The HTTP service: distinct captions by 1, 16 and 64 callers", rows, _ROUNDS)


def _servers() -> dict[str, list[str]]:
    gallery = Gallery.open_or_create(demo_photos(folder=CACHE / "demo"), Bundle.load("demo"), rebuild=True)
    gallery.index()
    bundle, snapshot = Bundle.load("demo"), gallery.generation()
    vectors, names, graph = CACHE / "service.npy", CACHE / "service.txt", bundle.graph_path(bundle.text_graph("int8"))
    np.save(vectors, np.asarray(snapshot.vectors))
    names.write_text("\n".join(str(row) for row in snapshot.ids), "utf-8")
    minimal = [_MINIMAL, str(graph), str(bundle.path / "tokenizer.json"), str(vectors), str(names), str(_PORT)]
    return {
        "photoseek serve": ["-m", "photoseek", "serve", "--gallery", str(gallery.path), "--port", str(_PORT)],
        "FastAPI, onnxruntime and numpy": ["-c", *minimal],
    }


def _measure(command: list[str]) -> dict[str, float]:
    figures: dict[str, float] = {}
    with _running(command) as server:
        for turn, callers in enumerate(_CALLERS, start=1):
            before = sum(server.cpu_times()[:2])
            calls = [sys.executable, str(Path(__file__)), "--call", str(callers), str(turn * _TEXTS)]
            answers = json.loads(subprocess.run(calls, check=True, capture_output=True, text=True).stdout)
            busy = sum(server.cpu_times()[:2]) - before
            figures |= {
                f"{callers}: requests/s": round(answers["requests"] / _SECONDS, 1),
                f"{callers}: processor ms": round(1000 * busy / answers["requests"], 3),
                f"{callers}: p99_ms": answers["p99_ms"],
            }
    return figures


@contextmanager
def _running(command: list[str]) -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL) as process:
        try:
            asyncio.run(_wait_for_server())
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


async def _wait_for_server() -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", _PORT)
            await _request(reader, writer, "a dog")
        except (OSError, AssertionError):
            await asyncio.sleep(0.2)
        else:
            writer.close()
            return
    raise SystemExit("the server did not start")


async def _call_together(callers: int, first: int) -> dict[str, float]:
    """Send texts, numbered from ``first``, for some seconds."""
    captions, seconds = models.captions(), list[float]()
    numbers = itertools.count(first)  # no text twice, since photoseek remembers the last ones
    texts = (f"{captions[number % len(captions)]}, picture {number}" for number in numbers)
    end = time.perf_counter() + _SECONDS

    async def call() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", _PORT)
        while (started := time.perf_counter()) < end:
            await _request(reader, writer, next(texts))
            seconds.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(call() for _ in range(callers)))
    return {"requests": len(seconds), "p99_ms": milliseconds(seconds)["p99_ms"]}


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> None:
    body = json.dumps({"text": text, "k": 5}).encode()
    head = (
        f"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    writer.write(head.encode() + b"\r\n\r\n" + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200"), answer
    length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))


if __name__ == "__main__":
    main()
