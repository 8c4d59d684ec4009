"""Speed and accuracy of the types of int8 weights, for both towers of a checkpoint; prints Markdown tables.

    python benchmarks/int8_weights.py --checkpoint RUN --images DIR --captions FILE [--work DIR]

Milliseconds are those of one core, and medians of interleaved runs. Cosines are means over vectors from which the mean
vector was subtracted, with those of fp32. Each type is run with onnxruntime's option session.x64quantprecision, which
photoseek sets and which converts int8 weights of more than 7 bits to uint8 on x86, and without it. Not part of
`make bench`, because it needs a trained model and real photos.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.quantization import QuantType

from photoseek.captions import read_caption_file
from photoseek.vectors import normalize
from photoseek_export import quantize
from photoseek_export.attention_fusion import write_fused_graph
from photoseek_export.towers import text_tower, vision_tower
from photoseek_train.model.checkpoint import LoadedCheckpoint, load_checkpoint

Feeds = Mapping[str, npt.NDArray[Any]]

_TOKENS = 10
_TEXTS, _PHOTOS, _ROUNDS = 100, 48, 15
_CHANNEL = {"per_channel": True, "reduce_range": False}
_TYPES: dict[str, dict[str, Any]] = {
    "int8, 7 bits": {"weight_type": QuantType.QInt8, "per_channel": True, "reduce_range": True},
    "int8": {"weight_type": QuantType.QInt8, **_CHANNEL},
    "uint8": {"weight_type": QuantType.QUInt8, **_CHANNEL},
    "uint8, one scale": {"weight_type": QuantType.QUInt8, "per_channel": False, "reduce_range": False},
    "int8, int8 activations": {"weight_type": QuantType.QInt8, "activation_type": QuantType.QInt8, **_CHANNEL},
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="keeps fp32 graphs for another run")
    options = parser.parse_args()
    loaded = load_checkpoint(options.checkpoint, attention="eager")
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(exist_ok=True)
        _measure("text", _text_graph(loaded, work), *_texts(loaded, options.captions))
        photos = quantize.calibration_images(options.images, loaded.config.preprocessing)
        graph = work / "vision.onnx"
        if not graph.exists():
            vision_tower(loaded, None).write(graph)
        _measure("image", graph, *_photos(photos[_PHOTOS:]), photos=photos[:_PHOTOS])


def _text_graph(loaded: LoadedCheckpoint, work: Path) -> Path:
    graph = work / "text.onnx"
    if not graph.exists():
        write_fused_graph(loaded.model.text_tower.bert, text_tower(loaded).write, graph)
    return graph


def _texts(loaded: LoadedCheckpoint, captions: Path) -> tuple[list[Feeds], dict[str, Feeds]]:
    """Return captions as feeds, and those to time."""
    texts = [caption.text for caption in read_caption_file(captions).captions[:: 5 * _TEXTS // 10]][:_TEXTS]
    feeds = [dict(loaded.tokenizer([text], return_tensors="np", return_token_type_ids=False)) for text in texts]
    ids = np.full((1, _TOKENS), feeds[0]["input_ids"][0, 1])
    return feeds, {f"{_TOKENS} tokens": {"input_ids": ids, "attention_mask": np.ones_like(ids)}}


def _photos(photos: npt.NDArray[np.float32]) -> tuple[list[Feeds], dict[str, Feeds]]:
    one, eight = ({"pixel_values": photos[:count]} for count in (1, 8))
    return [{"pixel_values": photo[None]} for photo in photos], {"1 photo": one, "8 photos": eight}


def _measure(
    tower: str,
    graph: Path,
    feeds: Sequence[Feeds],
    timed: Mapping[str, Feeds],
    photos: npt.NDArray[np.float32] | None = None,
) -> None:
    """Print the table of a tower; ``photos`` calibrate an image tower."""
    sessions = {"fp32": _session(graph, exact=False)}
    for name, target in _write_types(graph, photos):
        for exact in (True, False):
            sessions[f"{name}{', option' if exact else ''}"] = _session(target, exact)
    vectors = {name: np.concatenate([run(each) for each in feeds]) for name, run in sessions.items()}
    times = {what: _times(sessions, feed) for what, feed in timed.items()}
    print(f"| {tower} tower | " + " | ".join(f"{what}, ms | over fp32" for what in timed) + " | cosine |")
    print("|---" * (2 + 2 * len(timed)) + "|")
    for name in sessions:
        cells = [f"{each[name]:.1f} | {each['fp32'] / each[name]:.2f}" for each in times.values()]
        print(f"| {name} | " + " | ".join(cells) + f" | {_cosine(vectors['fp32'], vectors[name]):.4f} |", flush=True)


def _write_types(graph: Path, photos: npt.NDArray[np.float32] | None) -> Iterator[tuple[str, Path]]:
    for number, (name, settings) in enumerate(_TYPES.items()):
        target = graph.with_name(f"{graph.stem}_{number}.onnx")
        if photos is not None:
            quantize.quantize_static_int8(graph, target, photos, **settings)
        elif "activation_type" not in settings:  # DynamicQuantizeLinear returns uint8
            quantize.quantize_dynamic_int8(graph, target, **settings)
        else:
            continue
        yield name, target


def _session(graph: Path, exact: bool) -> Callable[[Feeds], npt.NDArray[np.float32]]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1" if exact else "0")
    session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def run(feeds: Feeds) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = session.run(None, dict(feeds))[0]
        return found

    return run


def _times(sessions: Mapping[str, Callable[[Feeds], Any]], feeds: Feeds) -> dict[str, float]:
    """Return the milliseconds of each session."""
    spent: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(_ROUNDS + 1):
        for name, run in sessions.items():
            start = time.thread_time()
            run(feeds)
            spent[name].append(time.thread_time() - start)
    return {name: 1000 * float(np.median(each[1:])) for name, each in spent.items()}


def _cosine(exact: npt.NDArray[np.float32], rounded: npt.NDArray[np.float32]) -> float:
    one, other = (normalize(normalize(each) - normalize(each).mean(axis=0)) for each in (exact, rounded))
    return float((one * other).sum(axis=1).mean())


if __name__ == "__main__":
    main()
